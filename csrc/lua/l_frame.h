/* SPDX-License-Identifier: MIT */
/* The frame arena as Lua has it (ebb.alloc.begin_frame): one a state, for the
   host's own code between and around the steps of its runtimes.

   A handle of frame memory is a span without a finaliser whose generation is
   that of the arena's mark it lies under (alloc/frame.h): it owns nothing and
   costs nothing when the frame ends. Marks lie in pages of userdata that live
   until the state is gone, so that a generation can always be looked at, even
   by a finaliser at lua_close.

   Tasks do not see the frame. While tasks run (from begin to end of a drive) it
   is hidden: what they allocate is refused and what they touch is stale
   (EBB003), at no cost for an access.

   A stale handle names the line that allocated it, always: it keeps a site. And
   the await at which a task was waiting when the frame ended, for tasks spawned
   within the frame (in debug mode for all): they note it when they park. */
#ifndef EBB_LUA_FRAME_H
#define EBB_LUA_FRAME_H

#include "lua/l_mem.h"
#include "lua/l_rt.h"

/* --- for C hosts; [no-raise], never calls Lua --- */

/* 0, EBB_EBUSY when a frame is open, EBB_EINVAL while tasks run or when the
   state closes, EBB_ENOMEM. */
int ebbL_frame_begin(ebbL_state *S);
/* 0, or EBB_EINVAL when no frame is open or tasks run. */
int ebbL_frame_end(ebbL_state *S);
/* n_bytes, not cleared, good until the frame ends or a checkpoint made before
   is rolled back; align as for ebb_frame_get. NULL when ebbL_frame_begin would
   not return EBB_EBUSY, and out of memory. */
void *ebbL_frame_alloc(ebbL_state *S, size_t n_bytes, size_t align);

/* --- what tasks see of it --- */

/* The generation of the open frame, or 0. */
static inline uint64_t ebbL_frame_gen(const ebbL_state *S)
{
  if (EBB_LIKELY(S->memory == NULL || !S->memory->frame.is_open))
    return 0;
  return S->memory->frame.first.gen & ~EBB_FRAME_HIDDEN;
}

/* rt (may be NULL) is about to run tasks. Nothing if no frame is open. */
void ebbL_frame_hide(ebbL_state *S, ebbL_rt *rt);
static inline void ebbL_frame_show(ebbL_state *S)
{
  if (S->memory != NULL)
    ebb_frame_show(&S->memory->frame);
}

/* The task, spawned in a frame, has parked: notes where, or that the frame is
   over. */
void ebbL_frame_awaits(ebbL_task *task);

/* --- spans (l_frame_span.c) --- */

/* [-0, +1, raises] n zeroed elements with room for cap, in the open frame; it
   must have been checked that there is one. `align` 0: as the elements. */
ebbL_span *ebbL_frame_span(lua_State *L, ebbL_memory *M, const ebbL_type *type,
                           ebbL_elem elem, size_t n, size_t cap, size_t align);
/* [raises] The same memory anew for a handle of it: no new userdata. */
void ebbL_frame_renew(lua_State *L, ebbL_memory *M, ebbL_span *span, size_t n,
                      size_t cap);
/* [-0, +1, raises] What ebbL_span_view does. */
ebbL_span *ebbL_frame_view(lua_State *L, ebbL_span *of, unsigned char *data,
                           size_t n);
/* [raises] What ebbL_span_grow does. */
void ebbL_frame_grow(lua_State *L, ebbL_span *span, size_t cap, bool exact);
/* [raises] EBB002 or EBB003. */
int ebbL_frame_stale(lua_State *L, const ebbL_span *span);

/* [-0, +1] "" or " (allocated at main.lua:12)" */
const char *ebbL_site_push(lua_State *L, const ebbL_memory *M, const char *what,
                           const ebbL_site *site);
/* [raises] A free mark is there: frame.free_marks. Any code may have run. */
void ebbL_frame_need_mark(lua_State *L, ebbL_memory *M);

/* --- checkpoints and phases (l_frame_mark.c, l_frame_phase.c) --- */

/* [raises] EBB003 in a task, EBB001 when no frame is open. */
void ebbL_frame_check(lua_State *L, ebbL_memory *M);
/* [raises] EBB003 in a task. */
void ebbL_frame_not_in_task(lua_State *L, const ebbL_memory *M);

int ebbL_frame_checkpoint(lua_State *L, ebbL_memory *M); /* [f] → cp */
int ebbL_frame_phase(lua_State *L, ebbL_memory *M);      /* [f, name] → p */
/* The frame ends, and with it what is open of phases. [no-raise] */
void ebbL_phases_end(ebbL_memory *M);
/* [-0, +1, raises] {[name] = {seconds, bytes}} */
void ebbL_phases_push(lua_State *L, ebbL_memory *M);

/* [-0, +1, raises] {live, peak, total, capacity, spilled, …} */
void ebbL_frame_stats(lua_State *L, const ebbL_memory *M);
/* The option `frame` of ebb.runtime{}. */
void ebbL_frame_option(lua_State *L, ebbL_rt *rt);

void ebbL_open_frame(lua_State *L, ebbL_state *S, ebbL_memory *M);
void ebbL_open_checkpoint(lua_State *L, ebbL_state *S);
void ebbL_open_phase(lua_State *L, ebbL_state *S);

#endif
