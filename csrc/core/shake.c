/* SPDX-License-Identifier: MIT */
#include "core/shake.h"

/* How the next task is chosen, most of the time; now and then it is any. A run
   with one habit meets what even odds rarely do: a task that is always late, or
   one that is never interrupted. */
enum {
  BY_CHANCE,
  BY_PRIORITY, /* random ones, and a task's may drop to the lowest */
  NEWEST,
  OLDEST,
};

static const uint8_t strategies[8] = {BY_CHANCE,   BY_CHANCE,   BY_CHANCE,
                                      BY_PRIORITY, BY_PRIORITY, BY_PRIORITY,
                                      NEWEST,      OLDEST};
static const uint8_t nudges_in[4] = {0, 16, 4, 2};
static const uint8_t yields_in[3] = {0, 16, 3};

/* One of the first few: a choice must not take long where many are ready. */
#define WINDOW 64

/* A collection takes a thousand times as long as a switch. */
#define FULL_IN  24
#define STEP_IN  3
#define MODES_IN 16 /* of the steps of generational runs */

/* One in so many choices is made by chance whatever the strategy. */
#define CHANCE_IN 6
/* How often a task that is ready can be passed over once it is the oldest. */
#define PATIENCE 16
/* One in so many switches lowers a task's priority. */
#define LOWER_IN 12

void ebb_shake_init(ebb_shake *shake, const ebb_shake_host *host, uint64_t seed,
                    unsigned what)
{
  *shake = (ebb_shake){.host = host};
  ebb_rng *rng = &shake->rng;
  ebb_rng_init(rng, seed ^ UINT64_C(0x5348414b45)); /* not rt->rng's numbers */
  ebb_rng_next(rng);
  shake->strategy = strategies[ebb_rng_below(rng, 8)];
  shake->nudge_in = nudges_in[ebb_rng_below(rng, 4)];
  shake->yield_in = yields_in[ebb_rng_below(rng, 3)];
  /* few, since a collection is slow */
  switch (ebb_rng_below(rng, 32)) {
  case 0:
    shake->collector = EBB_COLLECT_FULL;
    shake->collect_in = FULL_IN;
    break;
  case 1:
    shake->collector = EBB_COLLECT_INCREMENTAL;
    shake->collect_in = STEP_IN;
    break;
  case 2:
    shake->collector = EBB_COLLECT_GENERATIONAL;
    shake->collect_in = STEP_IN;
    break;
  default:
    break;
  }
  shake->priority_seed = ebb_rng_next(rng);
  shake->digest = seed;
  if (!(what & EBB_SHAKE_NUDGES))
    shake->nudge_in = 0;
  if (!(what & EBB_SHAKE_YIELDS))
    shake->yield_in = 0;
  if (!(what & EBB_SHAKE_COLLECTS)) {
    shake->collector = EBB_COLLECT_NOTHING;
    shake->collect_in = 0;
  }
}

void ebb_rt_shake(ebb_rt *rt, ebb_shake *shake)
{
  rt->shake = shake;
}

/* --- what happened --- */

static uint64_t mixed(uint64_t digest, uint64_t word)
{
  digest = (digest ^ word) * UINT64_C(0x100000001b3);
  return digest ^ (digest >> 29);
}

static void digest_word(ebb_shake *shake, uint64_t word)
{
  shake->digest = mixed(shake->digest, word);
}

static void digest_name(ebb_shake *shake, const char *name)
{
  for (; *name != 0; name++)
    digest_word(shake, (unsigned char)*name);
}

static void digest_begin(ebb_shake *shake, const ebb_task *task)
{
  digest_word(shake, task->id);
  digest_word(shake, task->rt->now_ns);
  digest_word(shake, (uint64_t)task->status << 32 | task->arm);
  shake->order = mixed(shake->order, task->id);
}

/* `task` is NULL if it has ended. */
static void digest_end(ebb_shake *shake, const ebb_task *task)
{
  if (task == NULL) {
    digest_word(shake, EBB_TASK_ENDED);
    return;
  }
  digest_word(shake, task->state);
  for (uint32_t i = 0; i < task->n_waits; i++)
    digest_name(shake, task->waits[i].cls->name);
}

/* --- choosing --- */

static bool one_in(ebb_shake *shake, uint32_t n)
{
  return n != 0 && ebb_rng_below(&shake->rng, n) == 0;
}

static ebb_task *of_ready(ebb_list *node)
{
  return ebb_container_of(node, ebb_task, link);
}

static ebb_task *any_ready(ebb_shake *shake, ebb_rt *rt)
{
  uint32_t n = rt->n_ready < WINDOW ? (uint32_t)rt->n_ready : WINDOW;
  uint32_t skip = ebb_rng_below(&shake->rng, n);
  ebb_list *node = rt->ready.next;
  while (skip-- > 0)
    node = node->next;
  return of_ready(node);
}

/* Larger is sooner; what was lowered comes after all others. */
static uint64_t priority_of(const ebb_shake *shake, uint64_t id)
{
  uint32_t n = shake->n_lowered;
  uint32_t first = n > EBB_SHAKE_LOWERED ? n - EBB_SHAKE_LOWERED : 0;
  for (uint32_t i = n; i > first; i--)
    if (shake->lowered[(i - 1) % EBB_SHAKE_LOWERED] == id)
      return n - (i - 1);
  return mixed(shake->priority_seed, id) | UINT64_C(1) << 63;
}

static ebb_task *first_by_priority(const ebb_shake *shake, ebb_rt *rt)
{
  ebb_task *best = NULL;
  uint64_t best_priority = 0;
  uint32_t n = 0;
  ebb_list_foreach(node, &rt->ready) {
    ebb_task *task = of_ready(node);
    uint64_t priority = priority_of(shake, task->id);
    if (best == NULL || priority > best_priority) {
      best = task;
      best_priority = priority;
    }
    if (++n == WINDOW)
      break;
  }
  return best;
}

/* Has the task that is ready for longest been passed over for long enough? Who
   gives way in a loop until others have done something must come to an end. */
static bool is_starved(ebb_shake *shake, ebb_rt *rt)
{
  uint64_t id = of_ready(rt->ready.next)->id;
  if (shake->oldest_id != id)
    shake->n_passed = 0;
  shake->oldest_id = id;
  return ++shake->n_passed > PATIENCE;
}

static ebb_task *choose(ebb_shake *shake, ebb_rt *rt)
{
  if (is_starved(shake, rt))
    return of_ready(rt->ready.next);
  if (shake->strategy == BY_CHANCE || one_in(shake, CHANCE_IN))
    return any_ready(shake, rt);
  if (shake->strategy == NEWEST)
    return of_ready(rt->ready.prev);
  if (shake->strategy == OLDEST)
    return of_ready(rt->ready.next);
  ebb_task *task = first_by_priority(shake, rt);
  if (one_in(shake, LOWER_IN))
    shake->lowered[shake->n_lowered++ % EBB_SHAKE_LOWERED] = task->id;
  return task;
}

/* --- what else may happen at a switch --- */

static void maybe_collect(ebb_shake *shake)
{
  if (!one_in(shake, shake->collect_in))
    return;
  int how = EBB_COLLECT_STEP;
  if (shake->collector == EBB_COLLECT_FULL)
    how = EBB_COLLECT_FULL;
  else if (shake->collector == EBB_COLLECT_GENERATIONAL &&
           one_in(shake, MODES_IN))
    how = one_in(shake, 2) ? EBB_COLLECT_INCREMENTAL : EBB_COLLECT_GENERATIONAL;
  shake->count.collections++;
  digest_word(shake, UINT64_C(0xc0) + (uint64_t)how);
  shake->host->collect(shake, how, 1u << ebb_rng_below(&shake->rng, 5));
}

static ebb_task *any_parked(ebb_shake *shake, ebb_rt *rt)
{
  uint32_t n = 0;
  uint32_t skip = ebb_rng_below(
      &shake->rng, rt->n_alive < WINDOW ? (uint32_t)rt->n_alive : WINDOW);
  ebb_list_foreach(node, &rt->tasks) {
    ebb_task *task = ebb_container_of(node, ebb_task, all);
    if (n++ == skip)
      return task->state == EBB_TASK_PARKED ? task : NULL;
  }
  return NULL;
}

static void maybe_nudge(ebb_shake *shake, ebb_rt *rt)
{
  if (!one_in(shake, shake->nudge_in) || rt->n_alive == 0)
    return;
  ebb_task *task = any_parked(shake, rt);
  if (task == NULL)
    return;
  uint32_t where = (uint32_t)(ebb_rng_next(&shake->rng) >> 32);
  uint32_t n_waits = task->n_waits;
  shake->count.nudges++;
  digest_word(shake, UINT64_C(0x100000000) | task->id);
  shake->host->nudge(shake, task, where);
  EBB_CHECK(task->state == EBB_TASK_PARKED && task->n_waits == n_waits);
  (void)n_waits;
}

/* --- running --- */

static void run_one(ebb_shake *shake, ebb_rt *rt, ebb_task *task)
{
  ebb_list_unlink(&task->link);
  rt->n_ready--;
  task->state = EBB_TASK_RUNNING;
  task->budget = EBB_TASK_BUDGET;
  if (one_in(shake, shake->yield_in)) {
    task->budget = (uint8_t)ebb_rng_below(&shake->rng, 4);
    shake->count.yields++;
  }
  digest_begin(shake, task);
  if (shake->host->note_begin != NULL)
    shake->host->note_begin(shake, task);
  rt->current = task;
  rt->ended_id = 0;
  uint64_t id = task->id;
  rt->host->resume(task);
  rt->current = NULL;
  rt->count.polls++;
  shake->count.switches++;
  if (rt->ended_id == id)
    task = NULL;
  digest_end(shake, task);
  if (shake->host->note_end != NULL)
    shake->host->note_end(shake, task);
}

size_t ebb_shake_run(ebb_rt *rt, size_t limit)
{
  ebb_shake *shake = rt->shake;
  size_t n = rt->n_ready < limit ? rt->n_ready : limit;
  rt->turn_over = false;
  for (size_t i = 0; i < n; i++) {
    maybe_collect(shake);
    maybe_nudge(shake, rt);
    if (ebb_list_is_empty(&rt->ready))
      return i;
    run_one(shake, rt, choose(shake, rt));
#if defined(EBB_DEBUG_CHECKS)
    ebb_rt_check(rt);
#endif
    if (rt->turn_over)
      return i + 1;
  }
  return n;
}
