/* SPDX-License-Identifier: MIT */
/* ebb for C hosts. C99 (and C++).

   Nothing here raises a Lua error through the host's frames but luaopen_ebb,
   ebb_await and ebb_op_new, which are for functions that Lua calls. Out of
   memory is NULL or EBB_ENOMEM, and then nothing has happened. Every call
   belongs to the thread of its state, but those of ebb_promise and ebb_remote
   that say "from any thread". Callbacks are called by ebb_step and ebb_close,
   outside of Lua: they may call anything here.

     lua_State *L = ebb_newstate(NULL);
     luaL_openlibs(L);
     ebb_runtime *rt = ebb_open(L, NULL);
     …                                          load a function
     ebb_task_release(ebb_spawn(rt, L, 0));
     while (playing)
       ebb_step(rt, 2000000, frame_ns, NULL);   at most 2 ms of scripts
     ebb_close(rt);
     lua_close(L);

   --- memory of the state ---

   A Lua state on ebb's allocator: faster than malloc for what Lua does, with a
   limit, exact counts, quotas for tasks, and memory that goes back to the
   system when the state has shrunk.

     ebb_alloc_config config = {0};
     config.limit_bytes = 64 << 20;
     lua_State *L = ebb_newstate(&config);
     …
     lua_close(L);

   A state, and with it its memory, belongs to one thread at a time. */
#ifndef EBB_H
#define EBB_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#define EBB_VERSION       "0.1.0"
#define EBB_VERSION_MAJOR 0
#define EBB_VERSION_MINOR 1
#define EBB_VERSION_PATCH 0

#ifndef EBB_API
  #if defined(__GNUC__)
    #define EBB_API __attribute__((visibility("default")))
  #else
    #define EBB_API
  #endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What calls return that can fail: 0, or one of these (or a negative code of
   libuv). */
#ifndef EBB_BASE_ERR_H
enum {
  EBB_OK = 0,
  EBB_EAGAIN = -10001,     /* would wait */
  EBB_ECLOSED = -10002,    /* closed */
  EBB_ETIMEOUT = -10003,   /* timeout */
  EBB_ECANCELLED = -10004, /* cancelled */
  EBB_ENOMEM = -10007,     /* not enough memory */
  EBB_EINVAL = -10008,     /* not here, or not so */
  EBB_EBUSY = -10009       /* already */
};
#endif

typedef struct ebb_runtime ebb_runtime;
typedef struct ebb_task ebb_task;
typedef struct ebb_scope ebb_scope;
typedef struct ebb_promise ebb_promise;
typedef struct ebb_remote ebb_remote;

/* --- a state ---------------------------------------------------------------
 */

/* All zero: no limits, large blocks from malloc. */
typedef struct ebb_alloc_config {
  size_t limit_bytes; /* more is refused: "not enough memory"; 0: no limit */
  size_t soft_bytes;  /* on_soft is called when that is passed; 0: never */
  /* Once a crossing, and again only after the state was below nine tenths of
     soft_bytes. Called within an allocation: no Lua, no ebb. */
  void (*on_soft)(void *ud);
  void *soft_ud;
  /* Where blocks above 8 KiB come from, as lua_Alloc; NULL: malloc. */
  void *(*backing)(void *ud, void *ptr, size_t old_bytes, size_t new_bytes);
  void *backing_ud;
  /* Every block from `backing`, so that a memory checker sees each one. Always
     so under valgrind and in a build with the address sanitizer. */
  int unpaged;
} ebb_alloc_config;

typedef struct ebb_alloc_info {
  size_t live_bytes, peak_bytes;  /* the sum of what was asked for */
  size_t limit_bytes, soft_bytes; /* 0: none */
  size_t page_bytes;              /* pages that have blocks in them */
  size_t retained_bytes;          /* empty pages, kept for a while */
  size_t mapped_bytes;            /* address space of all of them */
  size_t large_bytes;             /* blocks from backing */
  uint64_t total_bytes;           /* ever allocated */
  uint64_t n_refused;             /* requests */
  uint64_t n_made[16]; /* blocks by type of object: LUA_TTABLE, … */
} ebb_alloc_info;

/* A new state on ebb's allocator, with a panic function and warnings as
   luaL_newstate makes them; NULL when out of memory. `config` (may be NULL) is
   copied. lua_close frees it with everything. */
EBB_API lua_State *ebb_newstate(const ebb_alloc_config *config);

/* 0, or -1 when the state is not on ebb's allocator: then nothing happens. */
EBB_API int ebb_alloc_stats(lua_State *L, ebb_alloc_info *out);
/* 0: no limit. Below what is live it refuses what is new, and what grows. */
EBB_API int ebb_alloc_set_limit(lua_State *L, size_t limit_bytes);

/* --- memory ------------------------------------------------------------------

   For a state with ebb in it (luaopen_ebb, ebb_open or require "ebb"); without
   it these calls fail. None of them calls Lua. */

/* A frame of the arena that Lua has as ebb.alloc.frame(): both may allocate in
   it. 0; EBB_EBUSY when one is open; EBB_EINVAL in a task (a C function that a
   task called), or when the state closes; EBB_ENOMEM. */
EBB_API int ebb_frame_begin(lua_State *L);
/* All that was allocated in it is gone; Lua's handles of it are stale. 0, or
   EBB_EINVAL in a task and when no frame is open. */
EBB_API int ebb_frame_end(lua_State *L);
/* n_bytes, not cleared, good until ebb_frame_end, or until a checkpoint made
   before is rolled back. `align`: a power of two up to 4096; 0: as malloc. NULL
   out of memory, when no frame is open, and in a task. */
EBB_API void *ebb_frame_alloc(lua_State *L, size_t n_bytes, size_t align);

/* The memory of the bytes, array, vec or buffer at idx, and its size. It is
   good until the object is freed or grows, so no longer than until other Lua
   code runs. NULL when it is none of these, or stale; never NULL otherwise. */
EBB_API void *ebb_buffer_ptr(lua_State *L, int idx, size_t *n_bytes);

/* --- the module and a runtime -----------------------------------------------
 */

/* For luaL_requiref(L, "ebb", luaopen_ebb, 1). Raises. */
EBB_API int luaopen_ebb(lua_State *L);

enum { EBB_SLICE_REPORT, EBB_SLICE_YIELD, EBB_SLICE_THROW };

/* All zero is the usual. `size`, if not 0, is sizeof(ebb_config) of the host:
   one that was built with an older header works on. */
typedef struct ebb_config {
  size_t size;
  const char *name; /* of the runtime, in messages; copied */
  /* The uv_loop_t that the host runs itself, outliving the runtime; NULL: an
     own one, which ebb_step looks at. ebb_close runs it until ebb's handles are
     gone, so it must not be called in one of its callbacks. */
  void *loop;
  /* Nanoseconds that only go up; NULL: the system's monotonic clock. The time
     of ebb.sleep and deadlines: a game that is paused lets it stand still. */
  uint64_t (*clock)(void *ud);
  void *clock_ud;
  /* Where ebb's own memory comes from, as lua_Alloc; NULL: from where the state
     has its. Taken by the first ebb_open of a state, before anything else has
     loaded ebb in it; outlives the state. What other threads may free comes
     from malloc. */
  void *(*alloc)(void *ud, void *ptr, size_t old_bytes, size_t new_bytes);
  void *alloc_ud;
  /* Messages without a newline (failed tasks that nobody took, …); NULL:
     standard error. For the whole state, until it is closed. No Lua. */
  void (*log)(void *ud, const char *message);
  void *log_ud;
  uint64_t slice_ns;   /* how long a task may compute at a time; 0: for ever */
  int on_slice;        /* EBB_SLICE_… */
  size_t memory_bytes; /* what its tasks may have allocated together; 0: any */
  size_t frame_bytes;  /* of the state's frame arena; 0: 1 MiB */
  int frame_gc;  /* not 0: the collector works in what steps leave of the budget
                  */
  uint64_t seed; /* of the schedule; 0: first in, first out */
  uint64_t cleanup_timeout_ns; /* 0: 5 s */
} ebb_config;

/* Opens ebb in the state (once) and a runtime in it that is the current one
   outside of tasks, and which only the host drives: an await outside of a task
   throws EBB055. NULL: a message has been logged. cfg may be NULL. */
EBB_API ebb_runtime *ebb_open(lua_State *L, const ebb_config *cfg);
/* Ends all tasks, without waiting for cleanups that await; calls the callbacks
   that are due; closes the handles; frees rt (NULL: nothing). After lua_close
   it only frees. 0; EBB_EBUSY, and nothing is done, in a task or in a callback
   of Lua. */
EBB_API int ebb_close(ebb_runtime *rt);
/* The main thread of its state; NULL: closed. */
EBB_API lua_State *ebb_lua(ebb_runtime *rt);

#define EBB_UNLIMITED UINT64_MAX
#define EBB_MEASURED  UINT64_MAX

typedef struct ebb_status {
  uint64_t n_ran;           /* turns of tasks in this step */
  uint64_t n_ready;         /* left over: the budget was gone */
  uint64_t n_alive;         /* tasks */
  int64_t next_deadline_ns; /* from now; -1: none */
  uint64_t overrun_ns;      /* past the budget */
  uint64_t slowest_ns;      /* the longest turn … */
  uint64_t slowest_task;    /* … and whose it was: its id, 0: nobody's */
  uint64_t gc_max_ns;       /* the longest piece of the collector's work */
  uint64_t gc_ns;           /* all of it, with frame_gc */
  int is_stuck;             /* tasks wait, and nothing can ever wake them */
} ebb_status;

/* One frame's turn: never blocks, allocates nothing when idle. First what was
   posted is called; then timers and I/O that are due, what the last step left
   over, who waits for the frame, and what they wake, until budget_ns are gone
   (it may overrun by one turn of a task; EBB_UNLIMITED: a step ends all the
   same); then callbacks of tasks that have ended. dt_ns is the time of the
   frame for next_frame and the frame clock, EBB_MEASURED: what has passed.
   `out` may be NULL. 0, EBB_ECLOSED, EBB_ENOMEM, and EBB_EBUSY in a task. */
EBB_API int ebb_step(ebb_runtime *rt, uint64_t budget_ns, uint64_t dt_ns,
                     ebb_status *out);
/* When there is something to do, if nothing comes from outside: nanoseconds
   from now; 0: at once; -1: never. */
EBB_API int64_t ebb_next_deadline(ebb_runtime *rt);
/* Readable when something has come from outside: I/O, posts, promises. Not for
   a loop of the host's. Or a negative code. */
EBB_API int ebb_backend_fd(ebb_runtime *rt);

/* --- tasks -------------------------------------------------------------------
 */

enum { EBB_TASK_ALIVE, EBB_TASK_DONE, EBB_TASK_FAILED, EBB_TASK_CANCELLED };

/* Takes the function below n_args arguments from the top of L (any thread of
   the state) and makes a task of them, which first runs in the next step. To be
   released. NULL when out of memory or closed; they are taken all the same. */
EBB_API ebb_task *ebb_spawn(ebb_runtime *rt, lua_State *L, int n_args);
/* Asks it to end: it does in the steps to come. reason may be NULL. 1; 0 when
   it has ended; or a negative code. */
EBB_API int ebb_task_cancel(ebb_task *task, const char *reason);
/* EBB_TASK_… */
EBB_API int ebb_task_status(const ebb_task *task);
/* As in messages of Lua: `task 12`. 0 once its runtime is closed. */
EBB_API uint64_t ebb_task_id(const ebb_task *task);
/* fn is called once the task has ended, even if it is released before, and at
   the latest when the runtime closes. 0, or EBB_EBUSY: there is one. */
typedef void (*ebb_done_fn)(ebb_task *task, int status, void *ud);
EBB_API int ebb_task_on_done(ebb_task *task, ebb_done_fn fn, void *ud);
/* Pushes the results, or the error of one that failed or was cancelled (which
   so counts as taken: nobody is told of it any more). How many; EBB_EAGAIN
   while it is alive, EBB_ECLOSED when its runtime is closed, EBB_ENOMEM. */
EBB_API int ebb_task_results(ebb_task *task, lua_State *L);
/* The task goes on. May be called in its own callback. */
EBB_API void ebb_task_release(ebb_task *task);

/* The life of an entity: tasks that end with it. The failure of one is logged
   (or given to on_task_error) and leaves the others alone. */
EBB_API ebb_scope *ebb_scope_new(ebb_runtime *rt);
/* As ebb_spawn; in a scope that was cancelled the task never runs. */
EBB_API ebb_task *ebb_scope_spawn(ebb_scope *scope, lua_State *L, int n_args);
/* How many are alive. */
EBB_API size_t ebb_scope_count(const ebb_scope *scope);
/* Asks all of them to end; never waits. 0 or a negative code. */
EBB_API int ebb_scope_cancel(ebb_scope *scope);
/* Cancels, and lets go: their cleanups run in the steps to come. */
EBB_API void ebb_scope_release(ebb_scope *scope);

/* --- from any thread ---------------------------------------------------------
 */

/* Something that the C side completes and a script awaits. Pushes it onto L and
   returns it to the host, who releases it or settles it. For the current
   runtime, which is not stuck while it is pending. NULL, and nothing pushed,
   when out of memory or closed. */
EBB_API ebb_promise *ebb_promise_new(lua_State *L);
/* Pushes what the awaiting task gets; returns how many. Called once, protected,
   in the thread of the runtime, by the first task that takes the promise. It
   must not yield; what it throws, the task gets thrown. */
typedef int (*ebb_push_fn)(lua_State *L, void *ud);
/* From any thread. Settles it and consumes a reference. drop(ud) (may be NULL)
   is called exactly once: after `push` (may be NULL: no values), or instead of
   it. 1; 0, after drop, when it has been settled before, nobody can await it
   any more, or the runtime is closed. */
EBB_API int ebb_promise_resolve(ebb_promise *promise, ebb_push_fn push,
                                void (*drop)(void *ud), void *ud);
/* The same; the first value pushed is the error that is thrown. */
EBB_API int ebb_promise_reject(ebb_promise *promise, ebb_push_fn push,
                               void (*drop)(void *ud), void *ud);
/* From any thread. */
EBB_API void ebb_promise_retain(ebb_promise *promise);
/* From any thread. Releasing does not settle: a task would wait for ever. */
EBB_API void ebb_promise_release(ebb_promise *promise);
/* fn is called, in the thread of the runtime and perhaps within the collector
   (so: no Lua, no ebb), when it is pending and nobody can await it any more, or
   the runtime closes. EBB_ECLOSED: that has happened, it is not called. */
EBB_API int ebb_promise_on_abandon(ebb_promise *promise, void (*fn)(void *ud),
                                   void *ud);

/* Who holds one may have functions run in the thread of the runtime. NULL when
   out of memory or closed. */
EBB_API ebb_remote *ebb_remote_new(ebb_runtime *rt);
/* From any thread. */
EBB_API void ebb_remote_retain(ebb_remote *remote);
EBB_API void ebb_remote_release(ebb_remote *remote);
/* From any thread, in the order in which it is called. fn is called in the next
   ebb_step, protected: what it throws is logged. Posts that were accepted are
   always called, at the latest by ebb_close; if the runtime ends in another way
   (lua_close, rt:close() in Lua), or there is no memory to call it even then, L
   is NULL, and there is only ud to be freed.
   0, EBB_ECLOSED, EBB_ENOMEM. */
typedef void (*ebb_post_fn)(lua_State *L, void *ud);
EBB_API int ebb_post(ebb_remote *remote, ebb_post_fn fn, void *ud);

/* --- for C functions that Lua calls ------------------------------------------
 */

/* Awaits the op at idx (a channel, a task, a promise, …), as the last act of a
   C function: `return ebb_await(L, idx, ctx, k)`. Its results are pushed, and k
   goes on with the stack that the function had below them, as after lua_callk.
   k NULL: they are returned. Raises what ebb.await throws; yields. */
EBB_API int ebb_await(lua_State *L, int idx, lua_KContext ctx, lua_KFunction k);

#define EBB_WAIT (-1)

enum { EBB_OP_TAKES = 1 };

/* An awaitable written in C: for await, select, timeout like ebb's own. The
   object is n_bytes of the host's in a userdata. */
typedef struct ebb_op_class {
  size_t size;      /* sizeof(ebb_op_class), or 0 */
  const char *name; /* what a task waits for, in dumps; lives as long */
  /* Has it happened? Pushes the results and returns how many; or EBB_WAIT, and
     then nothing has changed. May raise before it has an effect. NULL: it never
     has, one must wait. */
  int (*attempt)(lua_State *L, void *object);
  /* A task was woken with `value`: pushes its results. May raise. NULL: it is
     the value. */
  int (*settle)(lua_State *L, void *object, int value);
  /* The first task waits; the last one does no more. No Lua, no wake. */
  void (*wanted)(void *object);
  void (*idle)(void *object);
  /* The object is collected. No Lua. */
  void (*drop)(void *object);
  int flags; /* EBB_OP_TAKES: a wake gives something away that must not be lost,
                so that a cancel at the same moment comes too late */
} ebb_op_class;

/* Pushes a new op of n_bytes, zeroed. Raises. */
EBB_API void *ebb_op_new(lua_State *L, const ebb_op_class *cls, size_t n_bytes);
/* The object at idx if it is an op of that class, else NULL. */
EBB_API void *ebb_op_test(lua_State *L, int idx, const ebb_op_class *cls);
/* In the thread of the runtime. Wakes the task that has waited longest with a
   value. 1; 0 when none waits. Exactly one arm of a select wins. */
EBB_API int ebb_op_wake(void *object, int value);
/* The same for all; how many. */
EBB_API size_t ebb_op_wake_all(void *object, int value);
EBB_API size_t ebb_op_waiting(const void *object);

#ifdef __cplusplus
}
#endif

#endif
