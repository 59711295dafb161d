/* SPDX-License-Identifier: MIT */
#include "alloc/heap_parts.h"

ebb_heap_account *ebb_heap_account_open(ebb_heap *heap, size_t quota_bytes,
                                        ebb_heap_account *outer, void *owner)
{
  ebb_heap_account *account =
      heap->backing(heap->backing_ud, NULL, 0, sizeof *account);
  if (account == NULL)
    return NULL;
  account->heap = heap;
  account->outer = outer;
  account->owner = owner;
  account->live_bytes = 0;
  account->quota_bytes = quota_bytes;
  account->alarm_bytes = quota_bytes;
  heap_set_init(&account->set);
  return account;
}

void ebb_heap_account_close(ebb_heap_account *account)
{
  ebb_heap *heap = account->heap;
  if (heap->account == account)
    ebb_heap_enter(heap, account->outer);
  heap_set_move(heap, &account->set, account->outer);
  for (size_t i = 0; i < heap->large.cap; i++)
    if (heap->large.entries[i].account == account)
      heap->large.entries[i].account = account->outer;
  heap->backing(heap->backing_ud, account, sizeof *account, 0);
}

ebb_heap_account *ebb_heap_enter(ebb_heap *heap, ebb_heap_account *account)
{
  ebb_heap_account *before = heap->account;
  heap->account = account;
  heap_set_watch(heap);
  return before;
}

void heap_charge(ebb_heap *heap, ebb_heap_account *account, size_t n_bytes)
{
  for (ebb_heap_account *at = account; at != NULL; at = at->outer) {
    at->live_bytes += n_bytes;
    if (at->live_bytes > at->alarm_bytes) {
      at->alarm_bytes = at->live_bytes + at->quota_bytes;
      if (heap->on_over != NULL)
        heap->on_over(heap->over_ud, at);
    }
  }
}

void heap_credit(ebb_heap_account *account, size_t n_bytes)
{
  for (ebb_heap_account *at = account; at != NULL; at = at->outer) {
    EBB_CHECK(at->live_bytes >= n_bytes);
    at->live_bytes -= n_bytes;
    if (at->live_bytes <= at->quota_bytes)
      at->alarm_bytes = at->quota_bytes;
  }
}

bool heap_exceeds(const ebb_heap_account *account, size_t n_bytes)
{
  for (; account != NULL; account = account->outer)
    if (n_bytes > account->quota_bytes)
      return true;
  return false;
}

void ebb_heap_account_charge(ebb_heap_account *account, size_t n_bytes)
{
  heap_charge(account->heap, account, n_bytes);
}

void ebb_heap_account_credit(ebb_heap_account *account, size_t n_bytes)
{
  heap_credit(account, n_bytes);
}

size_t ebb_heap_account_live(const ebb_heap_account *account)
{
  return account->live_bytes;
}

size_t ebb_heap_account_quota(const ebb_heap_account *account)
{
  return account->quota_bytes;
}

bool ebb_heap_account_is_over(const ebb_heap_account *account)
{
  return account->live_bytes > account->quota_bytes;
}

void *ebb_heap_account_owner(const ebb_heap_account *account)
{
  return account->owner;
}
