/* SPDX-License-Identifier: MIT */
/* The frame-budgeted collector: ebb.runtime{gc = "frame"}.

   While such a runtime is open, Lua's automatic collection is off, in the whole
   state, and cycles advance in small steps that ebb takes: in the time that a
   step's budget (or an idle loop) leaves, and, whether there is time or not, as
   fast as the heap grows, so that a cycle ends before the heap is twice as
   large as it was after the one before. Steps are taken only while a runtime
   of the state is stepped or run, between the turns of its tasks, never in
   them (but see ebbL_gc_charge).

   How large a step is: Lua counts the collector's work in units (an object or
   slot looked at); one basic step does at least the work that its two settings
   ask for, and stops. The step multiplier is set for the length of one step,
   to as many units as are wanted, and put back; the step size, which cannot be
   read, is left alone. How long a unit takes is measured, always. What Lua
   does in one piece stays so: the atomic phase (every live coroutine, every
   object with a finaliser, tables written to while they were marked), and any
   single table or stack, however large.

   Everything here is [no-raise], but may run finalisers, hence any Lua code. */
#ifndef EBB_LUA_GC_H
#define EBB_LUA_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "lua/l_compat.h"

struct ebbL_state;

/* One per Lua state. */
typedef struct ebbL_gc {
  uint32_t n_users;      /* open runtimes with gc = "frame" */
  bool restore_due;      /* the last one was closed by a finaliser */
  bool was_running;      /* what the user has set: put back at the end */
  bool was_generational; /* the same */
  bool in_step;          /* a finaliser that drives a runtime takes none */
  bool in_cycle;
  bool is_first;        /* no cycle has ended: nothing is known of the heap */
  double base_kib;      /* the heap after the last cycle */
  double seen_kib;      /* the heap when last looked at */
  double grown_kib;     /* allocated since the last cycle, in and off heap */
  double charged_kib;   /* off heap, not yet in grown_kib */
  double due_units;     /* work that growth demands, budget or not */
  double done_units;    /* of this cycle */
  double cycle_units;   /* what a cycle is expected to take */
  double units_per_kib; /* learned from the cycles so far */
  double ns_per_unit;   /* the same, of the last steps */
  uint64_t n_cycles;
  /* since ebbL_gc_begin_frame */
  uint64_t spent_ns, longest_ns, n_forced;
} ebbL_gc;

/* A runtime with gc = "frame" has been opened / closed. */
void ebbL_gc_open(lua_State *L, struct ebbL_state *S);
void ebbL_gc_close(lua_State *L, struct ebbL_state *S);
/* Puts back what a close within a finaliser could not. */
void ebbL_gc_restore(lua_State *L, struct ebbL_state *S);

/* A step or a run begins: the counts of this frame are 0, settings that the
   script has changed meanwhile are remembered for later and overruled. */
void ebbL_gc_begin_frame(lua_State *L, struct ebbL_state *S);
/* The work that the heap's growth demands. O(1) when it has not grown. */
void ebbL_gc_pace(lua_State *L, struct ebbL_state *S);
/* Steps until end_ns (of ebb_driver_clock), or while there is something worth
   collecting; true if there still is. */
bool ebbL_gc_spend(lua_State *L, struct ebbL_state *S, uint64_t end_ns);
/* Off-heap memory that is worth as much as n_kib of the heap has been
   allocated: takes a step only when it is as much as the whole heap. */
void ebbL_gc_charge(lua_State *L, struct ebbL_state *S, double n_kib);

/* Bytes allocated on the heap since the last cycle and not collected since. */
double ebbL_gc_debt(lua_State *L, struct ebbL_state *S);

#endif
