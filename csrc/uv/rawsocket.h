/* SPDX-License-Identifier: MIT */
/* The system's calls for sockets, as they are: -1 and errno when they fail.
   None waits (descriptors made here are non-blocking and closed on exec), none
   raises SIGPIPE, EINTR is not seen. */
#ifndef EBB_UV_RAWSOCKET_H
#define EBB_UV_RAWSOCKET_H

#include "uv/endpoint.h"

/* The descriptor. */
int ebb_raw_open(bool is_v6, bool is_datagram);
int ebb_raw_accept(int fd);
int ebb_raw_close(int fd);

int ebb_raw_connect(int fd, const ebb_endpoint *to);
/* A datagram socket has no peer any more. */
int ebb_raw_disconnect(int fd);
int ebb_raw_bind(int fd, const ebb_endpoint *own);
int ebb_raw_listen(int fd, int backlog);
/* how: 0 receiving, 1 sending, 2 both */
int ebb_raw_shutdown(int fd, int how);
int ebb_raw_name(int fd, bool of_peer, ebb_endpoint *name);

/* How many bytes. `to`, `from` may be NULL. */
ptrdiff_t ebb_raw_send(int fd, const char *data, size_t n_bytes,
                       const ebb_endpoint *to);
ptrdiff_t ebb_raw_receive(int fd, char *room, size_t n_room,
                          ebb_endpoint *from);

int ebb_raw_getopt(int fd, int level, int option, void *value, size_t *n_bytes);
int ebb_raw_setopt(int fd, int level, int option, const void *value,
                   size_t n_bytes);
/* What is to be told of the socket, a value of errno, or 0. */
int ebb_raw_error(int fd);

/* The numbers of levels and options that this system has; name NULL ends it. */
typedef struct ebb_raw_constant {
  const char *name;
  int value;
} ebb_raw_constant;
extern const ebb_raw_constant ebb_raw_constants[];

/* Seconds since the epoch. */
double ebb_raw_time(void);
int ebb_raw_hostname(char *name, size_t n_room);

#endif
