/* SPDX-License-Identifier: MIT */
#include "alloc/frame.h"

#include <string.h>

#include "alloc/poison.h"
#include "base/base.h"

/* A block beside the arena; allocations follow the header. */
typedef struct ebb_frame_spill {
  struct ebb_frame_spill *older;
  size_t n_bytes; /* in all */
  size_t head;    /* from the header on */
} ebb_frame_spill;

#define SPILL_MIN_BYTES ((size_t)4096)
#define SPILL_MAX_BYTES ((size_t)65536)

/* What is not taken is 0xDD and closed. */
static void seal(void *ptr, size_t n_bytes)
{
#if defined(EBB_DEBUG_CHECKS)
  ebb_poison_open(ptr, n_bytes); /* what alignment skipped is closed */
  memset(ptr, EBB_POISON_FREED, n_bytes);
#endif
  ebb_poison_close(ptr, n_bytes);
}

/* Nobody may have written to it meanwhile. */
static void unseal(void *ptr, size_t n_bytes)
{
  ebb_poison_open(ptr, n_bytes);
#if defined(EBB_DEBUG_CHECKS)
  EBB_CHECK(ebb_poison_is_intact(ptr, n_bytes, 0));
  ebb_poison_fill(ptr, n_bytes, 0, EBB_POISON_FRESH);
#endif
}

/* --- the arena --- */

void ebb_frame_init(ebb_frame *frame, ebb_alloc *alloc, size_t capacity)
{
  memset(frame, 0, sizeof(*frame));
  frame->alloc = alloc;
  frame->capacity = capacity;
}

static void free_arena(ebb_frame *frame)
{
  if (frame->block == NULL)
    return;
  ebb_poison_open(frame->base, frame->capacity);
  ebb_alloc_put(frame->alloc, frame->block,
                frame->capacity + EBB_FRAME_MAX_ALIGN);
  frame->block = NULL;
  frame->base = NULL;
}

void ebb_frame_fini(ebb_frame *frame)
{
  ebb_frame_show(frame);
  if (frame->is_open)
    ebb_frame_leave(frame);
  free_arena(frame);
}

void ebb_frame_configure(ebb_frame *frame, size_t capacity)
{
  EBB_CHECK(!frame->is_open);
  if (capacity == frame->capacity)
    return;
  free_arena(frame);
  frame->capacity = capacity;
}

/* --- marks --- */

void ebb_frame_give_mark(ebb_frame *frame, ebb_frame_mark *mark)
{
  mark->gen = 0;
  mark->is_open = false;
  mark->below = frame->free_marks;
  frame->free_marks = mark;
}

static void enter_mark(ebb_frame *frame, ebb_frame_mark *mark)
{
  mark->gen = ++frame->last_gen;
  mark->below = frame->top;
  mark->outer = frame->inner;
  mark->is_open = true;
  mark->head = frame->head;
  mark->needed = frame->needed;
  mark->spill = frame->spill;
  mark->spill_head = frame->spill != NULL ? frame->spill->head : 0;
  mark->n_made = frame->n_made;
  mark->count = frame->count;
  frame->top = frame->inner = mark;
}

ebb_frame_mark *ebb_frame_mark_push(ebb_frame *frame)
{
  ebb_frame_mark *mark = frame->free_marks;
  EBB_CHECK(frame->is_open && !frame->is_hidden && mark != NULL);
  frame->free_marks = mark->below;
  enter_mark(frame, mark);
  return mark;
}

/* The mark at hand is none for allocations any more. */
static void settle_inner(ebb_frame *frame)
{
  while (frame->inner != NULL && !frame->inner->is_open)
    frame->inner = frame->inner->outer;
}

ebb_frame_mark *ebb_frame_mark_tie(ebb_frame *frame)
{
  ebb_frame_mark *mark = ebb_frame_mark_push(frame);
  mark->is_open = false;
  settle_inner(frame);
  return mark;
}

void ebb_frame_mark_commit(ebb_frame *frame, ebb_frame_mark *mark)
{
  EBB_CHECK(mark->is_open && mark != &frame->first && !frame->is_hidden);
  mark->is_open = false;
  settle_inner(frame);
  if (mark == frame->top && mark->n_made == frame->n_made) {
    frame->top = mark->below;
    ebb_frame_give_mark(frame, mark);
  }
}

/* --- giving back --- */

static void free_spills(ebb_frame *frame, ebb_frame_spill *until)
{
  while (frame->spill != until) {
    ebb_frame_spill *spill = frame->spill;
    frame->spill = spill->older;
    ebb_poison_open(spill, spill->n_bytes);
    ebb_alloc_put(frame->alloc, spill, spill->n_bytes);
  }
}

/* Everything is as it was when the mark was made. */
static void unwind(ebb_frame *frame, ebb_frame_mark *mark)
{
  EBB_CHECK(mark->head <= frame->head);
  seal(frame->base + mark->head, frame->head - mark->head);
  frame->head = mark->head;
  frame->needed = mark->needed;
  free_spills(frame, mark->spill);
  if (frame->spill != NULL && frame->spill->head != mark->spill_head) {
    seal((unsigned char *)frame->spill + mark->spill_head,
         frame->spill->head - mark->spill_head);
    frame->spill->head = mark->spill_head;
  }
  frame->count = mark->count;
  while (frame->top != mark) {
    ebb_frame_mark *above = frame->top;
    frame->top = above->below;
    ebb_frame_give_mark(frame, above);
  }
}

void ebb_frame_mark_rollback(ebb_frame *frame, ebb_frame_mark *mark)
{
  EBB_CHECK(mark->is_open && mark != &frame->first && !frame->is_hidden);
  unwind(frame, mark);
  frame->inner = mark->outer;
  settle_inner(frame);
  frame->top = mark->below;
  ebb_frame_give_mark(frame, mark);
}

/* --- frames --- */

bool ebb_frame_enter(ebb_frame *frame)
{
  EBB_CHECK(!frame->is_open && frame->top == NULL);
  if (EBB_UNLIKELY(frame->block == NULL)) {
    if (frame->capacity > SIZE_MAX - EBB_FRAME_MAX_ALIGN)
      return false;
    void *block =
        ebb_alloc_get(frame->alloc, frame->capacity + EBB_FRAME_MAX_ALIGN);
    if (block == NULL)
      return false;
    uintptr_t at = ((uintptr_t)block + EBB_FRAME_MAX_ALIGN - 1) &
                   ~(uintptr_t)(EBB_FRAME_MAX_ALIGN - 1);
    frame->block = block;
    frame->base = (unsigned char *)block + (at - (uintptr_t)block);
    seal(frame->base, frame->capacity);
  }
  frame->is_open = true;
  frame->n_frames++;
  frame->frame_peak_bytes = 0;
  enter_mark(frame, &frame->first);
  return true;
}

void ebb_frame_leave(ebb_frame *frame)
{
  EBB_CHECK(frame->is_open && !frame->is_hidden);
  unwind(frame, &frame->first);
  frame->first.gen = 0;
  frame->first.is_open = false;
  frame->top = frame->inner = NULL;
  frame->is_open = false;
}

static void flip(ebb_frame *frame)
{
  for (ebb_frame_mark *mark = frame->top; mark != NULL; mark = mark->below)
    mark->gen ^= EBB_FRAME_HIDDEN;
  frame->is_hidden = !frame->is_hidden;
}

void ebb_frame_hide(ebb_frame *frame)
{
  if (frame->is_open && !frame->is_hidden)
    flip(frame);
}

void ebb_frame_show(ebb_frame *frame)
{
  if (frame->is_hidden)
    flip(frame);
}

/* --- taking --- */

/* How far `at` is from an aligned address. */
static size_t skip_to(const unsigned char *at, size_t align)
{
  return (size_t)(-(uintptr_t)at & (align - 1));
}

static void count_taken(ebb_frame *frame, size_t n_bytes)
{
  frame->total_bytes += n_bytes;
  frame->count.live_bytes += n_bytes;
  if (frame->count.live_bytes > frame->frame_peak_bytes)
    frame->frame_peak_bytes = frame->count.live_bytes;
  if (frame->count.live_bytes > frame->peak_bytes)
    frame->peak_bytes = frame->count.live_bytes;
  if (frame->needed > frame->high_bytes)
    frame->high_bytes = frame->needed;
}

static void *take_spilled(ebb_frame *frame, size_t n_bytes, size_t align)
{
  ebb_frame_spill *spill = frame->spill;
  unsigned char *at = NULL;
  size_t skip = 0;
  if (spill != NULL) {
    at = (unsigned char *)spill + spill->head;
    skip = skip_to(at, align);
    size_t left = spill->n_bytes - spill->head;
    if (skip > left || n_bytes > left - skip)
      at = NULL;
  }
  if (at == NULL) {
    size_t size =
        frame->capacity < SPILL_MAX_BYTES ? frame->capacity : SPILL_MAX_BYTES;
    if (size < SPILL_MIN_BYTES)
      size = SPILL_MIN_BYTES;
    if (n_bytes > SIZE_MAX / 2)
      return NULL;
    if (n_bytes + align + sizeof(*spill) > size)
      size = n_bytes + align + sizeof(*spill);
    spill = ebb_alloc_get(frame->alloc, size);
    if (spill == NULL)
      return NULL;
    *spill = (ebb_frame_spill){frame->spill, size, sizeof(*spill)};
    frame->spill = spill;
    frame->n_spills++;
    seal(spill + 1, size - sizeof(*spill));
    at = (unsigned char *)spill + spill->head;
    skip = skip_to(at, align);
  }
  spill->head += skip + n_bytes;
  frame->count.spilled_bytes += n_bytes;
  return at + skip;
}

void *ebb_frame_get(ebb_frame *frame, size_t n_bytes, size_t align)
{
  if (align == 0)
    align = 16;
  if (EBB_UNLIKELY(!frame->is_open || frame->is_hidden ||
                   (align & (align - 1)) != 0 || align > EBB_FRAME_MAX_ALIGN))
    return NULL;
  unsigned char *at = frame->base + frame->head;
  size_t skip = skip_to(at, align), left = frame->capacity - frame->head;
  if (EBB_LIKELY(skip <= left && n_bytes <= left - skip)) {
    frame->head += skip + n_bytes;
    at += skip;
  } else {
    at = take_spilled(frame, n_bytes, align);
    if (at == NULL)
      return NULL;
  }
  /* base is aligned to the largest alignment: offsets skip as addresses do */
  frame->needed = ((frame->needed + align - 1) & ~(align - 1)) + n_bytes;
  frame->n_made++;
  frame->count.n_live++;
  count_taken(frame, n_bytes);
  unseal(at, n_bytes);
  return at;
}

bool ebb_frame_extend(ebb_frame *frame, void *ptr, size_t old_bytes,
                      size_t new_bytes)
{
  unsigned char *at = ptr, *end = frame->base + frame->head;
  if (!frame->is_open || frame->is_hidden || at < frame->base || at >= end ||
      at + old_bytes != end || new_bytes < old_bytes ||
      at < frame->base + frame->top->head ||
      new_bytes - old_bytes > frame->capacity - frame->head)
    return false;
  size_t n_more = new_bytes - old_bytes;
  frame->head += n_more;
  frame->needed += n_more;
  count_taken(frame, n_more);
  unseal(end, n_more);
  return true;
}
