/* SPDX-License-Identifier: MIT */
/* Notify, oneshot, barrier and latch: who is woken, with what, and what a task
   that gives up leaves behind (NO1-NO3, OS1-OS5, BA1-BA3, R103-R105). */
#include "check.h"
#include "sync/barrier.h"
#include "sync/notify.h"
#include "sync/oneshot.h"
#include "waiting.h"

static ebb_notify notify;
static ebb_oneshot oneshot;
static ebb_barrier barrier;

static void wait_notify(int i)
{
  ebb_notify_link(run_task(i), 0, &notify, 0);
  park(i, 1);
}

TEST(one_notification_is_kept)
{
  ebb_notify_init(&notify);
  CHECK_EQ(ebb_notify_take(&notify), EBB_EAGAIN);
  ebb_notify_one(&notify);
  ebb_notify_one(&notify);
  CHECK_EQ(ebb_notify_take(&notify), EBB_OK);
  CHECK_EQ(ebb_notify_take(&notify), EBB_EAGAIN);
}

TEST(one_is_woken_then_all)
{
  begin();
  ebb_notify_init(&notify);
  for (int i = 0; i < 4; i++)
    wait_notify(i);
  cancel(0);
  ebb_notify_one(&notify);
  CHECK(tasks[1].took);
  CHECK(is_waiting(2));
  CHECK_EQ(ebb_notify_all(&notify), 2);
  CHECK(!tasks[2].took);
  CHECK_EQ(tasks[2].status, EBB_OK);
  CHECK(!notify.stored);
  end();
}

static void wait_oneshot(int i)
{
  ebb_wait_link(run_task(i), 0, &ebb_oneshot_class, &oneshot, &oneshot.waiters,
                0);
  park(i, 1);
}

TEST(a_message_is_taken_once)
{
  ebb_wait *peer;
  ebb_oneshot_init(&oneshot);
  CHECK_EQ(ebb_oneshot_recv(&oneshot), EBB_EAGAIN);
  CHECK_EQ(ebb_oneshot_send(&oneshot, &peer), EBB_OK);
  CHECK(peer == NULL);
  CHECK_EQ(ebb_oneshot_send(&oneshot, &peer), EBB_ECLOSED);
  ebb_oneshot_close(&oneshot);
  CHECK_EQ(ebb_oneshot_recv(&oneshot), EBB_OK);
  CHECK_EQ(ebb_oneshot_recv(&oneshot), EBB_ECLOSED);
  ebb_oneshot_init(&oneshot);
  ebb_oneshot_close(&oneshot);
  CHECK_EQ(ebb_oneshot_recv(&oneshot), EBB_ECLOSED);
  CHECK_EQ(ebb_oneshot_send(&oneshot, &peer), EBB_ECLOSED);
}

TEST(the_first_who_waits_gets_the_message)
{
  ebb_wait *peer;
  begin();
  ebb_oneshot_init(&oneshot);
  for (int i = 0; i < 3; i++)
    wait_oneshot(i);
  cancel(0);
  CHECK_EQ(ebb_oneshot_send(&oneshot, &peer), EBB_OK);
  CHECK(peer->task == &tasks[1]);
  CHECK(tasks[1].took);
  CHECK_EQ(tasks[2].status, EBB_ECLOSED);
  CHECK_EQ(ebb_oneshot_recv(&oneshot), EBB_ECLOSED);
  end();
}

static void arrive(int i, uint32_t n_arms)
{
  ebb_task *task = run_task(i);
  CHECK_EQ(ebb_barrier_arrive(&barrier), EBB_EAGAIN);
  for (uint32_t arm = 0; arm < n_arms; arm++)
    ebb_barrier_link(task, arm, &barrier, 0);
  park(i, n_arms);
}

TEST(the_last_to_come_wakes_the_others)
{
  begin();
  ebb_barrier_init(&barrier, 3);
  for (int round = 0; round < 3; round++) {
    arrive(0, 1);
    arrive(1, 3); /* counts once */
    cancel(0);
    CHECK_EQ(barrier.n_here, 1);
    arrive(2, 1);
    run_task(3);
    CHECK_EQ(ebb_barrier_arrive(&barrier), EBB_OK);
    CHECK_EQ(barrier.n_here, 0);
    CHECK_EQ(tasks[1].status, EBB_OK);
    CHECK_EQ(tasks[2].status, EBB_OK);
    tasks[3].state = EBB_TASK_READY;
    ebb_list_push_back(&rt.ready, &tasks[3].link);
    rt.n_ready++;
  }
  ebb_barrier_init(&barrier, 0);
  CHECK_EQ(ebb_barrier_arrive(&barrier), EBB_OK);
  end();
}

TEST(a_latch_opens_for_good)
{
  ebb_latch latch;
  begin();
  ebb_latch_init(&latch, 3);
  ebb_wait_link(run_task(0), 0, &ebb_latch_class, &latch, &latch.waiters, 0);
  park(0, 1);
  ebb_latch_count_down(&latch, 2);
  CHECK(is_waiting(0));
  ebb_latch_count_down(&latch, 5);
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(!is_waiting(0));
  CHECK_EQ(latch.n, 0);
  end();
}

int main(void)
{
  RUN(one_notification_is_kept);
  RUN(one_is_woken_then_all);
  RUN(a_message_is_taken_once);
  RUN(the_first_who_waits_gets_the_message);
  RUN(the_last_to_come_wakes_the_others);
  RUN(a_latch_opens_for_good);
  return check_report();
}
