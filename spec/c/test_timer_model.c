/* SPDX-License-Identifier: MIT */
/* Random use of the timers, compared after every operation with an array that
   is kept sorted; the wheel and the heap are walked now and then. */
#include <stdint.h>
#include <stdlib.h>

#include "base/rng.h"
#include "check.h"
#include "core/timer.h"

enum { N = 700, N_STEPS = 100000 };

/* How a game is played: weights of arming, disarming and letting time pass;
   deadlines are within 2^due_bits of now, time mostly moves by less than
   2^step_bits. */
typedef struct style {
  unsigned arm, disarm, pass, due_bits, step_bits;
} style;

#define ANY_BITS 57 /* years; and now and then what no clock will see */

typedef struct model {
  ebb_timers timers;
  ebb_timer timer[N];
  uint64_t due_ns[N], order[N]; /* of timer[i], if it is armed */
  int sorted[N], n_sorted;      /* the armed ones, EBB_NEVER at the end */
  int n_never;
  uint64_t now_ns, n_orders;
  ebb_rng rng;
  style style;
  bool disarmed_any;
  long n_bad;
} model;

static model m;

#define EXPECT(cond) (m.n_bad += !(cond))

static bool comes_before(int a, int b)
{
  if (m.due_ns[a] != m.due_ns[b])
    return m.due_ns[a] < m.due_ns[b];
  return m.order[a] < m.order[b];
}

static void model_insert(int i)
{
  int low = 0, high = m.n_sorted;
  while (low < high) {
    int mid = (low + high) / 2;
    if (comes_before(m.sorted[mid], i))
      low = mid + 1;
    else
      high = mid;
  }
  memmove(&m.sorted[low + 1], &m.sorted[low],
          (size_t)(m.n_sorted - low) * sizeof *m.sorted);
  m.sorted[low] = i;
  m.n_sorted++;
}

static void model_remove(int i)
{
  int at = 0;
  while (m.sorted[at] != i)
    at++;
  m.n_sorted--;
  memmove(&m.sorted[at], &m.sorted[at + 1],
          (size_t)(m.n_sorted - at) * sizeof *m.sorted);
}

/* Up to about 2^bits, all magnitudes alike. */
static uint64_t some_ns(unsigned bits)
{
  unsigned bit = ebb_rng_below(&m.rng, bits);
  return ebb_rng_next(&m.rng) & ((UINT64_C(2) << bit) - 1);
}

/* At most `wanted`, and so few that one never gets to the end of time. */
static unsigned bits_left(unsigned wanted)
{
  unsigned bits = 1;
  while (bits < wanted && (EBB_NEVER - m.now_ns) >> (bits + 7) != 0)
    bits++;
  return bits;
}

static uint64_t some_due_ns(void)
{
  uint64_t ns = some_ns(bits_left(m.style.due_bits));
  bool any = m.style.due_bits == ANY_BITS;
  switch (ebb_rng_below(&m.rng, any ? 20 : 17)) {
  case 17:
    return EBB_NEVER;
  case 18:
    return EBB_NEVER - 1 - ebb_rng_below(&m.rng, 3);
  case 19:
    return (UINT64_C(1) << 63) - 1 + ebb_rng_below(&m.rng, 3);
  case 0:
    return m.now_ns;
  case 1:
    return ns < m.now_ns ? m.now_ns - ns : 0;
  case 5:
  case 6:
  case 7: /* one that is taken */
    return m.n_sorted == 0 ? ns
                           : m.due_ns[m.sorted[ebb_rng_below(
                                 &m.rng, (uint32_t)m.n_sorted)]];
  case 8:
  case 9: /* at the edge of a slot */
    return ((m.now_ns + ns) >> 16 << 16) - 1 + ebb_rng_below(&m.rng, 3);
  default:
    return m.now_ns + ns;
  }
}

/* --- what must hold inside --- */

static size_t walk_heap(void)
{
  static const ebb_timer *todo[N];
  size_t n = 0, n_todo = 0;
  if (m.timers.near == NULL)
    return 0;
  EXPECT(m.timers.near->next == NULL && m.timers.near->prev == NULL);
  todo[n_todo++] = m.timers.near;
  while (n_todo > 0) {
    const ebb_timer *parent = todo[--n_todo], *before = parent;
    n++;
    for (const ebb_timer *t = parent->child; t != NULL; t = t->next) {
      EXPECT(t->prev == before);
      EXPECT(comes_before((int)(parent - m.timer), (int)(t - m.timer)));
      before = t;
      todo[n_todo++] = t;
    }
  }
  return n;
}

static size_t walk_slot(int level, int slot)
{
  size_t n = 0;
  const ebb_timer *before = NULL;
  uint64_t at = m.timers.wheel_ns >> 16;
  for (const ebb_timer *t = m.timers.slots[level][slot].first; t != NULL;
       t = t->next) {
    uint64_t tick = t->due_ns >> 16;
    EXPECT(t->prev == before);
    EXPECT(t->due_ns >= m.timers.slots[level][slot].min_due_ns);
    EXPECT(tick > at);
    EXPECT(((tick >> (6 * level)) & 63) == (uint64_t)slot);
    EXPECT(tick >> (6 * level + 6) == at >> (6 * level + 6));
    before = t;
    n++;
  }
  EXPECT((n != 0) == (m.timers.occupied[level] >> slot & 1));
  return n;
}

static void walk(void)
{
  size_t n = walk_heap();
  for (int level = 0; level < EBB_WHEEL_LEVELS; level++)
    for (int slot = 0; slot < EBB_WHEEL_SLOTS; slot++)
      n += walk_slot(level, slot);
  EXPECT(m.timers.wheel_ns <= m.now_ns);
  EXPECT(n + (size_t)m.n_never == (size_t)m.n_sorted);
}

/* --- one step --- */

static void do_arm(int i)
{
  if (ebb_timer_is_armed(&m.timer[i]))
    return;
  m.due_ns[i] = some_due_ns();
  m.order[i] = m.n_orders++;
  m.n_never += m.due_ns[i] == EBB_NEVER;
  model_insert(i);
  ebb_timer_arm(&m.timers, &m.timer[i], m.due_ns[i]);
  EXPECT(ebb_timer_is_armed(&m.timer[i]));
}

static void do_disarm(int i)
{
  if (ebb_timer_is_armed(&m.timer[i])) {
    m.n_never -= m.due_ns[i] == EBB_NEVER;
    model_remove(i);
    m.disarmed_any = true;
  }
  ebb_timer_disarm(&m.timers, &m.timer[i]);
  EXPECT(!ebb_timer_is_armed(&m.timer[i]));
}

static void do_pop(void)
{
  /* Mostly all that are due, as a runtime does; else some stay behind. */
  unsigned n = ebb_rng_below(&m.rng, 4) == 0 ? 1 : N;
  while (n-- > 0) {
    ebb_timer *popped = ebb_timers_pop(&m.timers, m.now_ns), *expected = NULL;
    if (m.n_sorted > m.n_never && m.due_ns[m.sorted[0]] <= m.now_ns) {
      expected = &m.timer[m.sorted[0]];
      model_remove(m.sorted[0]);
    }
    EXPECT(popped == expected);
    EXPECT(m.timers.wheel_ns >> 16 == m.now_ns >> 16);
    if (popped == NULL) {
      EXPECT(ebb_timers_next(&m.timers) > m.now_ns);
      return;
    }
    EXPECT(!ebb_timer_is_armed(popped));
  }
}

static void do_time(void)
{
  uint64_t next_ns = ebb_timers_next(&m.timers);
  switch (ebb_rng_below(&m.rng, 8)) {
  case 0: /* wherever the next one is, unless that is the end of the test */
    if (next_ns > m.now_ns && next_ns - m.now_ns < EBB_NEVER >> 12 &&
        next_ns < EBB_NEVER >> 1)
      m.now_ns = next_ns;
    break;
  case 1:
    if (next_ns > m.now_ns && next_ns - m.now_ns < EBB_NEVER >> 12 &&
        next_ns < EBB_NEVER >> 1)
      m.now_ns = next_ns - 1;
    break;
  case 2: /* years, now and then */
    if (ebb_rng_below(&m.rng, 50) == 0)
      m.now_ns += some_ns(bits_left(m.style.due_bits));
    break;
  default:
    m.now_ns += some_ns(bits_left(m.style.step_bits));
  }
}

static void check_step(void)
{
  uint64_t next_ns = ebb_timers_next(&m.timers);
  uint64_t due_ns = m.n_sorted != 0 ? m.due_ns[m.sorted[0]] : EBB_NEVER;
  EXPECT(m.timers.n_armed == (size_t)m.n_sorted);
  EXPECT(next_ns <= due_ns);
  EXPECT((next_ns == EBB_NEVER) == (due_ns == EBB_NEVER));
  if (!m.disarmed_any)
    EXPECT(next_ns == due_ns);
}

static void drain(void)
{
  while (m.n_sorted > m.n_never) {
    int first = m.sorted[0];
    if (m.due_ns[first] > m.now_ns) {
      m.now_ns = m.due_ns[first];
      EXPECT(ebb_timers_pop(&m.timers, m.now_ns - 1) == NULL);
    }
    model_remove(first);
    EXPECT(ebb_timers_pop(&m.timers, m.now_ns) == &m.timer[first]);
    check_step();
  }
  for (int i = 0; i < N; i++)
    do_disarm(i);
  EXPECT(m.timers.n_armed == 0);
  walk();
}

static void play(uint64_t seed, uint64_t start_ns, style how)
{
  m = (model){.now_ns = start_ns, .style = how};
  ebb_rng_init(&m.rng, seed);
  ebb_timers_init(&m.timers, start_ns);
  for (int i = 0; i < N; i++)
    ebb_timer_init(&m.timer[i], NULL);
  for (long step = 0; step < N_STEPS; step++) {
    unsigned what = ebb_rng_below(&m.rng, how.arm + how.disarm + how.pass);
    int i = (int)ebb_rng_below(&m.rng, N);
    if (what < how.arm) {
      do_arm(i);
    } else if (what < how.arm + how.disarm) {
      do_disarm(i);
    } else {
      do_time();
      do_pop();
    }
    check_step();
    if (step % 128 == 0)
      walk();
    if (m.n_bad > 0) {
      fprintf(stderr, "seed %" PRIu64 ", step %ld\n", seed, step);
      break;
    }
  }
  drain();
  CHECK_EQ(m.n_bad, 0);
}

TEST(random_use)
{
  for (uint64_t seed = 1; seed <= 6; seed++)
    play(seed, seed % 2 != 0 ? 0 : UINT64_MAX / 3 >> seed,
         (style){50, 25, 25, ANY_BITS, 32});
}

TEST(most_are_disarmed)
{
  for (uint64_t seed = 1; seed <= 3; seed++)
    play(seed, 1000 * EBB_NS_PER_S, (style){50, 45, 5, ANY_BITS, 32});
}

/* The heap has hundreds. */
TEST(all_are_near)
{
  for (uint64_t seed = 1; seed <= 4; seed++)
    play(seed, 1000 * EBB_NS_PER_S, (style){56, 42, 2, 16, 10});
}

TEST(next_is_exact_when_none_is_disarmed)
{
  for (uint64_t seed = 1; seed <= 3; seed++)
    play(seed, 1000 * EBB_NS_PER_S, (style){60, 0, 40, 40, 36});
}

/* The last hours before no time is left. */
TEST(at_the_end_of_time)
{
  for (uint64_t seed = 1; seed <= 3; seed++)
    play(seed, EBB_NEVER - (UINT64_C(1) << 44),
         (style){50, 25, 25, ANY_BITS, 32});
}

int main(void)
{
  RUN(random_use);
  RUN(most_are_disarmed);
  RUN(all_are_near);
  RUN(next_is_exact_when_none_is_disarmed);
  RUN(at_the_end_of_time);
  return check_report();
}
