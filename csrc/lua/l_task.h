/* SPDX-License-Identifier: MIT */
/* Tasks as Lua has them: a coroutine bound at the first run, a handle, and the
   only caller of lua_resume for them.

   Where a task's Lua values are: slots[slot] is its handle, or the function
   that spawned it (ebb.go). Before it is bound to a coroutine, slots[args] and
   on hold its function and arguments. The handle's user value is the function
   that spawned the task, and its result once it has ended. A live task is
   anchored by its slots; handles that the user drops do not matter. */
#ifndef EBB_LUA_TASK_H
#define EBB_LUA_TASK_H

#include "lua/l_state.h"
#include "sync/scope.h"

typedef struct ebbL_handle ebbL_handle;
typedef struct ebbL_scope ebbL_scope;

enum {
  EBBL_ALIVE,
  EBBL_DONE,
  EBBL_FAILED,
  EBBL_CANCELLED,
};

struct ebbL_task {
  ebb_task core;
  ebbL_state *S;
  lua_State *co; /* NULL until it first runs */
  lua_State *L;  /* where it runs or waits: co, or an ebb.coroutine in it */
  ebbL_handle *handle; /* NULL for ebb.go; anchored by slots[slot] */
  ebbL_scope *scope;   /* whose child it is */
  uint32_t slot, co_slot;
  uint32_t args;      /* slots block of the function and arguments */
  uint8_t args_size;  /* its size class */
  uint8_t outcome;    /* EBBL_ALIVE until its body has ended */
  bool has_trace;     /* a traceback of an error is kept: see l_report.c */
  bool foreign_yield; /* it called the plain coroutine.yield */
  bool closing_guard; /* its guard's cleanups run: they are shielded */
  bool has_guard;     /* slots[guard]: what to close at its end */
  bool has_run;       /* its body has begun */
  bool is_main;       /* what run, block_on or a drive waits for */
  bool is_internal;   /* drives an await from outside: not shown, not counted */
  bool unusual;       /* looked at before each turn, see l_preempt.c */
  bool forced;        /* its struck region throws at every instruction */
  bool preempted;     /* in the midst of its code, to go on there */
  bool is_spoiled;    /* its coroutine is of no more use: l_fence.h */
  bool is_known;      /* somebody may have kept its coroutine */
  uint8_t over;       /* which quota it has used up: EBBL_QUOTA_… */
  uint16_t n_told;    /* how often its cancel was thrown: see l_region.c */
  int32_t n_args;     /* values to pass to the next resume of L */
  int32_t spawn_line;
  uint32_t guard;
  uint32_t locals;     /* slots block of its task locals, 0: none */
  int32_t host_value;  /* what a C host's op woke it with: api_await.c */
  int32_t waits_top;   /* values on L when it began to wait, or gave way */
  double frame_seen_s; /* frame_time_s at its previous frame */
  uint64_t allocated;  /* bytes, in the turns it has had */
  struct ebbL_account *account; /* of computing time, or NULL (l_account.c) */
  uint64_t frame_gen; /* the frame it was spawned in, until that ends, or 0 */
  uint64_t await_gen; /* of a frame in which it has waited at await_site */
  const struct ebbL_site *await_site; /* or NULL */
  ebb_list locks; /* of ebbL_lock.link: what it holds (l_lock.c) */
};

struct ebbL_handle {
  ebbL_header head;
  struct ebbL_hosted *hosted; /* what a C host has of it: api.h; or NULL */
  ebbL_task *task;            /* NULL once it has ended */
  uint64_t id;
  uint8_t status;     /* EBBL_ALIVE … */
  uint8_t kind;       /* what the user value is: EBBL_RESULT_… */
  bool is_owned;      /* a scope or group takes care of its failure */
  bool is_taken;      /* its result has been taken */
  uint64_t allocated; /* bytes, once it has ended */
  bool is_late;       /* made by ebb.current or a dump: nobody asked to join */
  ebbL_handle *next_ended; /* in a join_set */
};

enum {
  EBBL_RESULT_NONE,    /* nothing: no results */
  EBBL_RESULT_ONE,     /* the one result */
  EBBL_RESULT_MANY,    /* the finished coroutine with the results on it */
  EBBL_RESULT_ERROR,   /* the error value */
  EBBL_RESULT_FAILURE, /* an ebb.failure that holds it (see l_report.c) */
};

extern const ebbL_type ebbL_task_type;
extern const ebb_wait_class ebbL_join_class;
extern const ebb_host ebbL_host;

static inline ebbL_task *ebbL_task_of(ebb_task *core)
{
  return ebb_container_of(core, ebbL_task, core);
}

/* The task that L may await in: running, and L is where it runs. NULL when no
   task runs in the state (the caller drives then). [raises] EBB051 when a task
   runs but L cannot yield to it, and EBB052 inside a callback of the loop. */
ebbL_task *ebbL_awaiting(lua_State *L, ebbL_state *S);
static inline ebbL_task *ebbL_self(lua_State *L, ebbL_state *S)
{
  ebbL_task *task = S->current;
  if (EBB_LIKELY(task != NULL && task->L == L && lua_isyieldable(L)))
    return task;
  return ebbL_awaiting(L, S);
}

/* First thing in every continuation of an await: somebody who got hold of the
   task's thread (coroutine.running) may have resumed it. Then it goes back to
   waiting, unharmed. */
#define EBBL_OWN_RESUME(L, S, k, ctx)                                          \
  do {                                                                         \
    if (EBB_UNLIKELY(!ebbL_is_resumed((L), (S)))) {                            \
      ebbL_drop_strange((L), (S));                                             \
      return lua_yieldk((L), 0, (ctx), (k));                                   \
    }                                                                          \
  } while (0)
/* What a stranger has passed to the task that waits in L goes. O(tasks).
   [no-raise] */
void ebbL_drop_strange(lua_State *L, const ebbL_state *S);
static inline bool ebbL_is_resumed(lua_State *L, const ebbL_state *S)
{
  const ebbL_task *task = S->current;
  return task != NULL && task->L == L && task->core.state == EBB_TASK_RUNNING;
}

/* [-(n_args + 1), +0 or +1, raises] Spawns the function below n_args arguments
   on the top of L. With `handle`, leaves the handle on the stack. Nothing has
   happened if it raises. `scope` (may be NULL) becomes its owner. */
ebbL_task *ebbL_spawn(lua_State *L, ebbL_state *S, ebbL_rt *rt, int n_args,
                      bool handle, ebbL_scope *scope);

/* [-0, +n, raises] Pushes the results of an ended task from its handle at idx,
   or throws its error. Returns n. Marks the result taken. */
int ebbL_pushresults(lua_State *L, int idx);
/* The same without throwing: true, results… or false, err. */
int ebbL_pushjoined(lua_State *L, int idx);
/* [-0, +1] The error of a failed or cancelled task. */
void ebbL_pusherror(lua_State *L, int idx);

/* [-0, +1] The handle of a live task; makes one for a task of ebb.go. */
void ebbL_pushhandle(lua_State *L, ebbL_task *task);
/* [-0, +1] A handle for reports of a failed task whose own is gone, or nil. */
void ebbL_newdeadhandle(lua_State *L, ebbL_state *S, uint64_t id);
/* [-0, +1] `12 "loader"`; of a live task, or (NULL) of the handle at
   handle_idx */
const char *ebbL_tasklabel(lua_State *L, ebbL_task *task, int handle_idx);
/* [-0, +1, no-raise] The live task's name or NULL; pushes it or nil. */
const char *ebbL_taskname(lua_State *L, ebbL_task *task);
/* [-0, +1] Where the live task waits, or runs: "file:line", or "?". */
void ebbL_pushplace(lua_State *L, ebbL_task *task);
/* [-0, +1] "channel recv, sleep" */
const char *ebbL_pushwaits(lua_State *L, ebbL_task *task);
/* [-0, +1] Traceback of a live task. */
void ebbL_pushtraceback(lua_State *L, ebbL_task *task);

/* Asks the live task to end, for the reason at reason_idx (0: none).
   [no-raise] */
void ebbL_cancel_task(lua_State *L, ebbL_task *task, int reason_idx);
/* [raises] The string at name_idx (cut at 80 bytes) names the task. */
void ebbL_setname(lua_State *L, int handle_idx, int name_idx);

/* Slots of size 0 that a spawn may take: task, arguments, locals. */
#define EBBL_SPAWN_SLOTS 3

/* Gives the task a coroutine, with its base function and message handler on
   it. False when there is no memory. [no-raise] */
bool ebbL_bind_thread(lua_State *L, ebbL_task *task);
/* Takes the coroutine away from an ended task: for the next one, unless the
   results stay on it. `slots` is the index of the table. [no-raise] */
void ebbL_recycle_thread(lua_State *L, ebbL_task *task, int slots,
                         bool keep_for_results);

/* Ends a live task without running any of its code but what lua_closethread
   runs: closed state, closed runtime. [no-raise] */
void ebbL_task_kill(lua_State *L, ebbL_task *task);

/* The value at idx (a guard) is closed inside the running task when its body
   has ended, before anyone sees the end. [raises] */
void ebbL_task_set_guard(lua_State *L, int idx);
/* [-0, +1] Pushes it and returns true, or pushes nothing. */
bool ebbL_task_get_guard(lua_State *L);

/* Registers ebb.spawn, go, current and yield in the table on top. */
void ebbL_open_task(lua_State *L, ebbL_state *S);
/* The handle's type (l_handle.c). */
void ebbL_open_handle(lua_State *L, ebbL_state *S);

#endif
