/* SPDX-License-Identifier: MIT */
/* Listening sockets. Connections stay in the system's queue, which bounds them,
   until a task asks for one. When there are no descriptors left for them
   (EMFILE and the like) the listener pauses, longer each time up to a second,
   and goes on by itself.

   Owned by who opened it, until ebb_listener_release. Knows no Lua. */
#ifndef EBB_UV_LISTENER_H
#define EBB_UV_LISTENER_H

#include "uv/mailbox.h"

typedef struct ebb_connection {
  ebb_mail mail;
  int fd; /* whoever takes the connection takes it out: -1 */
} ebb_connection;

typedef struct ebb_listener {
  ebb_mailbox box;
  bool closed;
  bool pausing; /* there was no descriptor left */
  int fd;       /* -1 once it is closed */
} ebb_listener;

/* Takes over the descriptor of a listening socket. NULL: *error is libuv's
   code, and the descriptor is the caller's still. */
ebb_listener *ebb_listener_open(ebb_driver *driver, ebb_alloc *alloc, int fd,
                                int *error);
/* Wakes who waits. Closing twice is harmless; closing the driver closes. */
void ebb_listener_close(ebb_listener *self);
/* Closes, and frees it once its handles are gone. Also after the driver is. */
void ebb_listener_release(ebb_listener *self);

/* A connection that is there is the first of the mailbox now: 0, EBB_EAGAIN
   (nobody, or pausing), or libuv's code. */
int ebb_listener_accept(ebb_listener *self);
/* "accept": a wake with EBB_OK hands over a connection of the mailbox;
   EBB_ECLOSED; EBB_ENOMEM and libuv's codes: none was taken. */
void ebb_listener_link(ebb_task *task, uint32_t i, ebb_listener *self);
/* The first connection of the mailbox is done with. */
void ebb_listener_drop(ebb_listener *self, ebb_connection *connection);

static inline ebb_connection *ebb_connection_of(ebb_mail *mail)
{
  return mail == NULL ? NULL : ebb_container_of(mail, ebb_connection, mail);
}

#endif
