/* SPDX-License-Identifier: MIT */
/* What is done with sockets besides reading and writing: making, connecting and
   binding them, their names and options. All descriptors are non-blocking and
   closed on exec. Functions return 0 or libuv's code; none blocks or allocates.
*/
#ifndef EBB_UV_SOCKET_H
#define EBB_UV_SOCKET_H

#include "uv/endpoint.h"

/* Starts to connect: 0, EBB_EAGAIN when *fd is writable once it has ended.
   `own` (may be NULL) is bound first. On an error there is no descriptor. */
int ebb_socket_connect(const ebb_endpoint *to, const ebb_endpoint *own,
                       int *fd);
/* How that ended; EBB_EAGAIN: not yet. */
int ebb_socket_connected(int fd);

enum { EBB_LISTEN_REUSE_PORT = 1, EBB_LISTEN_ONLY_V6 = 2 };
int ebb_socket_listen(const ebb_endpoint *own, int backlog, unsigned flags,
                      int *fd);
/* A descriptor that nobody took over. */
void ebb_socket_discard(int fd);
/* EBB_EAGAIN: nobody is there. */
int ebb_socket_accept(int listener, int *fd);

/* The file of a listening Unix socket goes. */
void ebb_socket_unlink(int fd);

int ebb_socket_name(int fd, bool of_peer, ebb_endpoint *name);
int ebb_socket_set_nodelay(int fd, bool on);
/* idle_s, interval_s, n_probes: 0 leaves the system's. */
int ebb_socket_set_keepalive(int fd, bool on, int idle_s, int interval_s,
                             int n_probes);
/* Close sends a reset and throws away what is on its way: seconds 0; waits at
   most that long in the background: > 0; < 0: the system's way. */
int ebb_socket_set_linger(int fd, int seconds);
int ebb_socket_set_buffer(int fd, bool of_sending, int n_bytes);
/* The system may have another idea of it than what was set. */
int ebb_socket_get_buffer(int fd, bool of_sending, int *n_bytes);
/* How many routers a packet passes at most, for either family. */
int ebb_socket_set_ttl(int fd, int ttl);
int ebb_socket_get_ttl(int fd, int *ttl);
/* What the system has to tell of the socket and has not told: 0, or libuv's
   code. It is told once. */
int ebb_socket_take_error(int fd);

#endif
