/* SPDX-License-Identifier: MIT */
/* Runtimes as Lua has them: the core's executor with a libuv driver, and who
   is the current one. */
#ifndef EBB_LUA_RT_H
#define EBB_LUA_RT_H

#include "lua/l_task.h"
#include "uv/driver.h"

struct ebbL_rt {
  ebbL_header head;
  ebb_rt core;
  ebb_driver *driver;  /* opened when first needed */
  ebb_list link;       /* in S->runtimes while open */
  uint32_t slot;       /* slots[slot]: itself while it has tasks, else false */
  ebb_list unobserved; /* of ebbL_failure: errors nobody has taken yet */
  ebb_list dying;      /* the same, about to be reported by their finalisers */
  uint64_t slowest_id, slowest_ns; /* of the current step */
  uint64_t last_step_ns;
  uint64_t interrupts; /* Ctrl-Cs seen by the current drive */
  bool is_virtual, is_hosted, is_default;
  bool running; /* run, step, block_on or a drive is on the C stack */
  bool is_open, shutting_down, closed;
  bool ending; /* its run is over: shields end with the cleanup_timeout too */
  bool handle_sigint; /* Ctrl-C cancels main: asked for by the command */
  bool stepped;       /* the host drives it: no implicit drive */
  int luv_fd;
  bool is_pumped;    /* driven by another loop's callback */
  bool with_luv;     /* beside luv's loop: see l_luv.h */
  bool timing;       /* measure each turn of a task */
  bool gc_frames;    /* gc = "frame" is asked for */
  bool gc_is_mine;   /* and granted: it counts among S->gc.n_users */
  uint8_t on_slice;  /* EBBL_SLICE_… */
  bool counts;       /* by a hook that is always on: no signals */
  unsigned slice_us; /* how long a turn may take, 0: as it likes */
  char name[48];
  ebb_list promises;            /* of api_promise.c, whose runtime this is */
  struct ebb_runtime *host;     /* what a C host has of it: api.h; or NULL */
  struct ebbL_account *account; /* opts.memory, of its tasks; or NULL */
  /* user value 1: its on_task_error, or nil; 2 to 5: see l_luv.c */
};

#define ebbL_rt_type (ebbL_linked_types[EBBL_LINKED_RT])

static inline ebbL_rt *ebbL_rt_of(ebb_rt *core)
{
  return ebb_container_of(core, ebbL_rt, core);
}

/* The runtime of the running task, else the used one, else the default one
   (made now). [raises] EBB052 when it is closed. */
ebbL_rt *ebbL_current_rt(lua_State *L, ebbL_state *S);
/* [raises] EBB052 when tasks may not be spawned on it any more. */
void ebbL_rt_accepts(lua_State *L, ebbL_rt *rt);
/* Opens the driver: 0 or libuv's code. [no-raise] */
int ebbL_rt_try_driver(lua_State *L, ebbL_rt *rt);
/* [raises] The driver, opened now if need be. */
ebb_driver *ebbL_rt_driver(lua_State *L, ebbL_rt *rt);
/* [raises] EBB056 in a fork of the process that has its loop. */
void ebbL_rt_check_process(lua_State *L, const ebbL_rt *rt);

/* The task count went from 0 to 1 or back: keep the runtime alive meanwhile.
   `slots` is the index of the table of slots. [no-raise] */
void ebbL_rt_anchor(lua_State *L, ebbL_rt *rt, int slots);

/* A turn of task `id` took span_ns. */
static inline void ebbL_rt_took(ebbL_rt *rt, uint64_t id, uint64_t span_ns)
{
  rt->core.count.busy_ns += span_ns;
  if (span_ns > rt->core.count.slowest_ns)
    rt->core.count.slowest_ns = span_ns;
  if (span_ns > rt->slowest_ns) {
    rt->slowest_ns = span_ns;
    rt->slowest_id = id;
  }
}

/* Closes the driver and lets go of everything; no task is alive. [no-raise] */
void ebbL_rt_fini(lua_State *L, ebbL_rt *rt);

/* [-0, +1] The runtime's on_task_error, or nil. rt may be NULL. */
void ebbL_rt_pushhandler(lua_State *L, ebbL_rt *rt);
/* [-0, +1] The runtime's userdata. [no-raise] */
void ebbL_pushrt(lua_State *L, ebbL_rt *rt);

/* The state closes: kills every task of every runtime. [no-raise] */
void ebbL_rt_close_all(lua_State *L, ebbL_state *S);

void ebbL_open_rt(lua_State *L, ebbL_state *S);

#endif
