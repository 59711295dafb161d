/* SPDX-License-Identifier: MIT */
#include "uv/rawsocket.h"

#include "uv/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#if defined(MSG_NOSIGNAL)
  #define NO_SIGNAL MSG_NOSIGNAL
#else
  #define NO_SIGNAL 0
#endif

static int prepare(int fd)
{
#if defined(SO_NOSIGPIPE)
  if (fd >= 0)
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
#if !defined(SOCK_NONBLOCK)
  if (fd >= 0) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
#endif
  return fd;
}

int ebb_raw_open(bool is_v6, bool is_datagram)
{
  int type = is_datagram ? SOCK_DGRAM : SOCK_STREAM;
#if defined(SOCK_NONBLOCK)
  type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
#endif
  return prepare(socket(is_v6 ? AF_INET6 : AF_INET, type, 0));
}

int ebb_raw_accept(int listener)
{
  int fd;
  do {
#if defined(SOCK_NONBLOCK)
    fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    fd = accept(listener, NULL, NULL);
#endif
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  return prepare(fd);
}

int ebb_raw_close(int fd)
{
  return close(fd);
}

int ebb_raw_connect(int fd, const ebb_endpoint *to)
{
  int result;
  do {
    result = connect(fd, &to->addr.any, to->n_bytes);
  } while (result < 0 && errno == EINTR);
  return result;
}

int ebb_raw_disconnect(int fd)
{
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  return connect(fd, &none, sizeof none);
}

int ebb_raw_bind(int fd, const ebb_endpoint *own)
{
  return bind(fd, &own->addr.any, own->n_bytes);
}

int ebb_raw_listen(int fd, int backlog)
{
  return listen(fd, backlog);
}

int ebb_raw_shutdown(int fd, int how)
{
  static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
  return shutdown(fd, ways[how]);
}

int ebb_raw_name(int fd, bool of_peer, ebb_endpoint *name)
{
  memset(name, 0, sizeof *name);
  name->n_bytes = sizeof name->addr;
  return of_peer ? getpeername(fd, &name->addr.any, &name->n_bytes)
                 : getsockname(fd, &name->addr.any, &name->n_bytes);
}

ptrdiff_t ebb_raw_send(int fd, const char *data, size_t n_bytes,
                       const ebb_endpoint *to)
{
  ptrdiff_t n;
  do {
    n = sendto(fd, data, n_bytes, NO_SIGNAL, to ? &to->addr.any : NULL,
               to ? to->n_bytes : 0);
  } while (n < 0 && errno == EINTR);
  return n;
}

ptrdiff_t ebb_raw_receive(int fd, char *room, size_t n_room, ebb_endpoint *from)
{
  ptrdiff_t n;
  do {
    socklen_t n_from = 0;
    if (from != NULL) {
      memset(from, 0, sizeof *from);
      n_from = sizeof from->addr;
    }
    n = recvfrom(fd, room, n_room, MSG_DONTWAIT, from ? &from->addr.any : NULL,
                 from ? &n_from : NULL);
    if (from != NULL)
      from->n_bytes = n_from;
  } while (n < 0 && errno == EINTR);
  return n;
}

int ebb_raw_getopt(int fd, int level, int option, void *value, size_t *n_bytes)
{
  socklen_t n = (socklen_t)*n_bytes;
  int result = getsockopt(fd, level, option, value, &n);
  *n_bytes = n;
  return result;
}

int ebb_raw_setopt(int fd, int level, int option, const void *value,
                   size_t n_bytes)
{
  return setsockopt(fd, level, option, value, (socklen_t)n_bytes);
}

int ebb_raw_error(int fd)
{
  int error = 0;
  size_t n_bytes = sizeof error;
  if (ebb_raw_getopt(fd, SOL_SOCKET, SO_ERROR, &error, &n_bytes) < 0)
    return errno;
  return error;
}

double ebb_raw_time(void)
{
  struct timeval now;
  gettimeofday(&now, NULL);
  return (double)now.tv_sec + (double)now.tv_usec / 1e6;
}

int ebb_raw_hostname(char *name, size_t n_room)
{
  name[n_room - 1] = 0;
  return gethostname(name, n_room - 1);
}

#define XX(name)                                                               \
  {                                                                            \
    #name, name                                                                \
  }
const ebb_raw_constant ebb_raw_constants[] = {XX(SOL_SOCKET),
                                              XX(IPPROTO_IP),
                                              XX(IPPROTO_IPV6),
                                              XX(IPPROTO_TCP),
                                              XX(SO_KEEPALIVE),
                                              XX(SO_REUSEADDR),
                                              XX(SO_LINGER),
                                              XX(SO_ERROR),
                                              XX(SO_RCVBUF),
                                              XX(SO_SNDBUF),
                                              XX(SO_DONTROUTE),
                                              XX(SO_BROADCAST),
                                              XX(TCP_NODELAY),
                                              XX(IP_MULTICAST_IF),
                                              XX(IP_MULTICAST_TTL),
                                              XX(IP_MULTICAST_LOOP),
                                              XX(IP_ADD_MEMBERSHIP),
                                              XX(IP_DROP_MEMBERSHIP),
                                              XX(IPV6_UNICAST_HOPS),
                                              XX(IPV6_MULTICAST_HOPS),
                                              XX(IPV6_MULTICAST_LOOP),
                                              XX(IPV6_V6ONLY),
                                              XX(IPV6_JOIN_GROUP),
                                              XX(IPV6_LEAVE_GROUP),
#if defined(SO_REUSEPORT)
                                              XX(SO_REUSEPORT),
#endif
#if defined(SO_BINDTODEVICE)
                                              XX(SO_BINDTODEVICE),
#endif
#if defined(TCP_KEEPIDLE)
                                              XX(TCP_KEEPIDLE),
#endif
#if defined(TCP_KEEPCNT)
                                              XX(TCP_KEEPCNT),
#endif
#if defined(TCP_KEEPINTVL)
                                              XX(TCP_KEEPINTVL),
#endif
#if defined(TCP_DEFER_ACCEPT)
                                              XX(TCP_DEFER_ACCEPT),
#endif
#if defined(TCP_FASTOPEN)
                                              XX(TCP_FASTOPEN),
#endif
#if defined(TCP_FASTOPEN_CONNECT)
                                              XX(TCP_FASTOPEN_CONNECT),
#endif
                                              {NULL, 0}};
#undef XX
