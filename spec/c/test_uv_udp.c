/* SPDX-License-Identifier: MIT */
/* Datagram sockets without Lua: who gets what is received, what is on its way
   when its owner lets go, what a closed driver leaves. */
#include "check.h"
#include "uv/udp.h"
#include "waiting.h"

#include <string.h>
#include <uv.h>

static ebb_driver *driver;
static ebb_udp *a, *b;
static ebb_endpoint b_address;

static ebb_udp *open_udp(void)
{
  int error;
  ebb_endpoint own;
  CHECK(ebb_endpoint_ip("127.0.0.1", 0, &own));
  ebb_udp *udp = ebb_udp_open(driver, &alloc, &own, 0, &error);
  CHECK_EQ(error, 0);
  return udp;
}

static void begin_udp(void)
{
  int error;
  begin();
  driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK_EQ(error, 0);
  a = open_udp();
  b = open_udp();
  CHECK_EQ(ebb_udp_own_address(b, &b_address), 0);
}

static void end_udp(void)
{
  ebb_udp_release(a);
  ebb_udp_release(b);
  end();
  ebb_driver_close(driver);
  CHECK_EQ(alloc.live_bytes, 0);
}

static void wait_for(int i)
{
  ebb_udp_link(run_task(i), 0, b);
  park(i, 1);
}

static void send_text(const char *text)
{
  CHECK_EQ(ebb_udp_try_send(a, text, strlen(text), &b_address), 0);
}

static void turn_until_ready(int i)
{
  for (int n = 0; n < 1000 && is_waiting(i); n++)
    ebb_driver_wait(driver, ebb_driver_clock(NULL) + 10000000);
  CHECK(!is_waiting(i));
}

TEST(addresses)
{
  ebb_endpoint address;
  char text[EBB_ENDPOINT_TEXT];
  size_t n;
  CHECK(ebb_endpoint_ip("10.1.2.3", 77, &address));
  CHECK_EQ(ebb_endpoint_name(&address, text, &n), 77);
  CHECK_EQ(strcmp(text, "10.1.2.3"), 0);
  CHECK(ebb_endpoint_ip("::1", 65535, &address));
  CHECK_EQ(ebb_endpoint_name(&address, text, &n), 65535);
  CHECK_EQ(strcmp(text, "::1"), 0);
  CHECK(!ebb_endpoint_ip("localhost", 1, &address));
  CHECK(!ebb_endpoint_ip("", 1, &address));
}

TEST(each_waiter_gets_its_own)
{
  begin_udp();
  wait_for(0);
  wait_for(1);
  CHECK(ebb_driver_is_busy(driver));
  send_text("one");
  send_text("two");
  turn_until_ready(0);
  turn_until_ready(1);
  CHECK(!ebb_driver_is_busy(driver));
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(tasks[0].took);
  /* the later one looks first */
  ebb_datagram *got = ebb_datagram_of(ebb_mailbox_taken(&b->box, &tasks[1]));
  CHECK_EQ(memcmp(got->data, "two", 3), 0);
  ebb_udp_drop(b, got);
  got = ebb_datagram_of(ebb_mailbox_taken(&b->box, &tasks[0]));
  CHECK_EQ(memcmp(got->data, "one", 3), 0);
  ebb_udp_drop(b, got);
  CHECK(ebb_mailbox_taken(&b->box, &tasks[0]) == NULL);
  end_udp();
}

TEST(what_was_delivered_survives_a_close)
{
  begin_udp();
  wait_for(0);
  send_text("one");
  turn_until_ready(0);
  ebb_udp_close(b);
  ebb_datagram *got = ebb_datagram_of(ebb_mailbox_taken(&b->box, &tasks[0]));
  CHECK(got != NULL);
  ebb_udp_drop(b, got);
  end_udp();
}

TEST(what_was_delivered_and_not_taken_is_freed)
{
  begin_udp();
  wait_for(0);
  send_text("one");
  turn_until_ready(0);
  end_udp();
}

TEST(received_without_waiting)
{
  begin_udp();
  CHECK_EQ(ebb_udp_receive(b), UV_EAGAIN);
  send_text("one");
  send_text("two");
  CHECK_EQ(ebb_udp_receive(b), 0);
  CHECK(b->holds);
  CHECK_EQ(ebb_udp_receive(b), 0); /* it is held still */
  CHECK_EQ(memcmp(b->held, "one", 3), 0);
  b->holds = false;
  CHECK_EQ(ebb_udp_receive(b), 0);
  CHECK_EQ(memcmp(b->held, "two", 3), 0);
  end_udp();
}

TEST(a_wait_that_ends_otherwise_leaves_it)
{
  begin_udp();
  wait_for(0);
  cancel(0);
  CHECK(!ebb_driver_is_busy(driver));
  send_text("one");
  ebb_driver_poll(driver);
  CHECK_EQ(ebb_udp_receive(b), 0);
  end_udp();
}

TEST(sending_that_is_waited_for)
{
  begin_udp();
  ebb_udp_send *sending = ebb_udp_send_start(a, "one", 3, &b_address);
  CHECK(sending != NULL && !sending->done);
  ebb_udp_send_link(run_task(0), 0, sending);
  park(0, 1);
  turn_until_ready(0);
  CHECK(sending->done);
  CHECK_EQ(sending->error, 0);
  ebb_udp_send_release(sending);
  CHECK_EQ(ebb_udp_receive(b), 0);
  CHECK_EQ(b->n_held, 3);
  end_udp();
}

TEST(sending_let_go)
{
  begin_udp();
  ebb_udp_send_release(ebb_udp_send_start(a, "one", 3, &b_address));
  ebb_udp_send *sending = ebb_udp_send_start(a, "two", 3, &b_address);
  ebb_udp_send_link(run_task(0), 0, sending);
  park(0, 1);
  cancel(0);
  ebb_udp_send_release(sending);
  end_udp();
}

TEST(sending_of_a_closed_socket)
{
  begin_udp();
  ebb_udp_send *sending = ebb_udp_send_start(a, "one", 3, &b_address);
  ebb_udp_close(a);
  while (!sending->done)
    ebb_driver_wait(driver, EBB_NEVER);
  CHECK(sending->error == 0 || sending->error == UV_ECANCELED);
  ebb_udp_send_release(sending);
  end_udp();
}

TEST(the_driver_closes_first)
{
  begin_udp();
  wait_for(0);
  ebb_driver_close(driver);
  CHECK_EQ(tasks[0].status, EBB_ECLOSED);
  ebb_udp_release(a);
  ebb_udp_release(b);
  end();
  CHECK_EQ(alloc.live_bytes, 0);
}

int main(void)
{
  RUN(addresses);
  RUN(each_waiter_gets_its_own);
  RUN(what_was_delivered_survives_a_close);
  RUN(what_was_delivered_and_not_taken_is_freed);
  RUN(received_without_waiting);
  RUN(a_wait_that_ends_otherwise_leaves_it);
  RUN(sending_that_is_waited_for);
  RUN(sending_let_go);
  RUN(sending_of_a_closed_socket);
  RUN(the_driver_closes_first);
  return check_report();
}
