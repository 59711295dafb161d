/* SPDX-License-Identifier: MIT */
/* Regions: the one cancellation mechanism. A region is a stretch of a task's
   code that can be asked to end: the task itself, a scope's body, a timeout, a
   token's run. The regions of a task form a stack; a SHIELD on it hides what
   is struck outside of it. Striking a region marks it and, if the task waits
   interruptibly, wakes it with EBB_ECANCELLED; every later await asks
   ebb_task_verdict and throws while a struck region is visible. Of several
   struck regions the outermost wins.

   A deadline strikes softly: until it has been thrown once, awaits that are
   ready at once still win over it. Nothing here allocates or fails. */
#ifndef EBB_CORE_REGION_H
#define EBB_CORE_REGION_H

#include "base/base.h"
#include "base/list.h"

#include <stdbool.h>

typedef struct ebb_task ebb_task;
typedef struct ebb_region ebb_region;

enum {
  EBB_REGION_TASK,
  EBB_REGION_SCOPE,
  EBB_REGION_DEADLINE,
  EBB_REGION_TOKEN,
  EBB_REGION_SHIELD,
};

struct ebb_region {
  ebb_region *outer; /* NULL: the task's own region */
  ebb_task *task;
  void *frame;      /* for the host: which call of the task opened it */
  uint16_t n_below; /* for the host: values below the body in that call */
  uint8_t kind;
  bool struck;
  bool soft;      /* struck by a deadline that has not been thrown yet */
  bool has_error; /* for the host: an error object is kept for this region */
  bool unwinding; /* for the host: an error is leaving the body */
  bool cleanup;   /* a SHIELD around a cleanup: it ends with their time */
};

/* Opens `region` as the task's innermost. The caller owns the memory and
   closes regions in reverse order. */
void ebb_region_open(ebb_region *region, ebb_task *task, int kind);
void ebb_region_close(ebb_region *region);

/* Asks the region's code to end. Harmless twice; a hard strike hardens a soft
   one. Never runs task code. */
void ebb_region_strike(ebb_region *region, bool soft);

/* The struck region that an await must obey, by the stack of regions alone
   (the host narrows it down by what it knows of running cleanups), or NULL. */
ebb_region *ebb_region_visible(const ebb_task *task);

#endif
