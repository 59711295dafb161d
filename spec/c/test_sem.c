/* SPDX-License-Identifier: MIT */
/* The semaphore's queue: order, large requests, cancelled ones, closing; and a
   model of it under random operations (SM1, SM3, SM5, SM8, R98, R100). */
#include "check.h"
#include "sync/sem.h"
#include "waiting.h"

#include "base/rng.h"

static ebb_sem sem;
static ebb_sem_claim claims[N_TASKS][2];

static void wait_for(int i, uint32_t arm, uint64_t n)
{
  claims[i][arm] = (ebb_sem_claim){.sem = &sem, .n = n};
  ebb_sem_link(&tasks[i], arm, n > 1 ? &ebb_sem_many_class : &ebb_sem_class,
               &claims[i][arm], 0);
}

static void acquire(int i, uint64_t n)
{
  run_task(i);
  wait_for(i, 0, n);
  park(i, 1);
}

TEST(permits_are_counted)
{
  ebb_sem_init(&sem, 3);
  CHECK_EQ(ebb_sem_acquire(&sem, 2), EBB_OK);
  CHECK_EQ(ebb_sem_acquire(&sem, 2), EBB_EAGAIN);
  CHECK_EQ(ebb_sem_acquire(&sem, 1), EBB_OK);
  CHECK_EQ(ebb_sem_acquire(&sem, 0), EBB_OK);
  CHECK_EQ(sem.available, 0);
  ebb_sem_release(&sem, 3);
  CHECK_EQ(ebb_sem_forget(&sem, 5), 3);
  CHECK_EQ(sem.available, 0);
}

TEST(first_come_first_served)
{
  begin();
  ebb_sem_init(&sem, 0);
  acquire(0, 3);
  acquire(1, 1);
  acquire(2, 1);
  ebb_sem_release(&sem, 2);
  CHECK(is_waiting(0));
  CHECK(is_waiting(1));
  CHECK_EQ(ebb_sem_acquire(&sem, 1), EBB_EAGAIN);
  ebb_sem_release(&sem, 2);
  CHECK(claims[0][0].held);
  CHECK(claims[1][0].held);
  CHECK(is_waiting(2));
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(tasks[0].took);
  CHECK_EQ(sem.available, 0);
  end();
}

TEST(a_cancelled_request_lets_those_behind_it_in)
{
  begin();
  ebb_sem_init(&sem, 2);
  acquire(0, 3);
  acquire(1, 1);
  acquire(2, 2);
  cancel(0);
  CHECK(!claims[0][0].held);
  CHECK(claims[1][0].held);
  CHECK(is_waiting(2));
  CHECK_EQ(sem.available, 1);
  end();
}

TEST(two_requests_of_one_select)
{
  begin();
  ebb_sem_init(&sem, 1);
  run_task(0);
  wait_for(0, 0, 3);
  wait_for(0, 1, 2);
  park(0, 2);
  acquire(1, 1);
  cancel(0); /* leaves twice: must not be woken through its second request */
  CHECK_EQ(tasks[0].status, EBB_ECANCELLED);
  CHECK(!claims[0][1].held);
  CHECK(claims[1][0].held);
  run_task(0);
  wait_for(0, 0, 2);
  wait_for(0, 1, 1);
  park(0, 2);
  ebb_sem_release(&sem, 3);
  CHECK(claims[0][0].held);
  CHECK(!claims[0][1].held);
  CHECK_EQ(sem.available, 1);
  end();
}

TEST(closing_wakes_everybody)
{
  begin();
  ebb_sem_init(&sem, 1);
  acquire(0, 2);
  acquire(1, 1);
  ebb_sem_close(&sem);
  CHECK_EQ(tasks[0].status, EBB_ECLOSED);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  CHECK(!tasks[0].took);
  CHECK_EQ(ebb_sem_acquire(&sem, 1), EBB_ECLOSED);
  CHECK_EQ(ebb_sem_acquire(&sem, 0), EBB_ECLOSED);
  ebb_sem_release(&sem, 4);
  CHECK_EQ(sem.available, 5);
  CHECK_EQ(ebb_sem_forget(&sem, 2), 2);
  CHECK_EQ(ebb_sem_acquire(&sem, 1), EBB_ECLOSED);
  end();
}

/* Whatever happens, permits are neither made nor lost, and nobody waits who
   could be served. */
TEST(random_operations)
{
  ebb_rng rng;
  ebb_rng_init(&rng, 7);
  begin();
  ebb_sem_init(&sem, 5);
  for (int round = 0; round < 200000; round++) {
    int i = (int)ebb_rng_below(&rng, N_TASKS);
    ebb_sem_claim *claim = &claims[i][0];
    uint64_t n = 1 + ebb_rng_below(&rng, 4);
    if (is_waiting(i)) {
      if (ebb_rng_below(&rng, 4) == 0)
        cancel(i);
    } else if (claim->held) {
      claim->held = false;
      ebb_sem_release(&sem, claim->n);
    } else if (ebb_sem_acquire(&sem, n) == EBB_OK) {
      *claim = (ebb_sem_claim){.sem = &sem, .n = n, .held = true};
    } else if (tasks[i].state == EBB_TASK_READY) {
      acquire(i, n);
    }
    uint64_t held = 0;
    for (int k = 0; k < N_TASKS; k++)
      held += claims[k][0].held ? claims[k][0].n : 0;
    ebb_wait *head = ebb_waitq_head(&sem.waiters);
    if (held + sem.available != 5 ||
        (head != NULL && ((ebb_sem_claim *)head->source)->n <= sem.available)) {
      CHECK(!"a permit is lost");
      break;
    }
  }
  end();
}

int main(void)
{
  RUN(permits_are_counted);
  RUN(first_come_first_served);
  RUN(a_cancelled_request_lets_those_behind_it_in);
  RUN(two_requests_of_one_select);
  RUN(closing_wakes_everybody);
  memset(claims, 0, sizeof claims);
  RUN(random_operations);
  return check_report();
}
