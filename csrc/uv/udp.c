/* SPDX-License-Identifier: MIT */
#include "uv/udp.h"

#include "base/base.h"
#include "uv/error.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

typedef struct socket_udp {
  ebb_udp udp;
  uv_udp_t handle;
  ebb_attached attached;
  ebb_alloc *alloc;
  bool handle_closed, released; /* both: it can be freed */
} socket_udp;

static socket_udp *socket_of(const ebb_udp *self)
{
  return ebb_container_of(self, socket_udp, udp);
}

static uv_udp_t *handle_of(const ebb_udp *self)
{
  return &socket_of(self)->handle;
}

static void destroy(socket_udp *self)
{
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static const struct sockaddr *
reachable(const ebb_udp *self, const ebb_endpoint *to, ebb_endpoint *mapped)
{
  return &(self->is_v6 ? ebb_endpoint_v6(to, mapped) : to)->addr.any;
}

/* --- receiving ------------------------------------------------------------ */

static void free_datagram(socket_udp *self, ebb_datagram *datagram)
{
  ebb_alloc_put(self->alloc, datagram, sizeof *datagram + datagram->n_bytes);
}

void ebb_udp_drop(ebb_udp *self, ebb_datagram *datagram)
{
  ebb_mailbox_drop(&self->box, &datagram->mail);
  free_datagram(socket_of(self), datagram);
}

int ebb_udp_receive(ebb_udp *self)
{
  uv_os_fd_t fd;
  int error = uv_fileno((uv_handle_t *)handle_of(self), &fd);
  if (self->holds || error != 0)
    return error;
  ssize_t n;
  do {
    socklen_t n_from = sizeof self->held_from.addr;
    n = recvfrom(fd, self->held, sizeof self->held, MSG_DONTWAIT,
                 &self->held_from.addr.any, &n_from);
    self->held_from.n_bytes = n_from;
  } while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EWOULDBLOCK ? UV_EAGAIN : ebb_uv_error_code(errno);
  self->holds = true;
  self->n_held = (size_t)n;
  return 0;
}

static void on_buffer(uv_handle_t *handle, size_t n_wanted, uv_buf_t *buffer)
{
  (void)n_wanted;
  ebb_udp *self = handle->data;
  *buffer = uv_buf_init(self->held, sizeof self->held);
}

/* There is somebody who waits: else it would not be read. */
static void deliver(ebb_udp *self, size_t n_bytes, const struct sockaddr *from)
{
  ebb_datagram *datagram =
      ebb_alloc_get(socket_of(self)->alloc, sizeof *datagram + n_bytes);
  if (datagram == NULL) {
    self->holds = true;
    self->n_held = n_bytes;
    ebb_endpoint_keep(&self->held_from, from);
    uv_udp_recv_stop(handle_of(self));
    ebb_wake_all(&self->box.waiters, EBB_ENOMEM);
    return;
  }
  datagram->n_bytes = n_bytes;
  ebb_endpoint_keep(&datagram->from, from);
  memcpy(datagram->data, self->held, n_bytes);
  ebb_mailbox_put(&self->box, &datagram->mail);
}

static void on_received(uv_udp_t *handle, ssize_t n, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags)
{
  (void)buffer, (void)flags;
  ebb_udp *self = handle->data;
  ebb_wait *wait = ebb_waitq_head(&self->box.waiters);
  if (n < 0 && wait != NULL)
    ebb_wake(wait, (int)n);
  else if (n >= 0 && from != NULL)
    deliver(self, (size_t)n, from);
}

static void leave(ebb_wait *wait)
{
  ebb_udp *self = wait->source;
  if (ebb_list_is_empty(&self->box.waiters) && !self->closed)
    uv_udp_recv_stop(handle_of(self));
  ebb_mailbox_leave(wait);
}

static const ebb_wait_class recv_class = {"udp recvfrom", true, leave};

void ebb_udp_link(ebb_task *task, uint32_t i, ebb_udp *self)
{
  if (ebb_list_is_empty(&self->box.waiters))
    (void)uv_udp_recv_start(handle_of(self), on_buffer, on_received);
  ebb_mailbox_link(task, i, &recv_class, &self->box);
}

/* --- opening and closing -------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
  socket_udp *self = socket_of(handle->data);
  ebb_driver_closed(self->udp.box.driver);
  self->handle_closed = true;
  if (self->released)
    destroy(self);
}

static void close_handle(socket_udp *self)
{
  ebb_driver_closing(self->udp.box.driver, &self->attached);
  uv_close((uv_handle_t *)&self->handle, on_closed);
}

void ebb_udp_close(ebb_udp *self)
{
  if (self->closed)
    return;
  self->closed = true;
  self->holds = false;
  close_handle(socket_of(self));
  ebb_wake_all(&self->box.waiters, EBB_ECLOSED);
  ebb_mail *mail; /* what a task has been woken with stays its own */
  while ((mail = ebb_mailbox_first(&self->box)) != NULL)
    ebb_udp_drop(self, ebb_datagram_of(mail));
}

static void close_attached(ebb_attached *attached)
{
  ebb_udp_close(&ebb_container_of(attached, socket_udp, attached)->udp);
}

void ebb_udp_release(ebb_udp *self)
{
  socket_udp *socket = socket_of(self);
  ebb_mail *mail;
  ebb_udp_close(self);
  while ((mail = ebb_mailbox_any(&self->box)) != NULL)
    free_datagram(socket, ebb_datagram_of(mail));
  socket->released = true;
  if (socket->handle_closed)
    destroy(socket);
}

ebb_udp *ebb_udp_open(ebb_driver *driver, ebb_alloc *alloc,
                      const ebb_endpoint *own, unsigned flags, int *error)
{
  socket_udp *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  memset(self, 0, offsetof(socket_udp, udp.held));
  self->alloc = alloc;
  self->released = self->handle_closed = false;
  self->udp.is_v6 = own->addr.any.sa_family == AF_INET6;
  self->attached.close = close_attached;
  ebb_mailbox_init(&self->udp.box, driver);
  ebb_list_init(&self->attached.link);
  *error = uv_udp_init(ebb_driver_loop(driver), &self->handle);
  if (*error != 0) {
    destroy(self);
    return NULL;
  }
  self->handle.data = &self->udp;
  unsigned uv_flags = (flags & EBB_UDP_REUSE ? UV_UDP_REUSEADDR : 0) |
                      (flags & EBB_UDP_ONLY_V6 ? UV_UDP_IPV6ONLY : 0);
  *error = uv_udp_bind(&self->handle, &own->addr.any, uv_flags);
  if (*error != 0) {
    self->udp.closed = self->released = true;
    close_handle(self);
    return NULL;
  }
  ebb_driver_attach(driver, &self->attached);
  return &self->udp;
}

/* --- options -------------------------------------------------------------- */

int ebb_udp_connect(ebb_udp *self, const ebb_endpoint *to)
{
  ebb_endpoint mapped;
  if (self->connected)
    (void)uv_udp_connect(handle_of(self), NULL);
  self->connected = false;
  if (to == NULL)
    return 0;
  int error = uv_udp_connect(handle_of(self), reachable(self, to, &mapped));
  self->connected = error == 0;
  return error;
}

int ebb_udp_own_address(const ebb_udp *self, ebb_endpoint *address)
{
  int n_bytes = sizeof address->addr;
  memset(address, 0, sizeof *address);
  int error = uv_udp_getsockname(handle_of(self), &address->addr.any, &n_bytes);
  address->n_bytes = (socklen_t)n_bytes;
  return error;
}

int ebb_udp_peer(const ebb_udp *self, ebb_endpoint *address)
{
  int n_bytes = sizeof address->addr;
  memset(address, 0, sizeof *address);
  int error = uv_udp_getpeername(handle_of(self), &address->addr.any, &n_bytes);
  address->n_bytes = (socklen_t)n_bytes;
  return error;
}

int ebb_udp_set_broadcast(ebb_udp *self, bool on)
{
  return uv_udp_set_broadcast(handle_of(self), on);
}

int ebb_udp_set_ttl(ebb_udp *self, int ttl)
{
  return uv_udp_set_ttl(handle_of(self), ttl);
}

int ebb_udp_set_multicast_ttl(ebb_udp *self, int ttl)
{
  return uv_udp_set_multicast_ttl(handle_of(self), ttl);
}

int ebb_udp_set_multicast_loop(ebb_udp *self, bool on)
{
  return uv_udp_set_multicast_loop(handle_of(self), on);
}

int ebb_udp_set_member(ebb_udp *self, const char *group, const char *on,
                       bool is_member)
{
  return uv_udp_set_membership(handle_of(self), group, on,
                               is_member ? UV_JOIN_GROUP : UV_LEAVE_GROUP);
}

/* --- sending -------------------------------------------------------------- */

typedef struct sending {
  ebb_udp_send send;
  uv_udp_send_t request;
  ebb_driver *driver;
  ebb_alloc *alloc;
  size_t n_bytes; /* of the data, which follows */
  bool released;
} sending;

int ebb_udp_try_send(ebb_udp *self, const char *data, size_t n_bytes,
                     const ebb_endpoint *to)
{
  ebb_endpoint mapped;
  if (n_bytes >= EBB_UDP_MAX)
    return UV_EMSGSIZE;
  uv_buf_t buffer = uv_buf_init((char *)data, (unsigned)n_bytes);
  int n = uv_udp_try_send(handle_of(self), &buffer, 1,
                          to != NULL ? reachable(self, to, &mapped) : NULL);
  return n < 0 ? n : 0;
}

static void destroy_sending(sending *self)
{
  ebb_alloc_put(self->alloc, self, sizeof *self + self->n_bytes);
}

static void on_sent(uv_udp_send_t *request, int status)
{
  sending *self = request->data;
  ebb_driver_end(self->driver, false);
  self->send.error = status;
  self->send.done = true;
  ebb_wait *wait = ebb_waitq_head(&self->send.waiter);
  if (wait != NULL)
    ebb_wake(wait, EBB_OK);
  if (self->released)
    destroy_sending(self);
}

ebb_udp_send *ebb_udp_send_start(ebb_udp *self, const char *data,
                                 size_t n_bytes, const ebb_endpoint *to)
{
  ebb_endpoint mapped;
  ebb_alloc *alloc = socket_of(self)->alloc;
  sending *made = ebb_alloc_get(alloc, sizeof *made + n_bytes);
  if (made == NULL)
    return NULL;
  *made =
      (sending){.alloc = alloc, .driver = self->box.driver, .n_bytes = n_bytes};
  ebb_list_init(&made->send.waiter);
  made->request.data = made;
  char *copy = memcpy(made + 1, data, n_bytes);
  uv_buf_t buffer = uv_buf_init(copy, (unsigned)n_bytes);
  made->send.error =
      uv_udp_send(&made->request, handle_of(self), &buffer, 1,
                  to != NULL ? reachable(self, to, &mapped) : NULL, on_sent);
  made->send.done = made->send.error != 0;
  if (!made->send.done)
    ebb_driver_begin(made->driver, false);
  return &made->send;
}

static const ebb_wait_class send_class = {"udp sendto", true, NULL};

void ebb_udp_send_link(ebb_task *task, uint32_t i, ebb_udp_send *send)
{
  ebb_wait_link(task, i, &send_class, send, &send->waiter, 0);
}

void ebb_udp_send_release(ebb_udp_send *send)
{
  sending *self = ebb_container_of(send, sending, send);
  self->released = true;
  if (send->done)
    destroy_sending(self);
}
