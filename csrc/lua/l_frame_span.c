/* SPDX-License-Identifier: MIT */
/* Handles of memory in the frame arena: making, viewing, growing them, and what
   is said when they are stale. */
#include "lua/l_frame.h"

#include <string.h>

#include "lua/l_task.h"

/* vec and buffer: own.data and own.n_bytes are what they have now; there is
   no guard. Views of a vec hang on a mark of their own, `tie`, so that growing
   ends them. */
typedef struct growable {
  ebbL_span span;
  ebb_block own; /* the span's block */
  ebb_frame_mark *tie;
  uint64_t tie_gen; /* tie is ours while it has this generation */
} growable;

static bool is_growable(const ebbL_type *type)
{
  return type == &ebbL_vec_type || type == &ebbL_buffer_type;
}

/* Its views are stale from now on. */
static void untie(growable *vec)
{
  if (vec->tie != NULL && vec->tie->gen == vec->tie_gen)
    vec->tie->gen = 0;
  vec->tie = NULL;
}

/* --- making --- */

/* Zeroed memory of the open frame; collects and tries again before it gives up.
   Any code may have run then, so the frame is looked at again. [raises] */
static unsigned char *take(lua_State *L, ebbL_memory *M, size_t n_bytes,
                           size_t align)
{
  for (int attempt = 0;; attempt++) {
    ebbL_frame_check(L, M);
    unsigned char *data = ebb_frame_get(&M->frame, n_bytes, align);
    if (EBB_LIKELY(data != NULL)) {
      memset(data, 0, n_bytes);
      return data;
    }
    if (attempt > 0)
      ebbL_nomem(L);
    ebbL_collect(L);
  }
}

/* The span has n elements at data, which have just been taken. */
static void settle(ebbL_span *span, unsigned char *data, size_t n, size_t cap)
{
  const ebb_frame_mark *mark = span->memory->frame.inner;
  span->gen_at = &mark->gen;
  span->gen = mark->gen;
  span->data = data;
  span->n = n;
  span->cap = cap;
  if (is_growable(span->head.type)) {
    span->block = &((growable *)span)->own;
    span->block->data = data;
    span->block->n_bytes = ebbL_elem_bytes((ebbL_elem)span->elem, cap);
  }
}

ebbL_span *ebbL_frame_span(lua_State *L, ebbL_memory *M, const ebbL_type *type,
                           ebbL_elem elem, size_t n, size_t cap, size_t align)
{
  const ebbL_site *site = ebbL_site_of(&M->sites, L);
  size_t n_bytes = ebbL_elem_bytes(elem, cap);
  ebbL_span *span = ebbL_span_lean(
      L, M->head.state, type,
      is_growable(type) ? sizeof(growable) : offsetof(ebbL_span, block));
  span->gen_at = &M->frame.first.gen;
  span->gen = EBB_FRAME_HIDDEN; /* stale until it has its memory */
  span->elem = (uint8_t)elem;
  span->is_frame = true;
  span->site = site;
  span->memory = M;
  settle(span,
         take(L, M, n_bytes, align != 0 ? align : ebbL_elems[elem].n_bytes), n,
         cap);
  return span;
}

void ebbL_frame_renew(lua_State *L, ebbL_memory *M, ebbL_span *span, size_t n,
                      size_t cap)
{
  ebbL_elem elem = (ebbL_elem)span->elem;
  const ebbL_site *site = ebbL_site_of(&M->sites, L);
  unsigned char *data =
      take(L, M, ebbL_elem_bytes(elem, cap), ebbL_elems[elem].n_bytes);
  if (is_growable(span->head.type)) {
    untie((growable *)span);
  }
  settle(span, data, n, cap);
  span->site = site;
}

ebbL_span *ebbL_frame_view(lua_State *L, ebbL_span *of, unsigned char *data,
                           size_t n)
{
  ebbL_memory *M = of->memory;
  const ebbL_type *type = of->head.type;
  growable *vec = NULL;
  size_t offset = (size_t)(data - of->data);
  if (type == &ebbL_vec_type) {
    vec = (growable *)of;
    type = &ebbL_array_type;
    ebbL_frame_need_mark(L, M);
  }
  ebbL_span *view =
      ebbL_span_lean(L, M->head.state, type, offsetof(ebbL_span, block));
  view->gen_at = &M->frame.first.gen;
  view->gen = EBB_FRAME_HIDDEN;
  view->elem = of->elem;
  view->is_view = view->is_frame = true;
  view->site = of->site;
  view->memory = M;
  /* Finalisers may have ended the frame, or grown or shortened the vec. */
  if (!ebbL_span_is_live(of))
    ebbL_span_stale(L, of);
  if (vec != NULL && (offset + n * ebbL_elems[of->elem].n_bytes >
                          of->n * ebbL_elems[of->elem].n_bytes ||
                      M->frame.free_marks == NULL))
    return view; /* born stale */
  view->data = of->data + offset;
  view->n = view->cap = n;
  view->gen_at = of->gen_at;
  view->gen = of->gen;
  if (vec == NULL)
    return view;
  if (vec->tie == NULL || vec->tie->gen != vec->tie_gen) {
    vec->tie = ebb_frame_mark_tie(&M->frame);
    vec->tie_gen = vec->tie->gen;
  }
  view->gen_at = &vec->tie->gen;
  view->gen = vec->tie_gen;
  return view;
}

/* --- growing --- */

/* Moves the elements to memory taken under the newest open mark: from now on
   the span shares its fate. What it had stays behind until the frame ends. */
static void move_grown(growable *vec, unsigned char *to, size_t cap)
{
  ebbL_span *span = &vec->span;
  size_t offset = (size_t)(span->data - span->block->data), n = span->n;
  memcpy(to, span->block->data, span->block->n_bytes);
  untie(vec);
  settle(span, to, n, cap);
  span->data += offset;
}

/* True if it could be made larger where it is; then no view is there, for its
   mark would lie above. */
static bool extend(ebbL_span *span, size_t cap)
{
  ebb_frame *frame = &span->memory->frame;
  size_t old_bytes = span->block->n_bytes;
  size_t new_bytes = ebbL_elem_bytes((ebbL_elem)span->elem, cap);
  if (span->gen_at != &frame->inner->gen ||
      !ebb_frame_extend(frame, span->block->data, old_bytes, new_bytes))
    return false;
  memset(span->block->data + old_bytes, 0, new_bytes - old_bytes);
  span->block->n_bytes = new_bytes;
  span->cap = cap;
  return true;
}

void ebbL_frame_grow(lua_State *L, ebbL_span *span, size_t cap, bool exact)
{
  growable *vec = (growable *)span;
  ebbL_elem elem = (ebbL_elem)span->elem;
  if (!exact && cap < span->cap + span->cap / 2)
    cap = span->cap + span->cap / 2;
  if (!exact && cap < 16)
    cap = 16;
  size_t n_bytes = ebbL_elem_bytes(elem, cap);
  if (n_bytes == SIZE_MAX)
    ebbL_nomem(L);
  if (extend(span, cap))
    return;
  unsigned char *to = take(L, span->memory, n_bytes, ebbL_elems[elem].n_bytes);
  /* Out of memory at first: then finalisers may have done anything to it. */
  if (!ebbL_span_is_live(span))
    ebbL_span_stale(L, span);
  if (span->block->n_bytes < n_bytes)
    move_grown(vec, to, cap);
}

/* --- stale --- */

const char *ebbL_site_push(lua_State *L, const ebbL_memory *M, const char *what,
                           const ebbL_site *site)
{
  if (site == NULL || M->is_closed)
    return lua_pushliteral(L, "");
  return lua_pushfstring(L, "%s%s:%d", what, site->name, site->line);
}

/* Where the running task was waiting when the frame of `gen` ended, if it is
   known. */
static const ebbL_site *await_of(const ebbL_state *S, uint64_t gen)
{
  const ebbL_task *task = S->current;
  if (task == NULL || task->await_site == NULL || gen < task->await_gen)
    return NULL;
  return task->await_site;
}

/* [-0, +1] " (allocated at …, kept across the await at …)" or "" */
static const char *push_places(lua_State *L, const ebbL_span *span)
{
  const ebbL_memory *M = span->memory;
  if (span->site == NULL || M->is_closed)
    return lua_pushliteral(L, "");
  const char *await = ebbL_site_push(L, M, ", kept across the await at ",
                                     await_of(M->head.state, span->gen));
  return lua_pushfstring(L, " (allocated at %s:%d%s)", span->site->name,
                         span->site->line, await);
}

int ebbL_frame_stale(lua_State *L, const ebbL_span *span)
{
  const ebb_frame *frame = &span->memory->frame;
  const char *label = ebbL_span_label(L, span);
  if ((*span->gen_at ^ EBB_FRAME_HIDDEN) == span->gen)
    return ebbL_error(L, "EBB003",
                      "frame data used inside a task, which may outlive the "
                      "frame; copy what it needs: %s%s",
                      label, push_places(L, span));
  /* Generations only go up: what is younger than the frame belongs to it. */
  if (frame->is_open && span->gen >= (frame->first.gen & ~EBB_FRAME_HIDDEN))
    return ebbL_error(L, "EBB002", "frame data used after %s: %s%s",
                      span->is_view ? "what it views was rolled back or has "
                                      "grown"
                                    : "its checkpoint was rolled back",
                      label, push_places(L, span));
  return ebbL_error(L, "EBB002", "frame data used after its frame ended: %s%s",
                    label, push_places(L, span));
}
