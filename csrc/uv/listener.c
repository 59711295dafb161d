/* SPDX-License-Identifier: MIT */
#include "uv/listener.h"

#include "base/base.h"
#include "uv/socket.h"

#include <unistd.h>
#include <uv.h>

typedef struct fd_listener {
  ebb_listener listener;
  uv_poll_t poll;
  uv_timer_t timer; /* of the pause */
  ebb_attached attached;
  ebb_alloc *alloc;
  unsigned pause_ms;
  uint8_t n_handles; /* that are not closed yet */
  bool armed;        /* the loop looks for connections */
  bool may_accept;   /* there may be one: ask before waiting */
  bool released;
} fd_listener;

#define PAUSE_MIN_MS 10
#define PAUSE_MAX_MS 1000

static fd_listener *listener_of(ebb_listener *self)
{
  return ebb_container_of(self, fd_listener, listener);
}

static bool is_wanted(const fd_listener *self)
{
  return !ebb_list_is_empty(&self->listener.box.waiters);
}

/* --- accepting ------------------------------------------------------------ */

static void on_poll(uv_poll_t *handle, int status, int events);

static void on_timer(uv_timer_t *handle);

/* Looks for connections while somebody waits, unless it pauses. Only then does
   it keep the loop running. */
static void update(fd_listener *self)
{
  ebb_listener *listener = &self->listener;
  if (listener->closed)
    return;
  bool wanted = is_wanted(self);
  if (wanted) {
    uv_ref((uv_handle_t *)&self->poll);
    uv_ref((uv_handle_t *)&self->timer);
  } else {
    uv_unref((uv_handle_t *)&self->poll);
    uv_unref((uv_handle_t *)&self->timer);
  }
  if (wanted && !listener->pausing && !self->armed) {
    self->armed = true;
    uv_poll_start(&self->poll, UV_READABLE, on_poll);
  }
}

static void disarm(fd_listener *self)
{
  self->armed = false;
  uv_poll_stop(&self->poll);
}

static bool is_short_of_something(int error)
{
  return error == UV_EMFILE || error == UV_ENFILE || error == UV_ENOBUFS ||
         error == UV_ENOMEM;
}

static void begin_pause(fd_listener *self)
{
  self->pause_ms = self->pause_ms == 0 ? PAUSE_MIN_MS : 2 * self->pause_ms;
  if (self->pause_ms > PAUSE_MAX_MS)
    self->pause_ms = PAUSE_MAX_MS;
  self->listener.pausing = true;
  if (self->armed)
    disarm(self);
  uv_update_time(self->poll.loop);
  uv_timer_start(&self->timer, on_timer, self->pause_ms, 0);
}

/* A connection in a block of its own: made first, so that none is taken that
   cannot be kept. */
static int accept_one(fd_listener *self, ebb_connection **connection)
{
  ebb_connection *made = ebb_alloc_get(self->alloc, sizeof *made);
  if (made == NULL)
    return EBB_ENOMEM;
  int error = ebb_socket_accept(self->listener.fd, &made->fd);
  if (error == 0) {
    self->pause_ms = 0;
    *connection = made;
    return 0;
  }
  ebb_alloc_put(self->alloc, made, sizeof *made);
  if (error == EBB_EAGAIN)
    self->may_accept = false;
  else if (is_short_of_something(error)) {
    begin_pause(self);
    return EBB_EAGAIN;
  }
  return error;
}

int ebb_listener_accept(ebb_listener *listener)
{
  fd_listener *self = listener_of(listener);
  ebb_connection *connection;
  if (ebb_mailbox_first(&listener->box) != NULL)
    return 0;
  if (!self->may_accept || listener->pausing || is_wanted(self))
    return EBB_EAGAIN;
  int error = accept_one(self, &connection);
  if (error == 0)
    ebb_mailbox_put(&listener->box, &connection->mail);
  return error;
}

static void accept_for_waiters(fd_listener *self)
{
  ebb_connection *connection;
  while (is_wanted(self) && !self->listener.pausing) {
    int error = accept_one(self, &connection);
    if (error == EBB_EAGAIN)
      return;
    if (error == 0) {
      ebb_mailbox_put(&self->listener.box, &connection->mail);
    } else {
      ebb_wake_all(&self->listener.box.waiters, error);
      return;
    }
  }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
  (void)events;
  fd_listener *self = handle->data;
  if (status < 0) /* accept tells why; libuv has stopped looking */
    self->armed = false;
  self->may_accept = true;
  accept_for_waiters(self);
  if (!is_wanted(self) && self->armed && self->may_accept)
    disarm(self); /* nobody wants the next one yet */
  update(self);
}

static void on_timer(uv_timer_t *handle)
{
  fd_listener *self = handle->data;
  self->listener.pausing = false;
  self->may_accept = true;
  update(self);
}

static void leave(ebb_wait *wait)
{
  ebb_mailbox_leave(wait);
  update(ebb_container_of(wait->source, fd_listener, listener.box));
}

static const ebb_wait_class accept_class = {"accept", true, leave};

void ebb_listener_link(ebb_task *task, uint32_t i, ebb_listener *listener)
{
  ebb_mailbox_link(task, i, &accept_class, &listener->box);
  update(listener_of(listener));
}

static void free_connection(fd_listener *self, ebb_connection *connection)
{
  if (connection->fd >= 0)
    close(connection->fd);
  ebb_alloc_put(self->alloc, connection, sizeof *connection);
}

void ebb_listener_drop(ebb_listener *listener, ebb_connection *connection)
{
  ebb_mailbox_drop(&listener->box, &connection->mail);
  free_connection(listener_of(listener), connection);
}

/* --- opening and closing -------------------------------------------------- */

static void destroy(fd_listener *self)
{
  ebb_mail *mail;
  while ((mail = ebb_mailbox_any(&self->listener.box)) != NULL)
    free_connection(self, ebb_connection_of(mail));
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static void on_closed(uv_handle_t *handle)
{
  fd_listener *self = handle->data;
  if (--self->n_handles > 0)
    return;
  ebb_driver_closed(self->listener.box.driver);
  if (self->released)
    destroy(self);
}

void ebb_listener_close(ebb_listener *listener)
{
  fd_listener *self = listener_of(listener);
  if (listener->closed)
    return;
  listener->closed = true;
  ebb_driver_closing(listener->box.driver, &self->attached);
  uv_close((uv_handle_t *)&self->poll, on_closed);
  uv_close((uv_handle_t *)&self->timer, on_closed);
  if (!ebb_driver_is_inherited(listener->box.driver))
    ebb_socket_unlink(listener->fd);
  close(listener->fd);
  listener->fd = -1;
  ebb_wake_all(&listener->box.waiters, EBB_ECLOSED);
}

static void close_attached(ebb_attached *attached)
{
  fd_listener *self = ebb_container_of(attached, fd_listener, attached);
  ebb_listener_close(&self->listener);
}

void ebb_listener_release(ebb_listener *listener)
{
  fd_listener *self = listener_of(listener);
  ebb_listener_close(listener);
  self->released = true;
  if (self->n_handles == 0)
    destroy(self);
}

ebb_listener *ebb_listener_open(ebb_driver *driver, ebb_alloc *alloc, int fd,
                                int *error)
{
  fd_listener *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (fd_listener){.alloc = alloc, .may_accept = true, .n_handles = 2};
  struct uv_loop_s *loop = ebb_driver_loop(driver);
  *error = uv_poll_init(loop, &self->poll, fd);
  if (*error != 0) {
    ebb_alloc_put(alloc, self, sizeof *self);
    return NULL;
  }
  uv_timer_init(loop, &self->timer);
  uv_unref((uv_handle_t *)&self->poll);
  uv_unref((uv_handle_t *)&self->timer);
  self->poll.data = self->timer.data = self;
  self->listener.fd = fd;
  ebb_mailbox_init(&self->listener.box, driver);
  self->attached.close = close_attached;
  ebb_list_init(&self->attached.link);
  ebb_driver_attach(driver, &self->attached);
  return &self->listener;
}
