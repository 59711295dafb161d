/* SPDX-License-Identifier: MIT */
/* ebb for C hosts. C99 (and C++); nothing here raises a Lua error.

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

#ifdef __cplusplus
}
#endif

#endif
