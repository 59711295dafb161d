/* SPDX-License-Identifier: MIT */
#include "uv/output.h"

#include "base/base.h"

void ebb_output_init(ebb_output *self, const ebb_output_class *cls,
                     ebb_driver *driver)
{
  *self = (ebb_output){.cls = cls, .driver = driver};
  ebb_list_init(&self->waiters);
}

bool ebb_output_is_busy(const ebb_output *self, const ebb_task *task)
{
  return ebb_output_is_wanted(self) ||
         (self->writer != NULL && self->writer != task);
}

ptrdiff_t ebb_output_write(ebb_output *self, const struct iovec *pieces, int n)
{
  ptrdiff_t n_bytes = self->cls->write(self, pieces, n);
  if (n_bytes > 0)
    self->n_written += (uint64_t)n_bytes;
  return n_bytes;
}

static void leave(ebb_wait *wait)
{
  ebb_output *self = wait->source;
  if (self->driver != NULL)
    ebb_driver_end(self->driver, false);
  self->cls->stop(self);
}

const ebb_wait_class ebb_write_class = {"write", false, leave};
const ebb_wait_class ebb_connect_class = {"connect", false, leave};

void ebb_output_link(ebb_task *task, uint32_t i, ebb_output *self,
                     const ebb_wait_class *cls)
{
  EBB_CHECK(!ebb_output_is_wanted(self) ||
            ebb_waitq_head(&self->waiters)->task == task);
  if (self->driver != NULL)
    ebb_driver_begin(self->driver, false);
  ebb_wait_link(task, i, cls, self, &self->waiters, 0);
  self->cls->start(self);
}

void ebb_output_ready(ebb_output *self)
{
  ebb_wait *wait = ebb_waitq_head(&self->waiters);
  if (wait == NULL)
    return;
  self->writer = wait->task;
  ebb_wake(wait, EBB_OK);
}

void ebb_output_close(ebb_output *self)
{
  self->closed = true;
  ebb_wake_all(&self->waiters, EBB_ECLOSED);
}
