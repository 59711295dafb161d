/* SPDX-License-Identifier: MIT */
#include "core/rt.h"

#include "core/clock.h"
#include "core/shake.h"

void ebb_rt_init(ebb_rt *rt, const ebb_host *host, ebb_alloc *alloc,
                 uint64_t (*clock)(void *), void *clock_ud)
{
  *rt = (ebb_rt){.host = host,
                 .alloc = alloc,
                 .clock = clock,
                 .clock_ud = clock_ud,
                 .cleanup_timeout_ns = 5 * EBB_NS_PER_S,
                 .next_id = 1};
  ebb_list_init(&rt->ready);
  ebb_list_init(&rt->tasks);
  ebb_list_init(&rt->frame);
  ebb_list_init(&rt->ending);
  ebb_rt_refresh(rt);
  ebb_timers_init(&rt->timers, rt->now_ns);
  ebb_slab_init(&rt->sleeps, alloc, sizeof(ebb_sleep));
  ebb_rng_init(&rt->rng, 0x65626221);
}

void ebb_rt_fini(ebb_rt *rt)
{
  EBB_CHECK(rt->n_alive == 0);
  ebb_slab_fini(&rt->sleeps);
}

void ebb_rt_seed(ebb_rt *rt, uint64_t seed)
{
  ebb_rng_init(&rt->rng, seed);
  rt->shuffled = true;
}

void ebb_rt_advance(ebb_rt *rt, uint64_t now_ns)
{
  if (now_ns > rt->now_ns)
    rt->now_ns = now_ns;
}

void ebb_rt_spawn(ebb_rt *rt, ebb_task *task)
{
  task->rt = rt;
  task->waits = &task->wait0;
  task->cap_waits = 1;
  task->n_waits = 0;
  task->arm = 0;
  task->status = EBB_OK;
  task->took = task->uninterruptible = false;
  task->cancel_asked = task->overdue = false;
  task->budget = EBB_TASK_BUDGET;
  task->n_struck = 0;
  task->region = NULL;
  task->scope = NULL;
  ebb_region_open(&task->base, task, EBB_REGION_TASK);
  ebb_list_init(&task->joiners);
  ebb_list_init(&task->sibling);
  ebb_list_init(&task->ending);
  ebb_list_push_back(&rt->tasks, &task->all);
  task->id = rt->next_id++;
  rt->n_alive++;
  rt->count.spawned++;
  task->state = EBB_TASK_READY;
  ebb_list_push_back(&rt->ready, &task->link);
  rt->n_ready++;
}

void ebb_rt_end(ebb_task *task)
{
  ebb_rt *rt = task->rt;
  EBB_CHECK(task->n_waits == 0);
  if (task->state == EBB_TASK_READY) {
    ebb_list_unlink(&task->link);
    rt->n_ready--;
  }
  task->state = EBB_TASK_ENDED;
  rt->ended_id = task->id;
  ebb_list_unlink(&task->all);
  ebb_list_unlink(&task->ending);
  rt->n_alive--;
  if (task->waits != &task->wait0) {
    ebb_alloc_put(rt->alloc, task->waits,
                  task->cap_waits * sizeof *task->waits);
    task->waits = &task->wait0;
    task->cap_waits = 1;
  }
  ebb_wake_all(&task->joiners, EBB_OK);
}

void ebb_task_time_up(ebb_task *task)
{
  const ebb_host *host = task->rt->host;
  task->overdue = true;
  if (host->visible(task) == NULL)
    return; /* shielded: no cleanup of its runs yet */
  host->overdue(task);
  if (task->state == EBB_TASK_PARKED && !task->uninterruptible)
    ebb_task_interrupt(task, EBB_ECANCELLED);
}

size_t ebb_rt_fire(ebb_rt *rt)
{
  size_t n = 0;
  ebb_timer *timer;
  while ((timer = ebb_timers_pop(&rt->timers, rt->now_ns)) != NULL) {
    timer->fire(timer);
    n++;
  }
  while (!ebb_list_is_empty(&rt->ending)) {
    ebb_task *task = ebb_container_of(rt->ending.next, ebb_task, ending);
    if (task->ending_due_ns > rt->now_ns)
      break;
    ebb_list_unlink(&task->ending);
    ebb_task_time_up(task);
  }
  return n;
}

uint64_t ebb_rt_next_due(const ebb_rt *rt)
{
  uint64_t due_ns = ebb_timers_next(&rt->timers);
  if (!ebb_list_is_empty(&rt->ending)) {
    ebb_task *task = ebb_container_of(rt->ending.next, ebb_task, ending);
    if (task->ending_due_ns < due_ns)
      due_ns = task->ending_due_ns;
  }
  return due_ns;
}

/* Among the first few only, so that a seed costs O(1) a pick; spawns and wakes
   in between make every order reachable in the sizes that are explored. */
static ebb_list *pick_shuffled(ebb_rt *rt)
{
  uint32_t window = rt->n_ready < 64 ? (uint32_t)rt->n_ready : 64;
  uint32_t skip = ebb_rng_below(&rt->rng, window);
  ebb_list *node = rt->ready.next;
  while (skip-- > 0)
    node = node->next;
  return node;
}

size_t ebb_rt_run_ready(ebb_rt *rt, size_t limit)
{
  if (EBB_UNLIKELY(rt->shake != NULL))
    return ebb_shake_run(rt, limit);
  size_t n = rt->n_ready < limit ? rt->n_ready : limit;
  rt->turn_over = false;
  for (size_t i = 0; i < n; i++) {
    /* A task may have ended others (close of a runtime, cancel before the
       first run), so the queue may be shorter than it was. */
    if (ebb_list_is_empty(&rt->ready))
      return i;
    ebb_list *node =
        EBB_UNLIKELY(rt->shuffled) ? pick_shuffled(rt) : rt->ready.next;
    ebb_task *task = ebb_container_of(node, ebb_task, link);
    ebb_list_unlink(node);
    rt->n_ready--;
    task->state = EBB_TASK_RUNNING;
    task->budget = EBB_TASK_BUDGET;
    rt->current = task;
    rt->host->resume(task);
    rt->current = NULL;
    rt->count.polls++;
#if defined(EBB_DEBUG_CHECKS)
    ebb_rt_check(rt);
#endif
    if (EBB_UNLIKELY(rt->turn_over))
      return i + 1;
  }
  return n;
}

void ebb_rt_frame(ebb_rt *rt, double dt_s)
{
  rt->frame_number++;
  rt->frame_dt_s = dt_s;
  rt->frame_time_s += dt_s;
  if (rt->frame_clock != NULL)
    ebb_clock_frame(rt->frame_clock, rt->frame_time_s);
  ebb_wake_all(&rt->frame, EBB_OK);
}

/* --- time as something to wait for --- */

const ebb_wait_class ebb_sleep_class = {"sleep", false, ebb_sleep_leave};
const ebb_wait_class ebb_frame_class = {"next_frame", false, NULL};

static void sleep_fire(ebb_timer *timer)
{
  ebb_wake(ebb_container_of(timer, ebb_sleep, timer)->wait, EBB_OK);
}

bool ebb_sleep_reserve(ebb_rt *rt, size_t n)
{
  return ebb_slab_reserve(&rt->sleeps, n);
}

ebb_wait *ebb_sleep_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                         uint64_t due_ns)
{
  ebb_rt *rt = task->rt;
  ebb_sleep *sleep = ebb_slab_get(&rt->sleeps);
  EBB_CHECK(sleep != NULL);
  sleep->rt = rt;
  sleep->wait = ebb_wait_link(task, i, cls, sleep, NULL, 0);
  ebb_timer_init(&sleep->timer, sleep_fire);
  ebb_timer_arm(&rt->timers, &sleep->timer, due_ns);
  return sleep->wait;
}

void ebb_sleep_leave(ebb_wait *wait)
{
  ebb_sleep *sleep = wait->source;
  ebb_timer_disarm(&sleep->rt->timers, &sleep->timer);
  ebb_slab_put(&sleep->rt->sleeps, sleep);
}

uint64_t ebb_due_in(uint64_t now_ns, double seconds)
{
  if (!(seconds > 0))
    return now_ns;
  double ns = seconds * 1e9;
  /* 2^63 ns are 292 years: what is later never comes */
  if (ns >= 9.2e18)
    return EBB_NEVER;
  uint64_t span_ns = (uint64_t)ns;
  if ((double)span_ns < ns)
    span_ns++; /* never early */
  return span_ns >= EBB_NEVER - now_ns ? EBB_NEVER : now_ns + span_ns;
}
