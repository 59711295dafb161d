/* SPDX-License-Identifier: MIT */
#include "uv/endpoint.h"

#include <string.h>
#include <uv.h>

bool ebb_endpoint_ip(const char *host, int port, ebb_endpoint *to)
{
  memset(to, 0, sizeof *to);
  if (uv_ip4_addr(host, port, &to->addr.v4) == 0) {
    to->n_bytes = sizeof to->addr.v4;
    return true;
  }
  to->n_bytes = sizeof to->addr.v6;
  return uv_ip6_addr(host, port, &to->addr.v6) == 0;
}

int ebb_endpoint_path(const char *path, size_t n_bytes, ebb_endpoint *to)
{
  memset(to, 0, sizeof *to);
  if (n_bytes == 0)
    return UV_EINVAL;
  if (n_bytes > sizeof to->addr.un.sun_path - (path[0] != 0))
    return UV_ENAMETOOLONG;
  to->addr.un.sun_family = AF_UNIX;
  memcpy(to->addr.un.sun_path, path, n_bytes);
  to->n_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n_bytes +
                            (path[0] != 0));
  return 0;
}

static void path_name(const ebb_endpoint *of, char *text, size_t *n_text)
{
  size_t n_before = offsetof(struct sockaddr_un, sun_path);
  size_t n = of->n_bytes > n_before ? of->n_bytes - n_before : 0;
  const char *path = of->addr.un.sun_path;
  if (n > sizeof of->addr.un.sun_path)
    n = sizeof of->addr.un.sun_path;
  if (n > 0 && path[0] != 0)
    n = strnlen(path, n);
  memcpy(text, path, n);
  *n_text = n;
}

int ebb_endpoint_name(const ebb_endpoint *of, char *text, size_t *n_text)
{
  text[0] = 0;
  *n_text = 0;
  switch (of->addr.any.sa_family) {
  case AF_INET:
    uv_ip4_name(&of->addr.v4, text, EBB_ENDPOINT_TEXT);
    *n_text = strlen(text);
    return ntohs(of->addr.v4.sin_port);
  case AF_INET6:
    uv_ip6_name(&of->addr.v6, text, EBB_ENDPOINT_TEXT);
    *n_text = strlen(text);
    return ntohs(of->addr.v6.sin6_port);
  default:
    path_name(of, text, n_text);
    return -1;
  }
}

const ebb_endpoint *ebb_endpoint_v6(const ebb_endpoint *to,
                                    ebb_endpoint *mapped)
{
  if (to->addr.any.sa_family != AF_INET)
    return to;
  memset(mapped, 0, sizeof *mapped);
  struct sockaddr_in6 *v6 = &mapped->addr.v6;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = to->addr.v4.sin_port;
  v6->sin6_addr.s6_addr[10] = v6->sin6_addr.s6_addr[11] = 0xff;
  memcpy(&v6->sin6_addr.s6_addr[12], &to->addr.v4.sin_addr, 4);
  mapped->n_bytes = sizeof *v6;
  return mapped;
}

void ebb_endpoint_keep(ebb_endpoint *to, const struct sockaddr *from)
{
  memset(to, 0, sizeof *to);
  if (from->sa_family == AF_INET6)
    to->n_bytes = sizeof to->addr.v6;
  else if (from->sa_family == AF_INET)
    to->n_bytes = sizeof to->addr.v4;
  memcpy(&to->addr, from, to->n_bytes);
}
