/* SPDX-License-Identifier: MIT */
#include "alloc/registry.h"

void ebb_registry_init(ebb_registry *reg, ebb_alloc *alloc)
{
  *reg = (ebb_registry){
      .alloc = alloc, .oldest = EBB_REGISTRY_NONE, .newest = EBB_REGISTRY_NONE};
}

void ebb_registry_fini(ebb_registry *reg)
{
  ebb_alloc_put(reg->alloc, reg->slots, (size_t)reg->cap * sizeof *reg->slots);
  ebb_registry_init(reg, reg->alloc);
}

bool ebb_registry_reserve(ebb_registry *reg)
{
  if (reg->oldest != EBB_REGISTRY_NONE || reg->n_slots < reg->cap)
    return true;
  if (reg->cap >= (uint32_t)1 << (sizeof(size_t) >= 8 ? 31 : 27))
    return false;
  uint32_t cap = reg->cap < 16 ? 16 : reg->cap * 2;
  ebb_registry_slot *slots =
      ebb_alloc_resize(reg->alloc, reg->slots, (size_t)reg->cap * sizeof *slots,
                       (size_t)cap * sizeof *slots);
  if (slots == NULL)
    return false;
  reg->slots = slots;
  reg->cap = cap;
  return true;
}

static uint64_t handle_of(const ebb_registry *reg, uint32_t index)
{
  return (uint64_t)reg->slots[index].gen << 32 | index;
}

uint64_t ebb_registry_add(ebb_registry *reg)
{
  uint32_t index = ebb_registry_next(reg);
  if (index == reg->n_slots) {
    EBB_CHECK(reg->n_slots < reg->cap);
    reg->n_slots++;
    reg->slots[index].gen = 1;
  } else {
    reg->oldest = reg->slots[index].next;
    if (reg->oldest == EBB_REGISTRY_NONE)
      reg->newest = EBB_REGISTRY_NONE;
  }
  reg->slots[index].next = EBB_REGISTRY_LIVE;
  reg->n_live++;
  return handle_of(reg, index);
}

void ebb_registry_remove(ebb_registry *reg, uint32_t index)
{
  EBB_CHECK(index < reg->n_slots &&
            reg->slots[index].next == EBB_REGISTRY_LIVE);
  reg->n_live--;
  reg->slots[index].next = EBB_REGISTRY_NONE;
  if (reg->slots[index].gen == EBB_REGISTRY_MAX_GEN) {
    reg->n_retired++;
    return;
  }
  reg->slots[index].gen++;
  if (reg->newest == EBB_REGISTRY_NONE)
    reg->oldest = index;
  else
    reg->slots[reg->newest].next = index;
  reg->newest = index;
}

uint64_t ebb_registry_from(const ebb_registry *reg, uint32_t index)
{
  for (; index < reg->n_slots; index++)
    if (reg->slots[index].next == EBB_REGISTRY_LIVE)
      return handle_of(reg, index);
  return 0;
}
