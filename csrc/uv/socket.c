/* SPDX-License-Identifier: MIT */
#include "uv/socket.h"

#include "base/err.h"
#include "uv/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* --- making --------------------------------------------------------------- */

static int error_now(void)
{
  return ebb_uv_error_code(errno);
}

static int set_int(int fd, int level, int option, int value)
{
  return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0
                                                                  : error_now();
}

static int close_failed(int fd, int error)
{
  close(fd);
  return error;
}

#if !defined(SOCK_NONBLOCK)
static int set_flags(int fd)
{
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
    return close_failed(fd, error_now());
  return 0;
}
#endif

static int make_socket(int family, int *fd)
{
#if defined(SOCK_NONBLOCK)
  *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return *fd < 0 ? error_now() : 0;
#else
  *fd = socket(family, SOCK_STREAM, 0);
  return *fd < 0 ? error_now() : set_flags(*fd);
#endif
}

int ebb_socket_connect(const ebb_endpoint *to, const ebb_endpoint *own, int *fd)
{
  int error = make_socket(to->addr.any.sa_family, fd);
  if (error != 0)
    return error;
  if (own != NULL && bind(*fd, &own->addr.any, own->n_bytes) != 0)
    return close_failed(*fd, error_now());
  int result;
  do {
    result = connect(*fd, &to->addr.any, to->n_bytes);
  } while (result != 0 && errno == EINTR);
  if (result == 0)
    return 0;
  return errno == EINPROGRESS ? EBB_EAGAIN : close_failed(*fd, error_now());
}

/* A connect to a free port of the own host can, by chance, be given that very
   port as its own, and meets itself. */
static bool is_connected_to_itself(int fd)
{
  ebb_endpoint own, peer;
  return ebb_socket_name(fd, false, &own) == 0 &&
         own.addr.any.sa_family != AF_UNIX &&
         ebb_socket_name(fd, true, &peer) == 0 && own.n_bytes == peer.n_bytes &&
         memcmp(&own.addr, &peer.addr, own.n_bytes) == 0;
}

int ebb_socket_connected(int fd)
{
  int error = 0;
  socklen_t n_bytes = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n_bytes) != 0)
    return error_now();
  if (error == EINPROGRESS || error == EALREADY)
    return EBB_EAGAIN;
  if (error != 0)
    return ebb_uv_error_code(error);
  return is_connected_to_itself(fd) ? UV_ECONNREFUSED : 0;
}

static int set_listening(int fd, const ebb_endpoint *own, int backlog,
                         unsigned flags)
{
  int family = own->addr.any.sa_family;
  int error = 0;
  if (family != AF_UNIX)
    error = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
#if defined(SO_REUSEPORT)
  if (error == 0 && (flags & EBB_LISTEN_REUSE_PORT))
    error = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
  if (error == 0 && family == AF_INET6)
    error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY,
                    (flags & EBB_LISTEN_ONLY_V6) != 0);
  if (error != 0)
    return error;
  if (bind(fd, &own->addr.any, own->n_bytes) != 0 || listen(fd, backlog) != 0)
    return error_now();
  return 0;
}

int ebb_socket_listen(const ebb_endpoint *own, int backlog, unsigned flags,
                      int *fd)
{
  int error = make_socket(own->addr.any.sa_family, fd);
  if (error == 0)
    error = set_listening(*fd, own, backlog, flags);
  else
    return error;
  return error != 0 ? close_failed(*fd, error) : 0;
}

void ebb_socket_discard(int fd)
{
  close(fd);
}

/* Connections that were gone before they were accepted are nobody's. */
static bool is_of_one_connection(int error)
{
  return error == EINTR || error == ECONNABORTED
#if defined(EPROTO)
         || error == EPROTO
#endif
      ;
}

int ebb_socket_accept(int listener, int *fd)
{
  do {
#if defined(SOCK_NONBLOCK)
    *fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    *fd = accept(listener, NULL, NULL);
#endif
  } while (*fd < 0 && is_of_one_connection(errno));
  if (*fd < 0)
    return errno == EAGAIN ? EBB_EAGAIN : error_now();
#if defined(SOCK_NONBLOCK)
  return 0;
#else
  return set_flags(*fd);
#endif
}

void ebb_socket_unlink(int fd)
{
  ebb_endpoint own;
  char path[EBB_ENDPOINT_TEXT];
  size_t n_bytes;
  if (ebb_socket_name(fd, false, &own) != 0 ||
      own.addr.any.sa_family != AF_UNIX)
    return;
  ebb_endpoint_name(&own, path, &n_bytes);
  if (n_bytes == 0 || path[0] == 0)
    return; /* an abstract name goes by itself */
  path[n_bytes] = 0;
  unlink(path);
}

/* --- names and options ---------------------------------------------------- */

int ebb_socket_name(int fd, bool of_peer, ebb_endpoint *name)
{
  memset(name, 0, sizeof *name);
  name->n_bytes = sizeof name->addr;
  int result = of_peer ? getpeername(fd, &name->addr.any, &name->n_bytes)
                       : getsockname(fd, &name->addr.any, &name->n_bytes);
  return result == 0 ? 0 : error_now();
}

int ebb_socket_set_nodelay(int fd, bool on)
{
  return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

int ebb_socket_set_keepalive(int fd, bool on, int idle_s, int interval_s,
                             int n_probes)
{
  int error = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, on);
#if defined(TCP_KEEPIDLE)
  if (error == 0 && idle_s > 0)
    error = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
#elif defined(TCP_KEEPALIVE)
  if (error == 0 && idle_s > 0)
    error = set_int(fd, IPPROTO_TCP, TCP_KEEPALIVE, idle_s);
#endif
#if defined(TCP_KEEPINTVL)
  if (error == 0 && interval_s > 0)
    error = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
  if (error == 0 && n_probes > 0)
    error = set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, n_probes);
#endif
  return error;
}

int ebb_socket_set_linger(int fd, int seconds)
{
  struct linger how = {.l_onoff = seconds >= 0,
                       .l_linger = seconds >= 0 ? seconds : 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &how, sizeof how) == 0
             ? 0
             : error_now();
}

int ebb_socket_set_buffer(int fd, bool of_sending, int n_bytes)
{
  return set_int(fd, SOL_SOCKET, of_sending ? SO_SNDBUF : SO_RCVBUF, n_bytes);
}

static int get_int(int fd, int level, int option, int *value)
{
  socklen_t n_bytes = sizeof *value;
  return getsockopt(fd, level, option, value, &n_bytes) == 0 ? 0 : error_now();
}

int ebb_socket_get_buffer(int fd, bool of_sending, int *n_bytes)
{
  return get_int(fd, SOL_SOCKET, of_sending ? SO_SNDBUF : SO_RCVBUF, n_bytes);
}

static bool is_v6(int fd)
{
  ebb_endpoint own;
  return ebb_socket_name(fd, false, &own) == 0 &&
         own.addr.any.sa_family == AF_INET6;
}

int ebb_socket_set_ttl(int fd, int ttl)
{
  return is_v6(fd) ? set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
                   : set_int(fd, IPPROTO_IP, IP_TTL, ttl);
}

int ebb_socket_get_ttl(int fd, int *ttl)
{
  return is_v6(fd) ? get_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
                   : get_int(fd, IPPROTO_IP, IP_TTL, ttl);
}

int ebb_socket_take_error(int fd)
{
  int number = 0;
  int error = get_int(fd, SOL_SOCKET, SO_ERROR, &number);
  return error != 0 ? error : number != 0 ? ebb_uv_error_code(number) : 0;
}
