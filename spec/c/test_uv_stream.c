/* SPDX-License-Identifier: MIT */
/* Streams, listeners and duplex pairs, without Lua: who waits, who is woken,
   what is left when the driver closes. */
#include "check.h"
#include "uv/duplex.h"
#include "uv/listener.h"
#include "uv/resolve.h"
#include "uv/socket.h"
#include "uv/stream.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "waiting.h"

static ebb_driver *driver;

static void open_all(void)
{
  int error;
  begin();
  driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK_EQ(error, 0);
}

static void close_all(void)
{
  ebb_driver_close(driver);
  for (int i = 0; i < N_TASKS; i++) {
    if (tasks[i].state != EBB_TASK_RUNNING)
      run_task(i);
    ebb_rt_end(&tasks[i]);
  }
  ebb_rt_fini(&rt);
  CHECK_EQ(alloc.live_bytes, 0);
}

static void open_pair(ebb_stream *ends[2])
{
  int fds[2], error;
  CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  for (int i = 0; i < 2; i++) {
    ends[i] =
        ebb_stream_open(driver, &alloc, fds[i], EBB_STREAM_SOCKET, &error);
    CHECK_EQ(error, 0);
  }
}

static ptrdiff_t put(ebb_output *output, const char *bytes, size_t n)
{
  struct iovec piece = {(void *)bytes, n};
  return ebb_output_write(output, &piece, 1);
}

static const ebb_want one_line = {.kind = EBB_WANT_LINE};

static void wait_for_line(int i, ebb_input *input)
{
  ebb_task_reserve(run_task(i), 1);
  ebb_input_link(&tasks[i], 0, input, &one_line);
  park(i, 1);
}

static void wait_for_room(int i, ebb_output *output)
{
  run_task(i);
  ebb_output_link(&tasks[i], 0, output, &ebb_write_class);
  park(i, 1);
}

static void turn_until_ready(int i)
{
  while (is_waiting(i))
    ebb_driver_wait(driver, EBB_NEVER);
}

TEST(a_reader_is_woken_by_a_whole_line)
{
  ebb_stream *ends[2];
  open_all();
  open_pair(ends);
  wait_for_line(0, &ends[0]->input);
  CHECK(ebb_driver_is_busy(driver));
  CHECK(!ebb_driver_holds_time(driver));
  CHECK_EQ(put(&ends[1]->output, "ab", 2), 2);
  ebb_driver_poll(driver);
  CHECK(is_waiting(0));
  CHECK_EQ(put(&ends[1]->output, "c\nd", 3), 3);
  turn_until_ready(0);
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(tasks[0].took);
  CHECK_EQ(ebb_input_match(&ends[0]->input, &one_line), 4);
  CHECK(memcmp(ebb_input_bytes(&ends[0]->input), "abc\nd", 5) == 0);
  CHECK(!ebb_driver_is_busy(driver));
  CHECK_EQ(ends[1]->output.n_written, 5);
  ebb_stream_release(ends[0]);
  ebb_stream_release(ends[1]);
  close_all();
}

TEST(a_cancelled_read_leaves_what_had_come)
{
  ebb_stream *ends[2];
  open_all();
  open_pair(ends);
  wait_for_line(0, &ends[0]->input);
  CHECK_EQ(put(&ends[1]->output, "ab", 2), 2);
  ebb_driver_poll(driver);
  cancel(0);
  CHECK(!ebb_driver_is_busy(driver));
  CHECK_EQ(ends[0]->input.n, 2);
  CHECK_EQ(put(&ends[1]->output, "\n", 1), 1);
  wait_for_line(1, &ends[0]->input);
  turn_until_ready(1);
  CHECK_EQ(ebb_input_match(&ends[0]->input, &one_line), 3);
  ebb_stream_release(ends[0]);
  ebb_stream_release(ends[1]);
  close_all();
}

TEST(nothing_is_read_that_nobody_waits_for)
{
  ebb_stream *ends[2];
  char big[4096];
  open_all();
  open_pair(ends);
  memset(big, 'x', sizeof big);
  size_t n = 0;
  ptrdiff_t n_bytes;
  while ((n_bytes = put(&ends[1]->output, big, sizeof big)) > 0)
    n += (size_t)n_bytes;
  CHECK_EQ(n_bytes, EBB_EAGAIN);
  wait_for_room(0, &ends[1]->output);
  for (int i = 0; i < 5; i++)
    ebb_driver_poll(driver);
  CHECK(is_waiting(0));
  CHECK_EQ(ends[0]->input.n, 0);
  wait_for_line(1, &ends[0]->input);
  turn_until_ready(0);
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(!tasks[0].took);
  CHECK(ends[0]->input.n <= n);
  ebb_stream_close(ends[0]);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  CHECK_EQ(put(&ends[1]->output, big, 1), UV_EPIPE);
  ebb_stream_release(ends[0]);
  ebb_stream_release(ends[1]);
  close_all();
}

TEST(the_end_is_told_as_often_as_it_is_asked_for)
{
  ebb_stream *ends[2];
  open_all();
  open_pair(ends);
  wait_for_line(0, &ends[0]->input);
  CHECK_EQ(put(&ends[1]->output, "x", 1), 1);
  CHECK_EQ(ends[1]->output.cls->shutdown(&ends[1]->output), 0);
  turn_until_ready(0);
  CHECK(ends[0]->input.ended);
  CHECK_EQ(ends[0]->input.n, 1);
  for (int i = 0; i < 2; i++) {
    ebb_input_settled(&ends[0]->input);
    CHECK(!ends[0]->input.ended);
    ends[0]->input.cls->pull(&ends[0]->input);
    CHECK(ends[0]->input.ended);
    CHECK_EQ(ends[0]->input.error, 0);
  }
  ebb_stream_release(ends[0]);
  ebb_stream_release(ends[1]);
  close_all();
}

TEST(closing_wakes_reader_and_writer_once)
{
  ebb_stream *ends[2];
  char big[65536] = {0};
  open_all();
  open_pair(ends);
  while (put(&ends[0]->output, big, sizeof big) > 0)
    ;
  wait_for_line(0, &ends[0]->input);
  wait_for_room(1, &ends[0]->output);
  ebb_stream_close(ends[0]);
  ebb_stream_close(ends[0]);
  CHECK_EQ(tasks[0].status, EBB_ECLOSED);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  CHECK_EQ(ends[0]->fd, -1);
  ebb_stream_release(ends[0]);
  ebb_stream_release(ends[1]);
  close_all();
}

TEST(the_driver_closes_what_is_open)
{
  ebb_stream *ends[2];
  int fd, error;
  ebb_endpoint own;
  open_all();
  open_pair(ends);
  CHECK(ebb_endpoint_ip("127.0.0.1", 0, &own));
  CHECK_EQ(ebb_socket_listen(&own, 5, 0, &fd), 0);
  ebb_listener *listener = ebb_listener_open(driver, &alloc, fd, &error);
  CHECK(listener != NULL);
  run_task(0);
  ebb_listener_link(&tasks[0], 0, listener);
  park(0, 1);
  wait_for_line(1, &ends[0]->input);
  ebb_driver_close(driver);
  CHECK(listener->closed && ends[0]->closed && ends[1]->closed);
  CHECK_EQ(tasks[0].status, EBB_ECLOSED);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  ebb_stream_release(ends[0]);
  ebb_stream_release(ends[1]);
  ebb_listener_release(listener);
  driver = ebb_driver_open(&alloc, NULL, &error);
  close_all();
}

TEST(an_accepted_connection_is_the_woken_tasks)
{
  int fd, client, error;
  ebb_endpoint own;
  open_all();
  CHECK(ebb_endpoint_ip("127.0.0.1", 0, &own));
  CHECK_EQ(ebb_socket_listen(&own, 5, 0, &fd), 0);
  CHECK_EQ(ebb_socket_name(fd, false, &own), 0);
  ebb_listener *listener = ebb_listener_open(driver, &alloc, fd, &error);
  CHECK_EQ(ebb_listener_accept(listener), EBB_EAGAIN);
  for (int i = 0; i < 2; i++) {
    run_task(i);
    ebb_listener_link(&tasks[i], 0, listener);
    park(i, 1);
  }
  error = ebb_socket_connect(&own, NULL, &client);
  CHECK(error == 0 || error == EBB_EAGAIN);
  turn_until_ready(0);
  CHECK(is_waiting(1));
  ebb_listener_close(listener);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  CHECK_EQ(tasks[0].status, EBB_OK);
  ebb_connection *taken =
      ebb_connection_of(ebb_mailbox_taken(&listener->box, &tasks[0]));
  CHECK(taken != NULL && taken->fd >= 0);
  ebb_listener_drop(listener, taken);
  CHECK_EQ(ebb_socket_connected(client), 0);
  close(client);
  ebb_listener_release(listener);
  close_all();
}

TEST(endpoints)
{
  ebb_endpoint at;
  char text[EBB_ENDPOINT_TEXT];
  size_t n;
  CHECK(ebb_endpoint_ip("127.0.0.1", 80, &at));
  CHECK_EQ(ebb_endpoint_name(&at, text, &n), 80);
  CHECK(strcmp(text, "127.0.0.1") == 0 && n == 9);
  CHECK(ebb_endpoint_ip("::1", 81, &at));
  CHECK_EQ(ebb_endpoint_name(&at, text, &n), 81);
  CHECK(strcmp(text, "::1") == 0);
  CHECK(!ebb_endpoint_ip("localhost", 1, &at));
  CHECK_EQ(ebb_endpoint_path("/tmp/x", 6, &at), 0);
  CHECK_EQ(ebb_endpoint_name(&at, text, &n), -1);
  CHECK(n == 6 && memcmp(text, "/tmp/x", 6) == 0);
  CHECK_EQ(ebb_endpoint_path("", 0, &at), UV_EINVAL);
  char name[200];
  memset(name, 'x', sizeof name);
  CHECK_EQ(ebb_endpoint_path(name, sizeof name, &at), UV_ENAMETOOLONG);
  CHECK_EQ(ebb_endpoint_path(name, sizeof at.addr.un.sun_path - 1, &at), 0);
  CHECK_EQ(ebb_endpoint_path(name, sizeof at.addr.un.sun_path, &at),
           UV_ENAMETOOLONG);
}

TEST(a_duplex_pair_bounds_what_lies_unread)
{
  ebb_duplex *ends[2];
  open_all();
  CHECK(ebb_duplex_open(&alloc, 4, ends));
  CHECK_EQ(put(&ends[0]->output, "abcdef", 6), 4);
  CHECK_EQ(put(&ends[0]->output, "ef", 2), EBB_EAGAIN);
  wait_for_room(0, &ends[0]->output);
  ebb_input_take(&ends[1]->input, 1);
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(!is_waiting(0));
  CHECK_EQ(put(&ends[0]->output, "ef", 2), 1);
  wait_for_line(1, &ends[1]->input);
  CHECK_EQ(put(&ends[0]->output, "f\n", 2), 2);
  CHECK(!is_waiting(1));
  ebb_duplex_release(ends[0]);
  CHECK_EQ(put(&ends[1]->output, "x", 1), UV_EPIPE);
  ebb_duplex_release(ends[1]);
  close_all();
}

/* --- what is left over --- */

static volatile sig_atomic_t n_sigpipes;

static void on_sigpipe(int number)
{
  (void)number;
  n_sigpipes++;
}

/* Of a pipe nobody reads there is an error and no signal, whatever the process
   does with SIGPIPE. */
TEST(a_broken_pipe_is_no_signal)
{
  struct sigaction mine = {.sa_handler = on_sigpipe}, before;
  int fds[2], error;
  open_all();
  CHECK_EQ(sigaction(SIGPIPE, &mine, &before), 0);
  n_sigpipes = 0;
  CHECK_EQ(pipe(fds), 0);
  ebb_stream *stream = ebb_stream_open(driver, &alloc, fds[1], 0, &error);
  CHECK(stream != NULL);
  close(fds[0]);
  for (int i = 0; i < 3; i++)
    CHECK_EQ(put(&stream->output, "x", 1), UV_EPIPE);
  CHECK_EQ(n_sigpipes, 0);
  ebb_stream_release(stream);
  sigaction(SIGPIPE, &before, NULL);
  close_all();
}

static int connect_to(int listening)
{
  ebb_endpoint name;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_EQ(ebb_socket_name(listening, false, &name), 0);
  CHECK_EQ(connect(fd, &name.addr.any, name.n_bytes), 0);
  return fd;
}

/* Whether the other side has closed: at most 3 s. */
static bool is_cut(int fd)
{
  struct timeval span = {.tv_sec = 3};
  char byte;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &span, sizeof span);
  ssize_t n = recv(fd, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* A connection that was accepted for nobody, or for a task that never came to
   take it, is closed with the listener. */
TEST(connections_that_nobody_took)
{
  for (int is_promised = 0; is_promised < 2; is_promised++) {
    ebb_endpoint own;
    int fd, error;
    open_all();
    CHECK(ebb_endpoint_ip("127.0.0.1", 0, &own));
    CHECK_EQ(ebb_socket_listen(&own, 8, 0, &fd), 0);
    ebb_listener *listener = ebb_listener_open(driver, &alloc, fd, &error);
    CHECK(listener != NULL);
    if (is_promised) {
      CHECK_EQ(ebb_listener_accept(listener), EBB_EAGAIN);
      run_task(0);
      ebb_listener_link(&tasks[0], 0, listener);
      park(0, 1);
    }
    int client = connect_to(fd);
    if (is_promised)
      turn_until_ready(0);
    else
      CHECK_EQ(ebb_listener_accept(listener), 0);
    ebb_listener_release(listener);
    for (int i = 0; i < 3; i++)
      ebb_driver_poll(driver);
    CHECK(is_cut(client));
    close(client);
    close_all();
  }
}

/* The owner of a question lets go before the answer comes. */
TEST(answers_that_nobody_waits_for)
{
  for (int n_turns = 0; n_turns < 3; n_turns++) {
    int error;
    open_all();
    ebb_resolve *resolve =
        ebb_resolve_start(driver, &alloc, "localhost", &error);
    CHECK(resolve != NULL);
    if (n_turns > 0) {
      run_task(0);
      ebb_resolve_link(&tasks[0], 0, resolve);
      park(0, 1);
      if (n_turns == 2)
        turn_until_ready(0);
      else
        cancel(0);
    }
    ebb_resolve_release(resolve);
    close_all();
  }
}

int main(void)
{
  RUN(a_reader_is_woken_by_a_whole_line);
  RUN(a_cancelled_read_leaves_what_had_come);
  RUN(nothing_is_read_that_nobody_waits_for);
  RUN(the_end_is_told_as_often_as_it_is_asked_for);
  RUN(closing_wakes_reader_and_writer_once);
  RUN(the_driver_closes_what_is_open);
  RUN(an_accepted_connection_is_the_woken_tasks);
  RUN(endpoints);
  RUN(a_duplex_pair_bounds_what_lies_unread);
  RUN(a_broken_pipe_is_no_signal);
  RUN(connections_that_nobody_took);
  RUN(answers_that_nobody_waits_for);
  return check_report();
}
