/* SPDX-License-Identifier: MIT */
/* Children without Lua: the action of SIGCHLD before and after, statuses that
   others take, drivers that close first. */
#include "check.h"
#include "uv/process.h"
#include "waiting.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static ebb_driver *driver;
static volatile sig_atomic_t n_own;

static void own_handler(int number)
{
  (void)number;
  n_own++;
}

static void install(void)
{
  struct sigaction action;
  action.sa_handler = own_handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGCHLD, &action, NULL);
}

static bool is_own(void)
{
  struct sigaction action;
  sigaction(SIGCHLD, NULL, &action);
  return action.sa_handler == own_handler;
}

static void begin_driver(void)
{
  int error;
  begin();
  install();
  driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK_EQ(error, 0);
}

static void end_driver(void)
{
  if (driver != NULL)
    ebb_driver_close(driver);
  driver = NULL;
  end();
  CHECK_EQ(alloc.live_bytes, 0);
  CHECK(is_own());
  CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static ebb_process *spawn_sh(const char *script, int out, int *error)
{
  ebb_process_pipes pipes;
  char *args[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
  ebb_process_call call = {.args = args, .uid = -1, .gid = -1};
  call.stdio[0] = EBB_PROCESS_NULL;
  call.stdio[1] = out;
  call.stdio[2] = 2;
  ebb_process *made = ebb_process_spawn(driver, &alloc, &call, &pipes, error);
  ebb_process_pipes_close(&pipes);
  return made;
}

static ebb_process *run_sh(const char *script)
{
  int error;
  ebb_process *made = spawn_sh(script, 1, &error);
  CHECK_EQ(error, 0);
  return made;
}

static void turn_until_ended(const ebb_process *process)
{
  for (int i = 0; i < 1000 && !process->ended; i++)
    ebb_driver_wait(driver, ebb_driver_clock(NULL) + 10000000);
  CHECK(process->ended);
}

TEST(ends_with_a_code)
{
  begin_driver();
  ebb_process *p = run_sh("exit 7");
  CHECK(!is_own());
  ebb_process_link(run_task(0), 0, p);
  park(0, 1);
  CHECK(ebb_driver_is_busy(driver));
  turn_until_ended(p);
  CHECK(!is_waiting(0));
  CHECK(!ebb_driver_is_busy(driver));
  CHECK_EQ(p->code, 7);
  CHECK_EQ(p->signal, 0);
  CHECK(is_own());
  CHECK_EQ(ebb_process_kill(p, SIGTERM), UV_ESRCH);
  ebb_process_release(p);
  end_driver();
}

TEST(ends_by_a_signal)
{
  begin_driver();
  ebb_process *p = run_sh("sleep 100");
  CHECK_EQ(ebb_process_kill(p, SIGTERM), 0);
  turn_until_ended(p);
  CHECK_EQ(p->signal, SIGTERM);
  ebb_process_release(p);
  end_driver();
}

TEST(closed_and_released)
{
  begin_driver();
  ebb_process *p = run_sh("sleep 100");
  ebb_process *q = run_sh("sleep 100");
  ebb_process_link(run_task(0), 0, p);
  park(0, 1);
  ebb_process_close(p);
  ebb_process_close(p);
  CHECK_EQ(tasks[0].status, EBB_ECLOSED);
  ebb_process_release(p);
  ebb_process_release(q);
  end_driver();
}

TEST(left_to_the_driver)
{
  begin_driver();
  ebb_process *list[20];
  for (int i = 0; i < 20; i++)
    list[i] = run_sh("sleep 100");
  ebb_driver_close(driver);
  driver = NULL;
  CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
  for (int i = 0; i < 20; i++) {
    CHECK(list[i]->ended);
    CHECK_EQ(list[i]->signal, SIGKILL);
    ebb_process_release(list[i]);
  }
  end_driver();
}

/* Somebody calls waitpid(-1), as programs do that look after their children
   themselves. */
TEST(a_status_taken_by_others)
{
  begin_driver();
  ebb_process *p = run_sh("exit 7");
  char script[100]; /* it outlives the other */
  snprintf(script, sizeof script,
           "while kill -0 %d 2>/dev/null; do sleep 0.01; done; exit 8", p->pid);
  ebb_process *q = run_sh(script);
  pid_t pid;
  do
    pid = waitpid(-1, NULL, 0);
  while (pid < 0 && errno == EINTR);
  CHECK_EQ(pid, p->pid);
  turn_until_ended(q);
  CHECK_EQ(q->code, 8);
  turn_until_ended(p);
  CHECK_EQ(p->signal, -1);
  ebb_process_release(p);
  ebb_process_release(q);
  end_driver();
}

TEST(detached_ones_live_on)
{
  begin_driver();
  ebb_process *p = run_sh("sleep 0.1");
  pid_t pid = p->pid;
  ebb_process_detach(p);
  ebb_process_release(p);
  ebb_driver_close(driver);
  CHECK_EQ(kill(pid, 0), 0);
  siginfo_t info;
  while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0)
    continue;
  int error;
  driver = ebb_driver_open(&alloc, NULL, &error);
  p = run_sh("exit 0"); /* takes the status of the other */
  CHECK_EQ(kill(pid, 0), -1);
  turn_until_ended(p);
  ebb_process_release(p);
  end_driver();
}

TEST(what_cannot_be_started)
{
  int error;
  begin_driver();
  ebb_process_pipes pipes;
  char *args[] = {(char *)"/no/such", NULL};
  ebb_process_call call = {
      .args = args,
      .uid = -1,
      .gid = -1,
      .stdio = {EBB_PROCESS_PIPE, EBB_PROCESS_PIPE, EBB_PROCESS_SAME}};
  int next_fd = dup(0);
  close(next_fd);
  CHECK(ebb_process_spawn(driver, &alloc, &call, &pipes, &error) == NULL);
  CHECK_EQ(error, UV_ENOENT);
  CHECK_EQ(pipes.fds[0], -1);
  CHECK(is_own());
  ebb_driver_poll(driver);
  int again = dup(0);
  close(again);
  CHECK_EQ(next_fd, again);
  end_driver();
}

static long n_left;

static void *some(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud, (void)old_bytes;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return n_left-- > 0 ? realloc(ptr, new_bytes) : NULL;
}

TEST(out_of_memory)
{
  int error = UV_ENOMEM;
  for (long n = 0; error == UV_ENOMEM; n++) {
    begin_driver();
    alloc.fn = some;
    n_left = n;
    ebb_process *p = spawn_sh("exit 0", EBB_PROCESS_PIPE, &error);
    n_left = 1000;
    if (p != NULL) {
      turn_until_ended(p);
      ebb_process_release(p);
    }
    end_driver();
  }
  CHECK_EQ(error, 0);
}

int main(void)
{
  RUN(ends_with_a_code);
  RUN(ends_by_a_signal);
  RUN(closed_and_released);
  RUN(left_to_the_driver);
  RUN(a_status_taken_by_others);
  RUN(detached_ones_live_on);
  RUN(what_cannot_be_started);
  RUN(out_of_memory);
  return check_report();
}
