/* SPDX-License-Identifier: MIT */
#include "core/timer.h"

#include "base/bits.h"

#define SHIFT      16 /* the finest slot: 2^16 ns */
#define LEVEL_BITS 6

/* Of timer->place; from PLACE_WHEEL on the number of the slot is added. */
enum { PLACE_NONE, PLACE_HEAP, PLACE_NEVER, PLACE_WHEEL };

void ebb_timers_init(ebb_timers *timers, uint64_t now_ns)
{
  *timers = (ebb_timers){.wheel_ns = now_ns};
}

void ebb_timer_init(ebb_timer *timer, void (*fire)(ebb_timer *timer))
{
  timer->next = timer->prev = timer->child = NULL;
  timer->fire = fire;
  timer->due_ns = timer->order = 0;
  timer->place = PLACE_NONE;
}

/* --- the near ones: pairing heap --- */

/* A node's children form a list by next; prev is the previous sibling, or the
   parent of the first child. */
static bool is_before(const ebb_timer *a, const ebb_timer *b)
{
  return a->due_ns < b->due_ns ||
         (a->due_ns == b->due_ns && a->order < b->order);
}

/* Of two roots (no siblings, no parent) the later becomes the other's child. */
static ebb_timer *meld(ebb_timer *a, ebb_timer *b)
{
  if (is_before(b, a)) {
    ebb_timer *t = a;
    a = b;
    b = t;
  }
  b->next = a->child;
  b->prev = a;
  if (b->next != NULL)
    b->next->prev = b;
  a->child = b;
  return a;
}

/* Melds siblings in pairs, then the pairs from the last to the first: this is
   what makes removal O(log n) amortised. Loops, as there may be a million. */
static ebb_timer *meld_siblings(ebb_timer *first)
{
  ebb_timer *pairs = NULL;
  while (first != NULL) {
    ebb_timer *a = first, *b = a->next;
    first = b != NULL ? b->next : NULL;
    a->next = a->prev = NULL;
    if (b != NULL) {
      b->next = b->prev = NULL;
      a = meld(a, b);
    }
    a->next = pairs;
    pairs = a;
  }
  ebb_timer *root = NULL;
  while (pairs != NULL) {
    ebb_timer *next = pairs->next;
    pairs->next = NULL;
    root = root == NULL ? pairs : meld(root, pairs);
    pairs = next;
  }
  return root;
}

static void heap_push(ebb_timers *timers, ebb_timer *timer)
{
  timer->next = timer->prev = timer->child = NULL;
  timer->place = PLACE_HEAP;
  timers->near = timers->near == NULL ? timer : meld(timers->near, timer);
}

static void heap_remove(ebb_timers *timers, ebb_timer *timer)
{
  ebb_timer *rest = meld_siblings(timer->child);
  if (timer == timers->near) {
    timers->near = rest;
  } else {
    if (timer->prev->child == timer)
      timer->prev->child = timer->next;
    else
      timer->prev->next = timer->next;
    if (timer->next != NULL)
      timer->next->prev = timer->prev;
    if (rest != NULL)
      timers->near = meld(timers->near, rest);
  }
  timer->next = timer->prev = timer->child = NULL;
}

/* --- the far ones: wheel --- */

/* Time in units of the finest slot (ticks) is a number of 8 digits to base 64.
   A timer is in the level of the highest digit in which it differs from where
   the wheel stands, in the slot of that digit; when none differs it is near.
   So moving the wheel within a slot's block leaves the slot's timers right, and
   entering a slot makes its timers differ in a lower digit, or be near. */
static void wheel_insert(ebb_timers *timers, ebb_timer *timer)
{
  uint64_t tick = timer->due_ns >> SHIFT, at = timers->wheel_ns >> SHIFT;
  if (tick <= at) {
    heap_push(timers, timer);
    return;
  }
  int level = (int)ebb_floor_log2(tick ^ at) / LEVEL_BITS;
  unsigned slot = (tick >> (level * LEVEL_BITS)) & (EBB_WHEEL_SLOTS - 1);
  timer->place = (uint16_t)(PLACE_WHEEL + level * EBB_WHEEL_SLOTS + (int)slot);
  ebb_timer *first = timers->slots[level][slot].first;
  timer->prev = NULL;
  timer->next = first;
  if (first != NULL) {
    first->prev = timer;
    if (timer->due_ns < timers->slots[level][slot].min_due_ns)
      timers->slots[level][slot].min_due_ns = timer->due_ns;
  } else {
    timers->slots[level][slot].min_due_ns = timer->due_ns;
    timers->occupied[level] |= UINT64_C(1) << slot;
  }
  timers->slots[level][slot].first = timer;
}

static void wheel_remove(ebb_timers *timers, ebb_timer *timer)
{
  int at = timer->place - PLACE_WHEEL;
  int level = at / EBB_WHEEL_SLOTS, slot = at % EBB_WHEEL_SLOTS;
  if (timer->prev != NULL)
    timer->prev->next = timer->next;
  else
    timers->slots[level][slot].first = timer->next;
  if (timer->next != NULL)
    timer->next->prev = timer->prev;
  if (timers->slots[level][slot].first == NULL)
    timers->occupied[level] &= ~(UINT64_C(1) << slot);
}

/* The first occupied slot at the lowest occupied level comes before all others:
   levels are blocks of the same higher bits. */
static bool first_slot(const ebb_timers *timers, int *level, int *slot)
{
  for (int i = 0; i < EBB_WHEEL_LEVELS; i++) {
    if (timers->occupied[i] != 0) {
      *level = i;
      *slot = __builtin_ctzll(timers->occupied[i]);
      return true;
    }
  }
  return false;
}

/* Moves the wheel to now_ns: what it passes goes to finer slots or the heap. */
static void advance(ebb_timers *timers, uint64_t now_ns)
{
  int level, slot;
  uint64_t now_tick = now_ns >> SHIFT;
  while (first_slot(timers, &level, &slot)) {
    int bits = level * LEVEL_BITS; /* at most 42 */
    uint64_t at = timers->wheel_ns >> SHIFT;
    uint64_t block = at >> (bits + LEVEL_BITS) << (bits + LEVEL_BITS);
    uint64_t start = block | (uint64_t)slot << bits;
    if (start > now_tick)
      break;
    timers->wheel_ns = start << SHIFT;
    ebb_timer *timer = timers->slots[level][slot].first;
    timers->slots[level][slot].first = NULL;
    timers->occupied[level] &= ~(UINT64_C(1) << slot);
    while (timer != NULL) {
      ebb_timer *next = timer->next;
      wheel_insert(timers, timer);
      timer = next;
    }
  }
  if (now_ns > timers->wheel_ns)
    timers->wheel_ns = now_ns;
}

/* --- both --- */

void ebb_timer_arm(ebb_timers *timers, ebb_timer *timer, uint64_t due_ns)
{
  EBB_CHECK(timer->place == PLACE_NONE);
  timer->due_ns = due_ns;
  timer->order = timers->next_order++;
  timers->n_armed++;
  if (due_ns == EBB_NEVER)
    timer->place = PLACE_NEVER;
  else
    wheel_insert(timers, timer);
}

void ebb_timer_disarm(ebb_timers *timers, ebb_timer *timer)
{
  if (timer->place == PLACE_NONE)
    return;
  timers->n_armed--;
  if (timer->place == PLACE_HEAP)
    heap_remove(timers, timer);
  else if (timer->place != PLACE_NEVER)
    wheel_remove(timers, timer);
  timer->place = PLACE_NONE;
}

ebb_timer *ebb_timers_pop(ebb_timers *timers, uint64_t now_ns)
{
  if ((now_ns >> SHIFT) > (timers->wheel_ns >> SHIFT))
    advance(timers, now_ns);
  ebb_timer *timer = timers->near;
  if (timer == NULL || timer->due_ns > now_ns)
    return NULL;
  heap_remove(timers, timer);
  timer->place = PLACE_NONE;
  timers->n_armed--;
  return timer;
}

uint64_t ebb_timers_next(const ebb_timers *timers)
{
  int level, slot;
  uint64_t due_ns = timers->near != NULL ? timers->near->due_ns : EBB_NEVER;
  if (first_slot(timers, &level, &slot) &&
      timers->slots[level][slot].min_due_ns < due_ns)
    due_ns = timers->slots[level][slot].min_due_ns;
  return due_ns;
}
