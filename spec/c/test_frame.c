/* SPDX-License-Identifier: MIT */
/* The frame arena against a model: exact capacity, alignment of addresses,
   spilled blocks, marks, generations, counters, and running out of memory
   (R162, R166, R167, R171, R174, 2.9c, 2.9f). */
#include <stdint.h>
#include <stdlib.h>

#include "alloc/frame.h"
#include "check.h"

/* Refuses while `refuses`; counts blocks. */
typedef struct flaky {
  long n_asked, n_blocks;
  bool refuses;
} flaky;

static void *flaky_alloc(void *ud, void *ptr, size_t old_bytes,
                         size_t new_bytes)
{
  flaky *f = ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    f->n_blocks -= ptr != NULL;
    free(ptr);
    return NULL;
  }
  f->n_asked++;
  if (f->refuses)
    return NULL;
  f->n_blocks += ptr == NULL;
  return realloc(ptr, new_bytes);
}

static flaky source;
static ebb_alloc alloc;
static ebb_frame frame;
static ebb_frame_mark marks[600];

static void open_frame(size_t capacity)
{
  source = (flaky){0};
  ebb_alloc_init(&alloc, flaky_alloc, &source);
  ebb_frame_init(&frame, &alloc, capacity);
  memset(marks, 0, sizeof(marks));
  for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
    ebb_frame_give_mark(&frame, &marks[i]);
  CHECK(ebb_frame_enter(&frame));
}

static void close_frame(void)
{
  ebb_frame_fini(&frame);
  CHECK_EQ(source.n_blocks, 0);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* 2.9c */
TEST(capacity_is_exact)
{
  for (size_t capacity = 1; capacity < 5000; capacity = capacity * 3 + 1) {
    open_frame(capacity);
    for (size_t i = 0; i < capacity; i++)
      CHECK(ebb_frame_get(&frame, 1, 1) != NULL);
    CHECK_EQ(frame.count.spilled_bytes, 0);
    CHECK_EQ(frame.n_spills, 0);
    CHECK(ebb_frame_get(&frame, 1, 1) != NULL);
    CHECK_EQ(frame.count.spilled_bytes, 1);
    CHECK_EQ(frame.n_spills, 1);
    CHECK_EQ(frame.high_bytes, capacity + 1);
    ebb_frame_leave(&frame);
    CHECK_EQ(source.n_blocks, 1); /* the arena */
    CHECK(ebb_frame_enter(&frame));
    CHECK(ebb_frame_get(&frame, capacity, 1) != NULL);
    CHECK_EQ(frame.count.spilled_bytes, 0);
    close_frame();
  }
}

/* R167 */
TEST(addresses_are_aligned)
{
  open_frame(20000);
  for (size_t align = 1; align <= 4096; align *= 2) {
    CHECK(ebb_frame_get(&frame, 1, 1) != NULL);
    CHECK_EQ((uintptr_t)ebb_frame_get(&frame, 3, align) & (align - 1), 0);
  }
  for (size_t align = 1; align <= 4096; align *= 2) { /* spilled */
    CHECK_EQ((uintptr_t)ebb_frame_get(&frame, 20001, align) & (align - 1), 0);
    CHECK_EQ((uintptr_t)ebb_frame_get(&frame, 5, align) & (align - 1), 0);
  }
  CHECK_EQ((uintptr_t)ebb_frame_get(&frame, 1, 0) & 15, 0);
  close_frame();
}

/* R166, R167 */
TEST(impossible_requests)
{
  open_frame(100);
  long n_asked = source.n_asked;
  CHECK(ebb_frame_get(&frame, SIZE_MAX, 1) == NULL);
  CHECK(ebb_frame_get(&frame, SIZE_MAX - 8, 16) == NULL);
  CHECK(ebb_frame_get(&frame, 8, 3) == NULL);
  CHECK(ebb_frame_get(&frame, 8, 8192) == NULL);
  CHECK_EQ(source.n_asked, n_asked);
  CHECK_EQ(frame.n_made, 0);
  CHECK(ebb_frame_get(&frame, 0, 1) != NULL);
  CHECK_EQ(frame.count.live_bytes, 0);
  CHECK_EQ(frame.count.n_live, 1);
  ebb_frame_leave(&frame);
  CHECK(ebb_frame_get(&frame, 1, 1) == NULL);
  close_frame();
}

/* R162 */
TEST(generations_are_never_used_again)
{
  open_frame(1000);
  uint64_t last = frame.first.gen;
  CHECK(last != 0);
  for (int i = 0; i < 100; i++) {
    ebb_frame_mark *mark = ebb_frame_mark_push(&frame);
    CHECK(mark->gen > last);
    last = mark->gen;
    CHECK(frame.inner == mark);
    ebb_frame_get(&frame, 10, 1);
    ebb_frame_mark_rollback(&frame, mark);
    CHECK(mark->gen != last);
    CHECK_EQ(frame.count.live_bytes, 0);
  }
  ebb_frame_leave(&frame);
  CHECK_EQ(frame.first.gen, 0);
  CHECK(ebb_frame_enter(&frame));
  CHECK(frame.first.gen > last);
  close_frame();
}

TEST(hidden)
{
  open_frame(1000);
  ebb_frame_mark *mark = ebb_frame_mark_push(&frame);
  uint64_t a = frame.first.gen, b = mark->gen;
  ebb_frame_hide(&frame);
  ebb_frame_hide(&frame);
  CHECK(frame.first.gen != a && mark->gen != b);
  CHECK(ebb_frame_get(&frame, 1, 1) == NULL);
  ebb_frame_show(&frame);
  ebb_frame_show(&frame);
  CHECK(frame.first.gen == a && mark->gen == b);
  CHECK(ebb_frame_get(&frame, 1, 1) != NULL);
  ebb_frame_hide(&frame); /* the state closes while tasks run */
  close_frame();
}

TEST(marks_out_of_order)
{
  open_frame(1000);
  ebb_frame_get(&frame, 10, 1);
  ebb_frame_mark *a = ebb_frame_mark_push(&frame);
  ebb_frame_get(&frame, 20, 1);
  ebb_frame_mark *b = ebb_frame_mark_push(&frame);
  uint64_t gen_b = b->gen;
  ebb_frame_get(&frame, 30, 1);
  ebb_frame_mark_commit(&frame, a); /* the younger one stays open */
  CHECK(frame.inner == b && b->is_open);
  ebb_frame_mark_rollback(&frame, b);
  CHECK(frame.inner == &frame.first);
  CHECK(b->gen != gen_b && a->gen != 0);
  CHECK_EQ(frame.count.live_bytes, 30);
  ebb_frame_mark *c = ebb_frame_mark_push(&frame);
  ebb_frame_mark *d = ebb_frame_mark_push(&frame);
  uint64_t gen_d = d->gen;
  ebb_frame_get(&frame, 5, 1);
  ebb_frame_mark_commit(&frame, d);
  CHECK(frame.inner == c && d->gen == gen_d);
  ebb_frame_mark_rollback(&frame, c); /* takes the committed one with it */
  CHECK(d->gen != gen_d);
  CHECK_EQ(frame.count.live_bytes, 30);
  /* Nothing was taken under it: it leaves at once. */
  ebb_frame_mark *e = ebb_frame_mark_push(&frame);
  ebb_frame_mark_commit(&frame, e);
  CHECK(frame.top == a && frame.free_marks == e);
  close_frame();
}

/* What was taken of a spilled block is there again, and not needed after all.
 */
TEST(rolled_back_within_a_spilled_block)
{
  open_frame(16);
  ebb_frame_get(&frame, 17, 1);
  CHECK_EQ(frame.n_spills, 1);
  ebb_frame_mark *mark = ebb_frame_mark_push(&frame);
  void *p = ebb_frame_get(&frame, 100, 1);
  ebb_frame_mark_rollback(&frame, mark);
  CHECK_EQ(frame.needed, 17);
  CHECK_EQ(frame.high_bytes, 117);
  CHECK_EQ(frame.count.spilled_bytes, 17);
  CHECK(ebb_frame_get(&frame, 100, 1) == p);
  CHECK_EQ(frame.n_spills, 1);
  close_frame();
}

TEST(tied)
{
  open_frame(1000);
  ebb_frame_mark *a = ebb_frame_mark_push(&frame);
  ebb_frame_mark *tie = ebb_frame_mark_tie(&frame);
  CHECK(frame.inner == a && frame.top == tie && tie->gen > a->gen);
  uint64_t gen = tie->gen;
  ebb_frame_mark_rollback(&frame, a);
  CHECK(tie->gen != gen);
  close_frame();
}

TEST(extending)
{
  open_frame(100);
  unsigned char *p = ebb_frame_get(&frame, 10, 1);
  memset(p, 7, 10);
  CHECK(ebb_frame_extend(&frame, p, 10, 60));
  CHECK_EQ(frame.count.live_bytes, 60);
  CHECK_EQ(frame.head, 60);
  CHECK(!ebb_frame_extend(&frame, p, 60, 101));
  CHECK(!ebb_frame_extend(&frame, p, 10, 60));
  ebb_frame_mark *mark = ebb_frame_mark_push(&frame);
  CHECK(!ebb_frame_extend(&frame, p, 60, 70)); /* it lies below the mark */
  ebb_frame_mark_rollback(&frame, mark);
  CHECK(ebb_frame_extend(&frame, p, 60, 100));
  CHECK_EQ(frame.needed, 100);
  unsigned char *q = ebb_frame_get(&frame, 10, 1);
  CHECK(!ebb_frame_extend(&frame, q, 10, 20)); /* spilled */
  CHECK(!ebb_frame_extend(&frame, p, 100, 101));
  CHECK_EQ(frame.count.live_bytes, 110);
  close_frame();
}

/* R171 */
TEST(out_of_memory)
{
  source = (flaky){.refuses = true};
  ebb_alloc_init(&alloc, flaky_alloc, &source);
  ebb_frame_init(&frame, &alloc, 100);
  CHECK(!ebb_frame_enter(&frame));
  CHECK(!frame.is_open);
  source.refuses = false;
  CHECK(ebb_frame_enter(&frame));
  ebb_frame_count before = frame.count;
  source.refuses = true;
  CHECK(ebb_frame_get(&frame, 101, 1) == NULL);
  CHECK(memcmp(&before, &frame.count, sizeof(before)) == 0);
  CHECK_EQ(frame.total_bytes + frame.n_made + frame.needed, 0);
  CHECK(ebb_frame_get(&frame, 100, 1) != NULL);
  source.refuses = false;
  CHECK(ebb_frame_get(&frame, 101, 1) != NULL);
  CHECK_EQ(frame.count.spilled_bytes, 101);
  ebb_frame_leave(&frame);
  ebb_frame_configure(&frame, 50);
  CHECK_EQ(source.n_blocks, 0);
  CHECK(ebb_frame_enter(&frame));
  CHECK_EQ(alloc.live_bytes, 50 + EBB_FRAME_MAX_ALIGN);
  close_frame();
}

/* --- random sequences against a model --- */

static uint64_t rng_state = 42;

static size_t rng_below(size_t n)
{
  rng_state ^= rng_state << 13;
  rng_state ^= rng_state >> 7;
  rng_state ^= rng_state << 17;
  return (size_t)(rng_state % n);
}

typedef struct piece {
  unsigned char *data, fill;
  size_t n_bytes;
  ebb_frame_mark *mark;
  uint64_t gen;
} piece;

#define MAX_PIECES 4000
static piece pieces[MAX_PIECES];
static size_t n_pieces;

/* The model's own stack: how many pieces there were. */
typedef struct level {
  ebb_frame_mark *mark;
  size_t n_pieces;
} level;

static level levels[64];
static size_t n_levels;

static void check_model(void)
{
  size_t live = 0;
  for (size_t i = 0; i < n_pieces; i++) {
    const piece *p = &pieces[i];
    live += p->n_bytes;
    if (p->mark->gen != p->gen)
      CHECK(!"a live piece is stale");
    for (size_t k = 0; k < p->n_bytes; k++) {
      if (p->data[k] != p->fill) {
        CHECK(!"a live piece was overwritten");
        break;
      }
    }
  }
  CHECK_EQ(frame.count.live_bytes, live);
  CHECK_EQ(frame.count.n_live, n_pieces);
  CHECK(frame.count.spilled_bytes <= live && frame.head <= frame.capacity);
}

static void drop_pieces(size_t n)
{
  for (size_t i = n; i < n_pieces; i++)
    if (pieces[i].mark->gen == pieces[i].gen)
      CHECK(!"a dead piece is live");
  n_pieces = n;
}

static void model_take(uint64_t *total)
{
  size_t n_bytes = rng_below(10) == 0 ? rng_below(9000) : rng_below(120);
  size_t align = (size_t)1 << rng_below(8);
  piece *p = &pieces[n_pieces];
  if (n_pieces == MAX_PIECES)
    return;
  p->data = ebb_frame_get(&frame, n_bytes, align);
  CHECK_EQ((uintptr_t)p->data & (align - 1), 0);
  p->n_bytes = n_bytes;
  p->fill = (unsigned char)rng_below(256);
  p->mark = frame.inner;
  p->gen = frame.inner->gen;
  memset(p->data, p->fill, n_bytes);
  n_pieces++;
  *total += n_bytes;
}

static void model_step(uint64_t *total)
{
  size_t what = rng_below(20);
  if (what < 12) {
    model_take(total);
  } else if (what < 15 && n_levels < 64) {
    levels[n_levels++] = (level){ebb_frame_mark_push(&frame), n_pieces};
  } else if (what < 17 && n_levels > 0) {
    size_t at = rng_below(n_levels);
    ebb_frame_mark_rollback(&frame, levels[at].mark);
    drop_pieces(levels[at].n_pieces);
    n_levels = at;
  } else if (what < 19 && n_levels > 0) {
    size_t at = rng_below(n_levels);
    ebb_frame_mark_commit(&frame, levels[at].mark);
    memmove(&levels[at], &levels[at + 1],
            (n_levels - at - 1) * sizeof(levels[0]));
    n_levels--;
  } else if (what == 19 && rng_below(10) == 0) {
    ebb_frame_leave(&frame);
    drop_pieces(0);
    n_levels = 0;
    CHECK(ebb_frame_enter(&frame));
  }
}

/* R174, 2.9f */
TEST(model)
{
  for (int seed = 1; seed <= 30; seed++) {
    rng_state = (uint64_t)seed * 0x9e3779b97f4a7c15u;
    uint64_t total = 0;
    size_t peak = 0;
    open_frame(1 + rng_below(30000));
    n_pieces = n_levels = 0;
    for (int i = 0; i < 600; i++) {
      if (frame.free_marks == NULL) /* all are committed */
        break;
      model_step(&total);
      if (frame.count.live_bytes > peak)
        peak = frame.count.live_bytes;
      check_model();
    }
    CHECK_EQ(frame.total_bytes, total);
    CHECK_EQ(frame.peak_bytes, peak);
    close_frame();
    if (check_failures_here > 0) {
      fprintf(stderr, "seed %d\n", seed);
      break;
    }
  }
}

/* What is configured takes effect with the next frame; the same is nothing. */
TEST(configured)
{
  open_frame(100);
  ebb_frame_leave(&frame);
  long n_asked = source.n_asked;
  ebb_frame_configure(&frame, 100);
  CHECK(ebb_frame_enter(&frame));
  CHECK_EQ(source.n_asked, n_asked); /* its block is still there */
  ebb_frame_hide(&frame);
  ebb_frame_hide(&frame);
  CHECK(ebb_frame_extend(&frame, frame.base, 0, 1) == false);
  ebb_frame_show(&frame);
  ebb_frame_show(&frame);
  ebb_frame_leave(&frame);
  ebb_frame_configure(&frame, 300);
  CHECK(ebb_frame_enter(&frame));
  CHECK(source.n_asked > n_asked);
  ebb_frame_leave(&frame);
  CHECK(!ebb_frame_extend(&frame, frame.base, 0, 1)); /* none is open */
  ebb_frame_hide(&frame);
  ebb_frame_show(&frame);
  /* more than there is anywhere: not even asked for */
  n_asked = source.n_asked;
  ebb_frame_configure(&frame, SIZE_MAX - 5);
  CHECK(!ebb_frame_enter(&frame));
  CHECK_EQ(source.n_asked, n_asked);
  ebb_frame_configure(&frame, 10);
  CHECK(ebb_frame_enter(&frame));
  close_frame();
}

/* Only the last block of the arena grows in place, and only as far as it goes.
 */
TEST(extending_what_does_not)
{
  open_frame(100);
  unsigned char *a = ebb_frame_get(&frame, 10, 1);
  unsigned char *b = ebb_frame_get(&frame, 10, 1);
  CHECK(!ebb_frame_extend(&frame, a, 10, 20)); /* not the last */
  CHECK(!ebb_frame_extend(&frame, b, 10, 5));  /* that is no growth */
  CHECK(!ebb_frame_extend(&frame, b, 10, 91)); /* past the end */
  CHECK(ebb_frame_extend(&frame, b, 10, 90));
  CHECK(!ebb_frame_extend(&frame, b, 90, 91));
  unsigned char elsewhere[4];
  CHECK(!ebb_frame_extend(&frame, elsewhere, 4, 5));
  CHECK(!ebb_frame_extend(&frame, frame.base + 100, 0, 1));
  /* below a checkpoint that may be rolled back */
  ebb_frame_mark *mark = ebb_frame_mark_push(&frame);
  CHECK(!ebb_frame_extend(&frame, b, 90, 90 + 1));
  ebb_frame_mark_commit(&frame, mark);
  close_frame();
}

int main(void)
{
  RUN(capacity_is_exact);
  RUN(addresses_are_aligned);
  RUN(impossible_requests);
  RUN(generations_are_never_used_again);
  RUN(hidden);
  RUN(marks_out_of_order);
  RUN(rolled_back_within_a_spilled_block);
  RUN(tied);
  RUN(extending);
  RUN(out_of_memory);
  RUN(model);
  RUN(configured);
  RUN(extending_what_does_not);
  return check_report();
}
