/* SPDX-License-Identifier: MIT */
#include "uv/poller.h"

#include "base/base.h"

#include <errno.h>
#include <poll.h>
#include <uv.h>

typedef struct fd_poller {
  ebb_poller poller;
  uv_poll_t poll;
  ebb_attached attached;
  ebb_alloc *alloc;
  int armed;                    /* what the loop looks for */
  bool handle_closed, released; /* both: it can be freed */
} fd_poller;

static fd_poller *poller_of(ebb_poller *self)
{
  return ebb_container_of(self, fd_poller, poller);
}

static void on_poll(uv_poll_t *handle, int status, int events);

/* Only what somebody waits for is looked for, and keeps the loop running. */
static void update(fd_poller *self)
{
  const ebb_poller *poller = &self->poller;
  if (poller->closed)
    return;
  int events = (ebb_list_is_empty(&poller->readers) ? 0 : UV_READABLE) |
               (ebb_list_is_empty(&poller->writers) ? 0 : UV_WRITABLE);
  if (events == self->armed)
    return;
  self->armed = events;
  if (events == 0)
    uv_poll_stop(&self->poll);
  else
    uv_poll_start(&self->poll, events, on_poll);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
  fd_poller *self = handle->data;
  if (status < 0) { /* the calls tell the error; libuv has stopped looking */
    self->armed = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  if (events & UV_READABLE)
    ebb_wake_all(&self->poller.readers, EBB_OK);
  if (events & UV_WRITABLE)
    ebb_wake_all(&self->poller.writers, EBB_OK);
  update(self);
}

static void leave(ebb_wait *wait)
{
  ebb_poller *self = wait->source;
  ebb_driver_end(self->driver, false);
  update(poller_of(self));
}

static const ebb_wait_class read_class = {"readable", false, leave};
static const ebb_wait_class write_class = {"writable", false, leave};

void ebb_poller_link(ebb_task *task, uint32_t i, ebb_poller *self,
                     bool to_write)
{
  ebb_driver_begin(self->driver, false);
  ebb_wait_link(task, i, to_write ? &write_class : &read_class, self,
                to_write ? &self->writers : &self->readers, 0);
  update(poller_of(self));
}

bool ebb_fd_is_ready(int fd, bool to_write)
{
  struct pollfd look = {.fd = fd,
                        .events = (short)(to_write ? POLLOUT : POLLIN)};
  int n;
  do
    n = poll(&look, 1, 0);
  while (n < 0 && errno == EINTR);
  return n != 0; /* if it cannot be told, the call itself will */
}

/* --- opening and closing -------------------------------------------------- */

static void destroy(fd_poller *self)
{
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static void on_closed(uv_handle_t *handle)
{
  fd_poller *self = handle->data;
  ebb_driver_closed(self->poller.driver);
  self->handle_closed = true;
  if (self->released)
    destroy(self);
}

void ebb_poller_close(ebb_poller *poller)
{
  fd_poller *self = poller_of(poller);
  if (poller->closed)
    return;
  poller->closed = true;
  ebb_driver_closing(poller->driver, &self->attached);
  uv_close((uv_handle_t *)&self->poll, on_closed);
  ebb_wake_all(&poller->readers, EBB_ECLOSED);
  ebb_wake_all(&poller->writers, EBB_ECLOSED);
}

static void close_attached(ebb_attached *attached)
{
  ebb_poller_close(&ebb_container_of(attached, fd_poller, attached)->poller);
}

void ebb_poller_release(ebb_poller *poller)
{
  fd_poller *self = poller_of(poller);
  ebb_poller_close(poller);
  self->released = true;
  if (self->handle_closed)
    destroy(self);
}

ebb_poller *ebb_poller_open(ebb_driver *driver, ebb_alloc *alloc, int fd,
                            int *error)
{
  fd_poller *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (fd_poller){.alloc = alloc, .poller = {.driver = driver}};
  *error = uv_poll_init(ebb_driver_loop(driver), &self->poll, fd);
  if (*error != 0) {
    destroy(self);
    return NULL;
  }
  self->poll.data = self;
  ebb_list_init(&self->poller.readers);
  ebb_list_init(&self->poller.writers);
  self->attached.close = close_attached;
  ebb_list_init(&self->attached.link);
  ebb_driver_attach(driver, &self->attached);
  return &self->poller;
}
