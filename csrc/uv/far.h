/* SPDX-License-Identifier: MIT */
/* A wait that another thread ends. A far wait stands for a parked task in the
   list of something that belongs to several threads, under that thing's lock.
   Other threads never touch the task: they post the far wait to its runtime,
   and there, in its own thread, `arrive` looks whether what was waited for is
   (still) to be had, and only then wakes. So a task takes a value and is woken
   in one go, and nothing is lost to a timeout or to another arm that comes at
   the same moment.

   Made before the task waits, so that neither waiting nor waking allocates. The
   owner (of one thread) releases it; one that is on its way then is destroyed
   when it arrives. All of it O(1). */
#ifndef EBB_UV_FAR_H
#define EBB_UV_FAR_H

#include "core/task.h"
#include "uv/remote.h"

#include <pthread.h>

typedef struct ebb_far ebb_far;

struct ebb_far {
  ebb_letter post;
  ebb_list link;         /* in the source's list, under its lock */
  pthread_mutex_t *lock; /* the source's */
  void *source;          /* kept by the far wait as long as it lives */
  ebb_driver *driver;
  ebb_remote *remote;
  bool posted;    /* under the lock: on its way to its thread */
  bool released;  /* its own thread: the owner has let go */
  bool holds;     /* virtual time stands still meanwhile */
  ebb_wait *wait; /* its own thread: NULL when no task waits */
  /* In its own thread, without the lock. */
  void (*arrive)(ebb_far *self);
  void (*destroy)(ebb_far *self); /* calls ebb_far_fini */
};

/* False: no memory for the driver's remote; nothing has happened then. */
bool ebb_far_init(ebb_far *self, ebb_driver *driver);
void ebb_far_fini(ebb_far *self);
/* The owner lets go, at any time (a state that closes finalises it while its
   task still waits): it is destroyed when nobody needs it any more. */
void ebb_far_release(ebb_far *self);

/* Under the lock, from any thread: sends it home. */
void ebb_far_post(ebb_far *self);

/* Node i of the task waits; under the lock, into the list `waits`. The class's
   leave() takes it out of the list, under the lock, then calls ebb_far_left. */
void ebb_far_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                  ebb_far *self, ebb_list *waits, uint32_t slot);
void ebb_far_left(ebb_far *self);

#endif
