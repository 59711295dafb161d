/* SPDX-License-Identifier: MIT */
/* The frame arena: memory that is taken by moving a head and given back all at
   once when the frame ends. It holds exactly `capacity` bytes; what does not
   fit spills to blocks of the allocator, which are counted and freed at the end
   of the frame.

   Marks are positions to roll back to. They form a stack, the frame itself at
   the bottom; allocations belong to the newest open mark. Rolling a mark back
   gives back everything taken since it was made, spilled blocks included, and
   undoes all marks above it, whatever their state. A committed mark stays in
   the stack until one below it is rolled back or the frame ends: what was taken
   under it shares that fate. (A mark under which nothing was taken leaves the
   stack at once.)

   Generations: every mark has one, never used before, from the moment it is
   made until it leaves the stack. Who keeps a pointer into the arena remembers
   the mark it belongs to and its generation, and compares before each access.
   Hiding the frame changes all of them until it is shown again: so tasks that a
   host runs within a frame cannot reach it.

   Ownership: the frame borrows `alloc`. Marks are the caller's memory, given
   for good by ebb_frame_give_mark: it must stay readable for as long as anyone
   may compare a generation. A pointer is good until the frame ends or a mark
   that is older than it is rolled back.

   Counters: bytes are those asked for, without what alignment skips.
   Invariants: spilled_bytes <= live_bytes <= peak_bytes; head <= capacity; in
   debug builds the bytes of the arena that are not taken are 0xDD, under the
   address sanitizer they are closed.

   Complexity: get, extend, commit, push O(1) (a spill asks the allocator);
   rollback and end are O(marks and spilled blocks undone). Nothing here raises,
   yields or calls out but to the allocator. */
#ifndef EBB_ALLOC_FRAME_H
#define EBB_ALLOC_FRAME_H

#include <stdbool.h>

#include "alloc/alloc.h"

#define EBB_FRAME_MAX_ALIGN     ((size_t)4096)
#define EBB_FRAME_DEFAULT_BYTES ((size_t)1 << 20)
/* Flipped in all generations while the frame is hidden. */
#define EBB_FRAME_HIDDEN ((uint64_t)1 << 63)

struct ebb_frame_spill;

typedef struct ebb_frame_count {
  size_t live_bytes, spilled_bytes;
  uint64_t n_live; /* allocations */
} ebb_frame_count;

typedef struct ebb_frame_mark {
  uint64_t gen;                 /* 0: none */
  struct ebb_frame_mark *below; /* the next older one, or the next free one */
  struct ebb_frame_mark *outer; /* the newest open one when this was made */
  bool is_open;                 /* neither committed nor rolled back */
  size_t head, needed;
  struct ebb_frame_spill *spill;
  size_t spill_head;
  uint64_t n_made;
  ebb_frame_count count;
} ebb_frame_mark;

typedef struct ebb_frame {
  ebb_alloc *alloc;
  void *block; /* what base is in; NULL before the first frame */
  unsigned char *base;
  size_t capacity;
  size_t head;   /* of the arena: bytes taken, with what alignment skipped */
  size_t needed; /* the head of an arena in which everything had fitted */
  struct ebb_frame_spill *spill; /* newest first */
  ebb_frame_mark first;          /* the frame's own */
  ebb_frame_mark *top;           /* newest in the stack */
  ebb_frame_mark *inner;         /* newest open one: allocations are its */
  ebb_frame_mark *free_marks;
  uint64_t last_gen;
  ebb_frame_count count;
  size_t frame_peak_bytes; /* most of live_bytes in this frame */
  size_t peak_bytes;       /* in all frames */
  size_t high_bytes;       /* most of `needed`, in all frames */
  uint64_t total_bytes, n_made, n_frames;
  uint64_t n_spills; /* times the allocator was asked for a block */
  bool is_open, is_hidden;
} ebb_frame;

void ebb_frame_init(ebb_frame *frame, ebb_alloc *alloc, size_t capacity);
/* Ends an open frame and gives the arena back. It may be used again. */
void ebb_frame_fini(ebb_frame *frame);
/* The arena of the next frame has `capacity` bytes. No frame may be open. */
void ebb_frame_configure(ebb_frame *frame, size_t capacity);

/* No frame may be open. False when there is no memory for the arena. */
bool ebb_frame_enter(ebb_frame *frame);
/* A frame must be open, and not hidden. */
void ebb_frame_leave(ebb_frame *frame);

/* While hidden nothing can be taken, begun or ended, and no generation is
   right. Both are harmless when there is nothing to do. */
void ebb_frame_hide(ebb_frame *frame);
void ebb_frame_show(ebb_frame *frame);

/* n_bytes at an address aligned to `align`, a power of two of at most 4096 (0
   means 16); not cleared. They belong to frame->inner. NULL when out of memory,
   when the arguments are impossible and when no frame is open or it is hidden;
   nothing has changed then. */
void *ebb_frame_get(ebb_frame *frame, size_t n_bytes, size_t align);
/* Makes the block larger where it is: only if it is the last one, was taken
   under the newest mark, and fits. False if not; nothing has changed then. */
bool ebb_frame_extend(ebb_frame *frame, void *ptr, size_t old_bytes,
                      size_t new_bytes);

/* Memory for marks that are to come. */
void ebb_frame_give_mark(ebb_frame *frame, ebb_frame_mark *mark);
/* A new open mark, now the newest; there must be one in free_marks, and a frame
   open. */
ebb_frame_mark *ebb_frame_mark_push(ebb_frame *frame);
/* A mark that only lends its generation: committed as soon as it is made. It is
   ended early by setting its gen to 0. */
ebb_frame_mark *ebb_frame_mark_tie(ebb_frame *frame);
/* The mark must be open and in the stack; others may be above it, and stay. */
void ebb_frame_mark_commit(ebb_frame *frame, ebb_frame_mark *mark);
void ebb_frame_mark_rollback(ebb_frame *frame, ebb_frame_mark *mark);

#endif
