/* SPDX-License-Identifier: MIT */
#include "lua/l_gc.h"

#include "lua/l_state.h"
#include "uv/driver.h"

/* --- Lua's knobs --- */

/* What one basic step does at the least, per unit of the step multiplier, with
   Lua's own step size (2^13 bytes / 16 to a unit of work). If the script has
   set another one, a step is that much larger or smaller and both the time and
   the number of units of a cycle are measured so. */
#define STEP_UNITS 512.0
/* The most that is asked for at once: from one phase to the next a unit may
   become many times as expensive (sweeping what lives is cheap, marking it is
   not), and only the step after has learned that. */
#define MAX_MUL 5

/* Time of one step, when there is more than that left. */
#define STEP_NS 150000.0

#define SLOWEST_NS 500.0

/* A cycle begins when so much of the base has been allocated: if there is time
   left, and at the latest. */
#define WORTHWHILE (1.0 / 8)
#define DEMANDED   (1.0 / 4)
/* It must end before the heap is this many times the base. */
#define LIMIT 1.9
/* A heap smaller than this is not worth a cycle by itself. */
#define SMALL_KIB 64.0

static double heap_kib(lua_State *L)
{
  return (double)lua_gc(L, LUA_GCCOUNT) + lua_gc(L, LUA_GCCOUNTB) / 1024.0;
}

/* Within a finaliser Lua's collector takes no orders. */
static bool is_deaf(lua_State *L)
{
  return lua_gc(L, LUA_GCCOUNT) < 0;
}

/* One basic step of about `units`; what it was is returned. */
static double basic_step(lua_State *L, double units, bool *has_ended)
{
  int mul = units / STEP_UNITS < MAX_MUL ? (int)(units / STEP_UNITS) : MAX_MUL;
#if LUA_VERSION_NUM > 504
  mul = mul < 1 ? 1 : mul;
  int old_mul = lua_gc(L, LUA_GCPARAM, LUA_GCPSTEPMUL, mul * 100);
  *has_ended = lua_gc(L, LUA_GCSTEP, (size_t)0) != 0;
  lua_gc(L, LUA_GCPARAM, LUA_GCPSTEPMUL, old_mul);
  return mul * STEP_UNITS;
#else
  mul &= ~3; /* it is kept in fours, and one is added */
  int old_mul = lua_gc(L, LUA_GCSETSTEPMUL, mul);
  *has_ended = lua_gc(L, LUA_GCSTEP, 0) != 0;
  lua_gc(L, LUA_GCSETSTEPMUL, old_mul);
  return (mul | 1) * STEP_UNITS;
#endif
}

/* --- taking over, giving back --- */

/* The collector is stopped and incremental; what the script had (or has set
   since) is kept for the end. */
static void take_over(lua_State *L, ebbL_gc *gc)
{
  if (lua_gc(L, LUA_GCISRUNNING) == 1) {
    gc->was_running = true;
    lua_gc(L, LUA_GCSTOP);
  }
  if (lua_gc(L, LUA_GCINC, 0, 0, 0) == LUA_GCGEN)
    gc->was_generational = true;
}

void ebbL_gc_open(lua_State *L, ebbL_state *S)
{
  ebbL_gc *gc = &S->gc;
  if (gc->n_users++ > 0)
    return;
  if (gc->restore_due) { /* what was to be put back is what is to be kept */
    gc->restore_due = false;
  } else {
    *gc = (ebbL_gc){.n_users = 1, .is_first = true};
    gc->units_per_kib = 1024.0 / sizeof(void *) / 2;
    gc->ns_per_unit = 20;
  }
  if (is_deaf(L))
    return; /* opened by a finaliser: the first frame does it */
  take_over(L, gc);
  gc->base_kib = gc->seen_kib = heap_kib(L);
}

void ebbL_gc_restore(lua_State *L, ebbL_state *S)
{
  ebbL_gc *gc = &S->gc;
  gc->longest_ns = 0;
  gc->restore_due = is_deaf(L);
  if (gc->restore_due)
    return;
  if (gc->was_generational)
    lua_gc(L, LUA_GCGEN, 0, 0);
  if (gc->was_running)
    lua_gc(L, LUA_GCRESTART);
}

void ebbL_gc_close(lua_State *L, ebbL_state *S)
{
  if (--S->gc.n_users == 0 && !S->closing)
    ebbL_gc_restore(L, S);
}

/* --- steps --- */

static void begin_cycle(ebbL_gc *gc)
{
  gc->in_cycle = true;
  gc->done_units = 0;
  gc->due_units = 0;
  gc->cycle_units = gc->units_per_kib * gc->seen_kib;
}

static void end_cycle(ebbL_gc *gc)
{
  double ratio = gc->done_units / (gc->seen_kib + 1);
  /* the first figure was a guess; later ones change slowly */
  gc->units_per_kib =
      gc->is_first ? ratio : (gc->units_per_kib * 3 + ratio) / 4;
  gc->is_first = false;
  gc->n_cycles++;
  gc->in_cycle = false;
  gc->due_units = 0;
  /* Much has been allocated after the marks were made, and is still there
     whether anyone refers to it or not: the next cycle, which begins at once,
     has to end as if it were not. */
  bool is_inflated = gc->seen_kib > gc->base_kib * 1.5 && gc->base_kib > 0;
  gc->base_kib = gc->seen_kib;
  gc->grown_kib = is_inflated ? gc->base_kib * DEMANDED : 0;
}

/* Lua may take longer than asked for (what it cannot split), so one surprise
   changes the estimate by little. */
static void learn_speed(ebbL_gc *gc, double ns_per_unit)
{
  if (ns_per_unit > gc->ns_per_unit * 4)
    ns_per_unit = gc->ns_per_unit * 4;
  if (ns_per_unit > gc->ns_per_unit)
    gc->ns_per_unit = (gc->ns_per_unit + ns_per_unit) / 2;
  else
    gc->ns_per_unit = (gc->ns_per_unit * 15 + ns_per_unit) / 16;
  if (gc->ns_per_unit < 0.5)
    gc->ns_per_unit = 0.5;
  if (gc->ns_per_unit > SLOWEST_NS) /* or it would never be tried again */
    gc->ns_per_unit = SLOWEST_NS;
}

/* glibc's free keeps small blocks apart until some request makes it join all of
   them: after a million, in one go of 20 ms. A request as large as this one is
   such an occasion; after every step there are few to join. */
#define JOINS_BYTES 2048

static void join_free_blocks(ebbL_state *S)
{
#if defined(__GLIBC__)
  ebb_alloc_put(&S->alloc, ebb_alloc_get(&S->alloc, JOINS_BYTES), JOINS_BYTES);
#else
  (void)S;
#endif
}

/* One step; returns the time when it ended. */
static uint64_t take_step(lua_State *L, ebbL_state *S, double units,
                          uint64_t now_ns)
{
  ebbL_gc *gc = &S->gc;
  bool has_ended = false;
  gc->in_step = true;
  units = basic_step(L, units, &has_ended);
  gc->in_step = false;
  join_free_blocks(S);
  uint64_t end_ns = ebb_driver_clock(NULL), took_ns = end_ns - now_ns;
  gc->spent_ns += took_ns;
  if (took_ns > gc->longest_ns)
    gc->longest_ns = took_ns;
  gc->done_units += units;
  gc->due_units = gc->due_units > units ? gc->due_units - units : 0;
  gc->seen_kib = heap_kib(L);
  if (has_ended)
    end_cycle(gc); /* a partial step says nothing of the speed */
  else
    learn_speed(gc, (double)took_ns / units);
  return end_ns;
}

static double units_in(const ebbL_gc *gc, double ns)
{
  return ns / gc->ns_per_unit;
}

/* --- the pace --- */

/* What has been allocated since the last look makes work due: the share of
   what is left of the cycle that it takes of the room that is left. */
static void look(lua_State *L, ebbL_gc *gc)
{
  double now_kib = heap_kib(L);
  double grown = (now_kib > gc->seen_kib ? now_kib - gc->seen_kib : 0);
  gc->seen_kib = now_kib;
  grown += gc->charged_kib;
  gc->charged_kib = 0;
  gc->grown_kib += grown;
  if (now_kib < gc->base_kib) /* somebody has collected everything */
    gc->base_kib = now_kib;
  if (!gc->in_cycle || grown == 0)
    return;
  double left = gc->cycle_units - gc->done_units;
  if (left < gc->cycle_units / 8) /* it takes longer than expected */
    left = gc->cycle_units / 8;
  /* What the sweep frees makes no room: what is allocated while it lasts stays
     until the next cycle, so it had better be over soon. */
  double room = gc->base_kib * (LIMIT - 1) - gc->grown_kib + grown;
  gc->due_units += grown < room ? left * grown / room : left;
}

static bool is_over(const ebbL_gc *gc)
{
  return gc->seen_kib > SMALL_KIB && gc->seen_kib > gc->base_kib * LIMIT;
}

void ebbL_gc_pace(lua_State *L, ebbL_state *S)
{
  ebbL_gc *gc = &S->gc;
  if (gc->in_step || is_deaf(L))
    return;
  look(L, gc);
  if (!gc->in_cycle && gc->grown_kib > gc->base_kib * DEMANDED &&
      gc->grown_kib > SMALL_KIB)
    begin_cycle(gc);
  if (!gc->in_cycle || (gc->due_units < STEP_UNITS && !is_over(gc)))
    return;
  uint64_t now_ns = ebb_driver_clock(NULL);
  while (gc->in_cycle && (gc->due_units >= STEP_UNITS || is_over(gc))) {
    double most = units_in(gc, STEP_NS);
    double units = is_over(gc) || gc->due_units > most ? most : gc->due_units;
    now_ns = take_step(L, S, units, now_ns);
    gc->n_forced++;
  }
}

bool ebbL_gc_spend(lua_State *L, ebbL_state *S, uint64_t end_ns)
{
  ebbL_gc *gc = &S->gc;
  if (gc->in_step || is_deaf(L))
    return false;
  look(L, gc);
  uint64_t now_ns = ebb_driver_clock(NULL);
  for (;;) {
    if (!gc->in_cycle) {
      if (!gc->is_first && (gc->grown_kib <= gc->base_kib * WORTHWHILE ||
                            gc->grown_kib <= SMALL_KIB))
        return false;
      begin_cycle(gc);
    }
    double left_ns = now_ns < end_ns ? (double)(end_ns - now_ns) : 0;
    if (left_ns < gc->ns_per_unit * STEP_UNITS)
      return true;
    now_ns = take_step(
        L, S, units_in(gc, left_ns < STEP_NS ? left_ns : STEP_NS), now_ns);
  }
}

void ebbL_gc_charge(lua_State *L, ebbL_state *S, double n_kib)
{
  ebbL_gc *gc = &S->gc;
  gc->charged_kib += n_kib;
  if (gc->charged_kib > gc->base_kib)
    ebbL_gc_pace(L, S);
}

/* --- frames --- */

void ebbL_gc_begin_frame(lua_State *L, ebbL_state *S)
{
  ebbL_gc *gc = &S->gc;
  gc->spent_ns = gc->longest_ns = gc->n_forced = 0;
  if (!is_deaf(L))
    take_over(L, gc);
}

double ebbL_gc_debt(lua_State *L, ebbL_state *S)
{
  double debt_kib = heap_kib(L) - S->gc.base_kib;
  return debt_kib > 0 ? debt_kib * 1024 : 0;
}
