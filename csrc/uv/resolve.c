/* SPDX-License-Identifier: MIT */
#include "uv/resolve.h"

#include "base/base.h"

#include <netdb.h>
#include <string.h>
#include <uv.h>

typedef struct request {
  ebb_resolve resolve;
  union {
    uv_req_t any;
    uv_getaddrinfo_t addresses;
    uv_getnameinfo_t name;
  } req;
  ebb_driver *driver;
  ebb_alloc *alloc;
  bool released; /* its owner has let go: its end frees it */
} request;

static request *request_of(ebb_resolve *self)
{
  return ebb_container_of(self, request, resolve);
}

static void destroy(request *self)
{
  if (self->req.any.type == UV_GETADDRINFO &&
      self->req.addresses.addrinfo != NULL)
    uv_freeaddrinfo(self->req.addresses.addrinfo);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static void end(request *self, int status)
{
  ebb_resolve *resolve = &self->resolve;
  ebb_driver_end(self->driver, true);
  resolve->error = status;
  resolve->done = true;
  ebb_wait *wait = ebb_waitq_head(&resolve->waiter);
  if (wait != NULL)
    ebb_wake(wait, EBB_OK);
  if (self->released)
    destroy(self);
}

static void on_addresses(uv_getaddrinfo_t *req, int status,
                         struct addrinfo *first)
{
  request *self = req->data;
  self->req.addresses.addrinfo = first;
  self->resolve.first = first;
  end(self, status);
}

static void on_name(uv_getnameinfo_t *req, int status, const char *host,
                    const char *service)
{
  (void)service;
  request *self = req->data;
  self->resolve.name = host; /* in the request */
  end(self, status);
}

static request *new_request(ebb_driver *driver, ebb_alloc *alloc, int *error)
{
  request *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (request){.driver = driver, .alloc = alloc};
  ebb_list_init(&self->resolve.waiter);
  self->req.any.data = self;
  return self;
}

/* As libuv's call says that started it. */
static ebb_resolve *started(request *self, int error)
{
  if (error != 0) {
    ebb_alloc_put(self->alloc, self, sizeof *self);
    return NULL;
  }
  ebb_driver_begin(self->driver, true);
  return &self->resolve;
}

ebb_resolve *ebb_resolve_start(ebb_driver *driver, ebb_alloc *alloc,
                               const char *host, int *error)
{
  request *self = new_request(driver, alloc, error);
  if (self == NULL)
    return NULL;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  *error = uv_getaddrinfo(ebb_driver_loop(driver), &self->req.addresses,
                          on_addresses, host, NULL, &hints);
  return started(self, *error);
}

ebb_resolve *ebb_resolve_start_name(ebb_driver *driver, ebb_alloc *alloc,
                                    const ebb_endpoint *at, int *error)
{
  request *self = new_request(driver, alloc, error);
  if (self == NULL)
    return NULL;
  *error = uv_getnameinfo(ebb_driver_loop(driver), &self->req.name, on_name,
                          &at->addr.any, NI_NAMEREQD);
  return started(self, *error);
}

void ebb_resolve_release(ebb_resolve *resolve)
{
  request *self = request_of(resolve);
  if (resolve->done) {
    destroy(self);
    return;
  }
  self->released = true;
  (void)uv_cancel(&self->req.any);
}

static void leave(ebb_wait *wait)
{
  ebb_resolve *self = wait->source;
  if (!self->done)
    (void)uv_cancel(&request_of(self)->req.any);
}

static const ebb_wait_class resolve_class = {"resolve", true, leave};

void ebb_resolve_link(ebb_task *task, uint32_t i, ebb_resolve *self)
{
  EBB_CHECK(!self->done && ebb_list_is_empty(&self->waiter));
  ebb_wait_link(task, i, &resolve_class, self, &self->waiter, 0);
}

const struct addrinfo *ebb_resolve_next(const struct addrinfo *answer,
                                        ebb_endpoint *to)
{
  for (; answer != NULL; answer = answer->ai_next) {
    if ((answer->ai_family != AF_INET && answer->ai_family != AF_INET6) ||
        answer->ai_addrlen > sizeof to->addr)
      continue;
    memset(to, 0, sizeof *to);
    memcpy(&to->addr, answer->ai_addr, answer->ai_addrlen);
    to->n_bytes = answer->ai_addrlen;
    return answer;
  }
  return NULL;
}
