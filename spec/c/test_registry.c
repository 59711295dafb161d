/* SPDX-License-Identifier: MIT */
/* Generational handles against a model; the order in which slots are used
   again; the end of a slot's generations; growing without memory. */
#include <stdlib.h>

#include "alloc/registry.h"
#include "check.h"

typedef struct flaky {
  bool refuses;
} flaky;

static void *flaky_alloc(void *ud, void *ptr, size_t old_bytes,
                         size_t new_bytes)
{
  const flaky *f = ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return f->refuses ? NULL : realloc(ptr, new_bytes);
}

static uint64_t add(ebb_registry *reg)
{
  CHECK(ebb_registry_reserve(reg));
  uint32_t next = ebb_registry_next(reg);
  uint64_t handle = ebb_registry_add(reg);
  CHECK_EQ((uint32_t)handle, next);
  return handle;
}

static bool is_live(const ebb_registry *reg, uint64_t handle)
{
  uint32_t index;
  return ebb_registry_find(reg, handle, &index);
}

TEST(handles_are_positive_and_stale_when_removed)
{
  ebb_alloc alloc;
  ebb_registry reg;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_registry_init(&reg, &alloc);
  CHECK(!is_live(&reg, 0));
  uint64_t a = add(&reg), b = add(&reg);
  CHECK((int64_t)a > 0 && (int64_t)b > 0 && a != b);
  CHECK(is_live(&reg, a) && is_live(&reg, b));
  ebb_registry_remove(&reg, (uint32_t)a);
  CHECK(!is_live(&reg, a) && is_live(&reg, b));
  /* Nor is the handle live that the slot will give next. */
  CHECK(!is_live(&reg, a + ((uint64_t)1 << 32)));
  uint64_t c = add(&reg);
  CHECK_EQ(c, a + ((uint64_t)1 << 32));
  CHECK(is_live(&reg, c) && !is_live(&reg, a));
  CHECK(!is_live(&reg, UINT64_MAX) && !is_live(&reg, c | (uint64_t)1 << 63));
  ebb_registry_fini(&reg);
  CHECK(!is_live(&reg, b) && !is_live(&reg, c));
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(slots_are_used_again_oldest_first)
{
  ebb_alloc alloc;
  ebb_registry reg;
  uint64_t handles[5];
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_registry_init(&reg, &alloc);
  for (int i = 0; i < 5; i++)
    handles[i] = add(&reg);
  static const int order[] = {3, 0, 4};
  for (int i = 0; i < 3; i++)
    ebb_registry_remove(&reg, (uint32_t)handles[order[i]]);
  CHECK_EQ((uint32_t)add(&reg), 3);
  CHECK_EQ((uint32_t)add(&reg), 0);
  ebb_registry_remove(&reg, 1);
  CHECK_EQ((uint32_t)add(&reg), 4);
  CHECK_EQ((uint32_t)add(&reg), 1);
  CHECK_EQ((uint32_t)add(&reg), 5);
  CHECK_EQ(reg.n_live, 6);
  ebb_registry_fini(&reg);
}

TEST(a_slot_that_has_no_generation_left_is_retired)
{
  ebb_alloc alloc;
  ebb_registry reg;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_registry_init(&reg, &alloc);
  add(&reg);
  uint64_t b = add(&reg);
  ebb_registry_remove(&reg, 0);
  reg.slots[0].gen = EBB_REGISTRY_MAX_GEN; /* as after 2^31 - 2 removals */
  uint64_t last = add(&reg);
  CHECK_EQ(last, (uint64_t)EBB_REGISTRY_MAX_GEN << 32);
  CHECK((int64_t)last > 0 && is_live(&reg, last));
  ebb_registry_remove(&reg, 0);
  CHECK_EQ(reg.n_retired, 1);
  CHECK(!is_live(&reg, last));
  CHECK_EQ((uint32_t)add(&reg), 2); /* slot 0 never comes back */
  CHECK(is_live(&reg, b));
  ebb_registry_fini(&reg);
}

TEST(without_memory_nothing_changes)
{
  flaky f = {false};
  ebb_alloc alloc;
  ebb_registry reg;
  ebb_alloc_init(&alloc, flaky_alloc, &f);
  ebb_registry_init(&reg, &alloc);
  f.refuses = true;
  CHECK(!ebb_registry_reserve(&reg));
  f.refuses = false;
  for (int i = 0; i < 16; i++)
    add(&reg);
  f.refuses = true;
  CHECK(!ebb_registry_reserve(&reg));
  CHECK_EQ(reg.n_live, 16);
  ebb_registry_remove(&reg, 7);
  CHECK(ebb_registry_reserve(&reg));
  CHECK_EQ((uint32_t)ebb_registry_add(&reg), 7);
  f.refuses = false;
  CHECK_EQ((uint32_t)add(&reg), 16);
  ebb_registry_fini(&reg);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(a_model_agrees)
{
  enum { N = 4096 };
  static uint64_t live[N], dead[N];
  uint32_t n_live = 0, n_dead = 0;
  uint64_t rng = 3;
  ebb_alloc alloc;
  ebb_registry reg;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_registry_init(&reg, &alloc);
  for (int step = 0; step < 100000; step++) {
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    uint32_t r = (uint32_t)(rng >> 33);
    if (n_live < N && (r % 2 == 0 || n_live == 0)) {
      live[n_live++] = add(&reg);
    } else {
      uint32_t i = r / 2 % n_live;
      ebb_registry_remove(&reg, (uint32_t)live[i]);
      dead[n_dead++ % N] = live[i];
      live[i] = live[--n_live];
    }
    if (n_live > 0)
      CHECK(is_live(&reg, live[r / 3 % n_live]));
    if (n_dead > 0)
      CHECK(!is_live(&reg, dead[r / 3 % (n_dead < N ? n_dead : N)]));
    CHECK_EQ(reg.n_live, n_live);
  }
  uint32_t n_seen = 0;
  uint64_t h = ebb_registry_from(&reg, 0);
  for (; h != 0; h = ebb_registry_from(&reg, (uint32_t)h + 1)) {
    CHECK(is_live(&reg, h));
    n_seen++;
  }
  CHECK_EQ(n_seen, n_live);
  ebb_registry_fini(&reg);
}

/* A handle made up: its slot is free, or there is none. */
TEST(made_up_handles)
{
  ebb_alloc alloc;
  ebb_registry reg;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_registry_init(&reg, &alloc);
  uint32_t index;
  uint64_t a = add(&reg), b = add(&reg);
  CHECK(ebb_registry_find(&reg, a, &index));
  ebb_registry_remove(&reg, index);
  /* with the generation that the free slot will have next */
  for (uint64_t gen = 0; gen < 8; gen++)
    CHECK(!ebb_registry_find(&reg, gen << 32 | (uint32_t)a, &index));
  CHECK(ebb_registry_find(&reg, b, &index));
  CHECK(!ebb_registry_find(&reg, UINT64_MAX, &index));
  ebb_registry_fini(&reg);
}

int main(void)
{
  RUN(handles_are_positive_and_stale_when_removed);
  RUN(slots_are_used_again_oldest_first);
  RUN(a_slot_that_has_no_generation_left_is_retired);
  RUN(without_memory_nothing_changes);
  RUN(a_model_agrees);
  RUN(made_up_handles);
  return check_report();
}
