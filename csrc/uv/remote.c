/* SPDX-License-Identifier: MIT */
#include "uv/remote.h"

#include <pthread.h>
#include <stdlib.h>

/* From malloc: the last to let go may be any thread. */
struct ebb_remote {
  ebb_inbox inbox;
  atomic_uint n_refs;
  pthread_mutex_t lock;
  ebb_driver *driver; /* under the lock; NULL once it is closing */
};

ebb_remote *ebb_remote_of(ebb_driver *driver)
{
  ebb_remote **slot = ebb_driver_remote(driver);
  if (*slot != NULL)
    return *slot;
  ebb_remote *self = malloc(sizeof *self);
  if (self == NULL)
    return NULL;
  if (pthread_mutex_init(&self->lock, NULL) != 0) {
    free(self);
    return NULL;
  }
  ebb_inbox_init(&self->inbox);
  atomic_init(&self->n_refs, 1);
  self->driver = driver;
  return *slot = self;
}

void ebb__remote_retain(ebb_remote *self)
{
  atomic_fetch_add_explicit(&self->n_refs, 1, memory_order_relaxed);
}

void ebb__remote_release(ebb_remote *self)
{
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  pthread_mutex_destroy(&self->lock);
  free(self);
}

bool ebb_remote_post(ebb_remote *self, ebb_letter *post)
{
  int pushed = ebb_inbox_push(&self->inbox, post);
  if (pushed == EBB_INBOX_FIRST) {
    /* the loop's handle must not be closed meanwhile */
    pthread_mutex_lock(&self->lock);
    if (self->driver != NULL)
      ebb_driver_wakeup(self->driver);
    pthread_mutex_unlock(&self->lock);
  }
  return pushed != EBB_INBOX_CLOSED;
}

static void run_all(ebb_letter *post)
{
  while (post != NULL) {
    ebb_letter *next = post->next;
    post->run(post);
    post = next;
  }
}

void ebb__remote_drain(ebb_remote *self)
{
  run_all(ebb_inbox_take(&self->inbox));
}

bool ebb__remote_is_empty(const ebb_remote *self)
{
  return ebb_inbox_is_empty(&self->inbox);
}

void ebb__remote_close(ebb_remote *self)
{
  pthread_mutex_lock(&self->lock);
  self->driver = NULL;
  pthread_mutex_unlock(&self->lock);
  run_all(ebb_inbox_close(&self->inbox));
  ebb__remote_release(self);
}
