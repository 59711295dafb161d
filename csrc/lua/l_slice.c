/* SPDX-License-Identifier: MIT */
/* Turns and their time: what the watchdog is told, and what it tells. There is
   one for a state, started with the first slice, quota of time, ebb.debug.slow,
   or cancel of a task that runs; without it nobody is preempted, and nothing
   else changes. */
#include "lua/l_heap.h"
#include "lua/l_preempt.h"
#include "uv/error.h"

#include <errno.h>

/* Where slices are not shorter, a task that has been asked to end is looked at
   after this long. */
#define PENDING_US 100000

/* It goes on when it has used so much processor time since then, or has been in
   calls that block for so long. */
#define GOES_ON_NS 50000000u
#define BLOCKED_NS 1000000000u

/* Instructions between two looks of a hook that is always on. */
#define COUNT_EVERY 10000

/* In the signal handler: as lua.c does it, only lua_sethook is allowed. */
static void on_overrun(void *ud)
{
  ebbL_state *S = ud;
  const ebbL_task *task = S->current;
  if (task == NULL || task->L == NULL || !ebb_beat_is_overrun(&S->slice.beat))
    return;
  S->slice.touched = true;
  ebbL_hook_arm(&S->hooks, task->L, 0, 1);
}

/* 0, or libuv's code. [no-raise] */
static int start(ebbL_state *S)
{
  int error = 0;
  if (S->slice.dog == NULL && !S->closing)
    S->slice.dog =
        ebb_watchdog_open(&S->alloc, &S->slice.beat, S->slice.signal_number,
                          on_overrun, S, &error);
  if (S->slice.dog != NULL && S->driving != NULL &&
      ebb_watchdog_attached() != S->slice.dog)
    ebb_watchdog_attach(S->slice.dog);
  return error;
}

void ebbL_slice_start(lua_State *L, ebbL_state *S)
{
  int error = start(S);
  if (error == -ENOMEM) {
    ebbL_collect(L);
    error = start(S);
  }
  if (error == -ENOMEM)
    ebbL_nomem(L);
  if (error != 0) {
    ebb_uv_error words;
    ebb_uv_error_of(error, &words);
    ebbL_throw(L, "cannot watch for tasks that compute for too long (%s: %s)",
               words.name, words.words);
  }
}

void ebbL_slice_close(ebbL_state *S)
{
  if (S->slice.dog != NULL)
    ebb_watchdog_close(S->slice.dog);
  S->slice.dog = NULL;
}

/* --- what is allowed --- */

static unsigned at_most(unsigned us, uint64_t limit_us)
{
  if (limit_us == 0)
    limit_us = 1;
  return us == 0 || limit_us < us ? (unsigned)limit_us : us;
}

void ebbL_slice_allow(ebbL_state *S)
{
  ebbL_slices *slice = &S->slice;
  unsigned us = slice->slow_us;
  if (S->driving != NULL && S->driving->slice_us != 0)
    us = at_most(us, S->driving->slice_us);
  if (slice->pending)
    us = at_most(us, PENDING_US);
  if (slice->began_cpu_ns != 0 && S->current != NULL) {
    uint64_t left_us = ebbL_account_left(S->current) / 1000;
    if (left_us < UINT32_MAX)
      us = at_most(us, left_us);
  }
  atomic_store_explicit(&slice->beat.allow_us, us, memory_order_relaxed);
}

void ebbL_slice_hush(ebbL_state *S)
{
  atomic_store_explicit(&S->slice.beat.hushed, ebb_beat_turn(&S->slice.beat),
                        memory_order_relaxed);
}

/* --- around a drive --- */

ebb_watchdog *ebbL_slice_begin(ebbL_state *S)
{
  ebb_watchdog *before = ebb_watchdog_attached();
  ebbL_slices *slice = &S->slice;
  if (EBB_LIKELY(slice->dog == NULL))
    return before;
  if (EBB_UNLIKELY(ebb_watchdog_is_lost(slice->dog))) { /* a forked child */
    if (before == slice->dog)
      before = NULL;
    ebbL_slice_close(S);
    start(S);
  }
  ebbL_slice_allow(S);
  if (slice->dog != NULL)
    ebb_watchdog_attach(slice->dog);
  return before;
}

void ebbL_slice_end(ebbL_state *S, ebb_watchdog *outer)
{
  if (EBB_LIKELY(S->slice.dog == NULL))
    return;
  ebb_watchdog_detach(S->slice.dog, outer);
  ebbL_slice_allow(S);
}

void ebbL_slice_rouse(ebbL_state *S)
{
  if (atomic_load_explicit(&S->slice.beat.allow_us, memory_order_relaxed) != 0)
    ebb_watchdog_wake(S->slice.dog);
}

/* --- around a turn --- */

static bool counts(const ebbL_state *S)
{
  return S->driving != NULL && S->driving->counts;
}

void ebbL_slice_relax(ebbL_state *S, lua_State *L)
{
  if (EBB_UNLIKELY(counts(S)))
    ebbL_hook_arm(&S->hooks, L, 0, COUNT_EVERY);
  else
    ebbL_hook_drop(&S->hooks, L);
}

void ebbL_slice_count(ebbL_state *S)
{
  ebbL_slices *slice = &S->slice;
  unsigned turn = ebb_beat_turn(&slice->beat);
  if (EBB_LIKELY(!counts(S)) || slice->began_ns == 0)
    return;
  uint64_t ran_us = (ebb_driver_clock(NULL) - slice->began_ns) / 1000;
  unsigned allow_us =
      atomic_load_explicit(&slice->beat.allow_us, memory_order_relaxed);
  if (allow_us == 0 || ran_us < allow_us ||
      atomic_load_explicit(&slice->beat.hushed, memory_order_relaxed) == turn)
    return;
  atomic_store_explicit(&slice->beat.ran_us, (unsigned)ran_us,
                        memory_order_relaxed);
  atomic_store_explicit(&slice->beat.overran, turn, memory_order_relaxed);
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
  return now_ns > then_ns ? now_ns - then_ns : 0;
}

uint64_t ebbL_slice_used_ns(const ebbL_state *S)
{
  uint64_t began_ns = S->slice.began_cpu_ns;
  return began_ns == 0 ? 0 : since(ebb_driver_cpu_clock(), began_ns);
}

bool ebbL_slice_goes_on(ebbL_state *S)
{
  ebbL_slices *slice = &S->slice;
  uint64_t now_ns = ebb_driver_clock(NULL), cpu_ns = ebb_driver_cpu_clock();
  if (slice->seen_ns == 0) {
    slice->seen_ns = now_ns;
    slice->seen_cpu_ns = cpu_ns;
  }
  return since(cpu_ns, slice->seen_cpu_ns) >= GOES_ON_NS ||
         now_ns - slice->seen_ns >= BLOCKED_NS;
}

/* Makes sure that the turn, whose limits have changed, is watched. */
static void watch_turn(ebbL_state *S)
{
  S->slice.touched = true;
  if (S->slice.dog == NULL && !counts(S))
    start(S);
  ebbL_slice_allow(S);
  if (S->slice.dog != NULL)
    ebbL_slice_look(S);
}

void ebbL_slice_resuming(ebbL_task *task)
{
  ebbL_state *S = task->S;
  if (task->over != EBBL_QUOTA_NONE || task->forced) {
    S->slice.pending = true;
    ebbL_hook_arm(&S->hooks, task->L != NULL ? task->L : task->co, 0, 1);
  }
  bool counted = counts(S);
  if (counted && !S->slice.pending)
    ebbL_hook_arm(&S->hooks, task->L != NULL ? task->L : task->co, 0,
                  task->preempted ? 1 : COUNT_EVERY);
  if (counted)
    S->slice.began_ns = ebb_driver_clock(NULL);
  if (ebbL_account_left(task) != UINT64_MAX)
    S->slice.began_cpu_ns = ebb_driver_cpu_clock();
  if (task->account != NULL) {
    S->slice.touched = true;
    ebbL_quota_enter(task);
  }
  if (S->slice.pending || S->slice.began_ns != 0 || S->slice.began_cpu_ns != 0)
    watch_turn(S);
  task->unusual = task->over != EBBL_QUOTA_NONE || task->forced ||
                  task->account != NULL || counted;
}

void ebbL_slice_pending(ebbL_task *task)
{
  ebbL_state *S = task->S;
  if (S->slice.pending || task != S->current)
    return;
  S->slice.pending = true;
  watch_turn(S);
}

void ebbL_slice_ended(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  ebbL_slices *slice = &S->slice;
  uint64_t used_ns = ebbL_slice_used_ns(S);
  unsigned turn = ebb_beat_turn(&slice->beat) - 1;
  bool overran =
      atomic_load_explicit(&slice->beat.overran, memory_order_relaxed) == turn;
  bool reported = slice->reported;
  slice->touched = slice->pending = slice->thrown = slice->reported = false;
  slice->began_ns = slice->began_cpu_ns = slice->seen_ns = 0;
  ebbL_quota_leave(S);
  ebbL_heap_tell(L, S);
  ebbL_slice_allow(S);
  if (used_ns != 0)
    ebbL_account_charge(L, task, used_ns);
  if (overran && !reported) { /* no instruction came after the limit */
    const ebbL_rt *rt = ebbL_rt_of(task->core.rt);
    unsigned ran_us = ebbL_slice_ran_us(S);
    if ((slice->slow_us != 0 && ran_us >= slice->slow_us) ||
        (rt->slice_us != 0 && ran_us >= rt->slice_us &&
         rt->on_slice == EBBL_SLICE_REPORT))
      ebbL_slow_report(L, task, ran_us);
  }
}
