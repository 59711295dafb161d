/* SPDX-License-Identifier: MIT */
#include "uv/far.h"

#include "base/base.h"

/* In its own thread: nobody needs it any more? */
static bool is_free(ebb_far *self)
{
  if (!self->released || self->wait != NULL)
    return false;
  pthread_mutex_lock(self->lock);
  bool posted = self->posted;
  pthread_mutex_unlock(self->lock);
  return !posted;
}

static void on_post(ebb_letter *post)
{
  ebb_far *self = ebb_container_of(post, ebb_far, post);
  pthread_mutex_lock(self->lock);
  self->posted = false;
  pthread_mutex_unlock(self->lock);
  if (self->wait != NULL)
    self->arrive(self);
  else if (self->released)
    self->destroy(self);
}

bool ebb_far_init(ebb_far *self, ebb_driver *driver)
{
  ebb_remote *remote = ebb_remote_of(driver);
  if (remote == NULL)
    return false;
  ebb__remote_retain(remote);
  self->post.run = on_post;
  ebb_list_init(&self->link);
  self->driver = driver;
  self->remote = remote;
  self->posted = self->released = self->holds = false;
  self->wait = NULL;
  return true;
}

void ebb_far_fini(ebb_far *self)
{
  EBB_CHECK(!ebb_list_is_linked(&self->link));
  ebb__remote_release(self->remote);
}

void ebb_far_release(ebb_far *self)
{
  self->released = true;
  if (is_free(self))
    self->destroy(self);
}

void ebb_far_post(ebb_far *self)
{
  if (!self->posted)
    self->posted = ebb_remote_post(self->remote, &self->post);
}

void ebb_far_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                  ebb_far *self, ebb_list *waits, uint32_t slot)
{
  ebb_driver_begin(self->driver, self->holds);
  self->wait = ebb_wait_link(task, i, cls, self, NULL, slot);
  ebb_list_push_back(waits, &self->link);
}

void ebb_far_left(ebb_far *self)
{
  self->wait = NULL;
  ebb_driver_end(self->driver, self->holds);
  if (is_free(self))
    self->destroy(self);
}
