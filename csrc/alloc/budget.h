/* SPDX-License-Identifier: MIT */
/* A budget: how many bytes all guards of one name hold, how many they may hold,
   and whether the soft limit below that has been passed.

   Guards charge what they get and credit what they free (alloc/guard.c); a
   budget never refuses by itself. Who allocates asks ebb_budget_fits first and
   decides: only so can a host ask a callback in between, and nothing is charged
   for what is refused.

   Invariants: live_bytes is the sum of count.live_bytes over the guards of this
   budget, exactly; live_bytes <= peak_bytes. It may be above the limit: the
   limit was lowered, or the host let something pass.

   The soft limit is told of once a crossing: is_told is set when it is, and
   cleared only when live_bytes has come down to nine tenths of it, so that a
   value that trembles around the limit does not call again and again.

   Everything is O(1); nothing raises, yields or calls out. */
#ifndef EBB_ALLOC_BUDGET_H
#define EBB_ALLOC_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define EBB_BUDGET_NONE SIZE_MAX /* no limit */

typedef struct ebb_budget {
  size_t live_bytes, peak_bytes;
  size_t limit_bytes, soft_bytes; /* or EBB_BUDGET_NONE */
  bool is_told;
} ebb_budget;

static inline void ebb_budget_init(ebb_budget *budget)
{
  *budget = (ebb_budget){.limit_bytes = EBB_BUDGET_NONE,
                         .soft_bytes = EBB_BUDGET_NONE};
}

/* Nothing more always fits. */
static inline bool ebb_budget_fits(const ebb_budget *budget, size_t n_bytes)
{
  return n_bytes == 0 || (budget->live_bytes <= budget->limit_bytes &&
                          n_bytes <= budget->limit_bytes - budget->live_bytes);
}

/* Would n_bytes more pass the soft limit, and is that news? */
static inline bool ebb_budget_crosses(const ebb_budget *budget, size_t n_bytes)
{
  return !budget->is_told && budget->soft_bytes != EBB_BUDGET_NONE &&
         n_bytes != 0 &&
         (budget->live_bytes > budget->soft_bytes ||
          n_bytes > budget->soft_bytes - budget->live_bytes);
}

static inline void ebb_budget_charge(ebb_budget *budget, size_t n_bytes)
{
  if (budget == NULL)
    return;
  budget->live_bytes += n_bytes;
  if (budget->live_bytes > budget->peak_bytes)
    budget->peak_bytes = budget->live_bytes;
}

/* Clears is_told once far enough below the soft limit. */
static inline void ebb_budget_settle(ebb_budget *budget)
{
  if (budget->is_told &&
      budget->live_bytes <= budget->soft_bytes - budget->soft_bytes / 10)
    budget->is_told = false;
}

static inline void ebb_budget_credit(ebb_budget *budget, size_t n_bytes)
{
  if (budget == NULL)
    return;
  EBB_CHECK(budget->live_bytes >= n_bytes);
  budget->live_bytes -= n_bytes;
  ebb_budget_settle(budget);
}

#endif
