/* SPDX-License-Identifier: MIT */
/* Datagram sockets. What has arrived stays in the system's buffer, which bounds
   it, until somebody asks: the socket is read only while a task waits.

   Owned by who opened it, until ebb_udp_release. Knows no Lua. */
#ifndef EBB_UV_UDP_H
#define EBB_UV_UDP_H

#include "uv/endpoint.h"
#include "uv/mailbox.h"

#define EBB_UDP_MAX 65536 /* more than any datagram has */

typedef struct ebb_datagram {
  ebb_mail mail;
  ebb_endpoint from;
  size_t n_bytes;
  char data[];
} ebb_datagram;

typedef struct ebb_udp {
  ebb_mailbox box;
  bool closed, connected, is_v6;
  bool holds; /* a datagram has been read and nobody has it yet: */
  size_t n_held;
  ebb_endpoint held_from;
  char held[EBB_UDP_MAX];
} ebb_udp;

enum { EBB_UDP_REUSE = 1, EBB_UDP_ONLY_V6 = 2 };

/* Bound to `own`. NULL: *error is libuv's code. */
ebb_udp *ebb_udp_open(ebb_driver *driver, ebb_alloc *alloc,
                      const ebb_endpoint *own, unsigned flags, int *error);
/* Wakes who waits, drops what is held. Closing twice is harmless; closing the
   driver closes. */
void ebb_udp_close(ebb_udp *self);
/* Closes, and frees it once its handle is gone. Also after the driver is. */
void ebb_udp_release(ebb_udp *self);

/* Reads a datagram, into `held`, if one is there: 0, UV_EAGAIN or an error. It
   stays until the caller says that it has it: holds = false. */
int ebb_udp_receive(ebb_udp *self);
/* "udp recvfrom": a wake with EBB_OK hands over a datagram of the mailbox.
   EBB_ECLOSED when it is closed, EBB_ENOMEM: it is held; libuv's code. */
void ebb_udp_link(ebb_task *task, uint32_t i, ebb_udp *self);
/* The first datagram of the mailbox is done with. */
void ebb_udp_drop(ebb_udp *self, ebb_datagram *datagram);

/* What follows returns 0 or libuv's code; the socket is open. */
/* NULL: to nobody in particular, as before. */
int ebb_udp_connect(ebb_udp *self, const ebb_endpoint *to);
int ebb_udp_own_address(const ebb_udp *self, ebb_endpoint *address);
int ebb_udp_peer(const ebb_udp *self, ebb_endpoint *address);
int ebb_udp_set_broadcast(ebb_udp *self, bool on);
int ebb_udp_set_ttl(ebb_udp *self, int ttl);
int ebb_udp_set_multicast_ttl(ebb_udp *self, int ttl);
int ebb_udp_set_multicast_loop(ebb_udp *self, bool on);
/* on: via the interface with this address; NULL: the system's choice. */
int ebb_udp_set_member(ebb_udp *self, const char *group, const char *on,
                       bool is_member);

/* Sends at once; UV_EAGAIN when the system's buffer is full. `to` NULL: to whom
   it is connected. */
int ebb_udp_try_send(ebb_udp *self, const char *data, size_t n_bytes,
                     const ebb_endpoint *to);

/* A datagram on its way. Owned by who started it; a wait that ends otherwise
   lets it go on. */
typedef struct ebb_udp_send {
  bool done;
  int error; /* 0 or libuv's code */
  ebb_waitq waiter;
} ebb_udp_send;

/* Keeps a copy of the data. NULL when out of memory. */
ebb_udp_send *ebb_udp_send_start(ebb_udp *self, const char *data,
                                 size_t n_bytes, const ebb_endpoint *to);
void ebb_udp_send_link(ebb_task *task, uint32_t i, ebb_udp_send *send);
/* Frees it, or what is on its way when it has gone. */
void ebb_udp_send_release(ebb_udp_send *send);

static inline ebb_datagram *ebb_datagram_of(ebb_mail *mail)
{
  return mail == NULL ? NULL : ebb_container_of(mail, ebb_datagram, mail);
}

#endif
