/* SPDX-License-Identifier: MIT */
#include "alloc/guard.h"

void ebb_guard_init(ebb_guard *guard, ebb_pool *pool, ebb_budget *budget)
{
  *guard = (ebb_guard){.pool = pool, .budget = budget};
  ebb_list_init(&guard->items);
}

void ebb_guard_fini(ebb_guard *guard)
{
  ebb_item *item;
  while ((item = ebb_guard_newest(guard)) != NULL) {
    EBB_CHECK(item->kind == EBB_ITEM_BLOCK);
    ebb_block_put(ebb_container_of(item, ebb_block, item));
  }
}

void ebb_guard_add(ebb_guard *guard, ebb_item *item, uint32_t kind)
{
  EBB_CHECK(item->guard == NULL);
  item->guard = guard;
  item->kind = kind;
  ebb_list_push_back(&guard->items, &item->link);
  guard->n_items++;
}

void ebb_guard_remove(ebb_item *item)
{
  if (item->guard == NULL)
    return;
  EBB_CHECK(item->guard->n_items > 0);
  item->guard->n_items--;
  item->guard = NULL;
  ebb_list_unlink(&item->link);
}

static void count_in(ebb_guard *guard, size_t n_bytes)
{
  guard->count.live_bytes += n_bytes;
  guard->count.total_bytes += n_bytes;
  if (guard->count.live_bytes > guard->count.peak_bytes)
    guard->count.peak_bytes = guard->count.live_bytes;
}

static void count_out(ebb_guard *guard, size_t n_bytes)
{
  EBB_CHECK(guard->count.live_bytes >= n_bytes);
  guard->count.live_bytes -= n_bytes;
}

static void guard_grown(ebb_guard *guard, size_t n_bytes)
{
  count_in(guard, n_bytes);
  ebb_budget_charge(guard->budget, n_bytes);
}

static void guard_shrunk(ebb_guard *guard, size_t n_bytes)
{
  count_out(guard, n_bytes);
  ebb_budget_credit(guard->budget, n_bytes);
}

bool ebb_block_get(ebb_guard *guard, ebb_block *block, size_t n_bytes,
                   size_t align)
{
  void *data = ebb_pool_get(guard->pool, n_bytes, align);
  if (data == NULL)
    return false;
  memset(data, 0, n_bytes);
  block->data = data;
  block->n_bytes = n_bytes;
  block->item.align = (uint32_t)align;
  ebb_guard_add(guard, &block->item, EBB_ITEM_BLOCK);
  guard_grown(guard, n_bytes);
  return true;
}

void ebb_block_put(ebb_block *block)
{
  ebb_guard *guard = block->item.guard;
  if (guard == NULL)
    return;
  guard_shrunk(guard, block->n_bytes);
  ebb_guard_remove(&block->item);
  ebb_pool_put(guard->pool, block->data, block->n_bytes, block->item.align);
  block->data = NULL;
  block->gen++;
}

bool ebb_block_resize(ebb_block *block, size_t n_bytes)
{
  ebb_guard *guard = block->item.guard;
  size_t old_bytes = block->n_bytes;
  unsigned char *data = ebb_pool_resize(guard->pool, block->data, old_bytes,
                                        n_bytes, block->item.align);
  if (data == NULL)
    return false;
  if (n_bytes > old_bytes) {
    memset(data + old_bytes, 0, n_bytes - old_bytes);
    guard_grown(guard, n_bytes - old_bytes);
  } else {
    guard_shrunk(guard, old_bytes - n_bytes);
  }
  block->data = data;
  block->n_bytes = n_bytes;
  block->gen++;
  return true;
}

void ebb_block_move(ebb_block *block, ebb_guard *to)
{
  ebb_guard *from = block->item.guard;
  EBB_CHECK(from != NULL && from->pool == to->pool);
  count_out(from, block->n_bytes);
  ebb_guard_remove(&block->item);
  ebb_guard_add(to, &block->item, EBB_ITEM_BLOCK);
  count_in(to, block->n_bytes);
  if (from->budget == to->budget)
    return; /* a moment below the soft limit would be no news */
  ebb_budget_credit(from->budget, block->n_bytes);
  ebb_budget_charge(to->budget, block->n_bytes);
}
