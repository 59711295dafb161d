/* SPDX-License-Identifier: MIT */
/* Where a socket is, or connects to: an address of IPv4 or IPv6 with its port,
   or the path of a Unix socket. Plain values; nothing allocates or blocks. */
#ifndef EBB_UV_ENDPOINT_H
#define EBB_UV_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct ebb_endpoint {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    struct sockaddr_storage room;
  } addr;
  socklen_t n_bytes;
} ebb_endpoint;

/* A numeric address of IPv4 or IPv6; false: it is a name. */
bool ebb_endpoint_ip(const char *host, int port, ebb_endpoint *to);
/* The path of a Unix socket, or (Linux) an abstract name: a zero before it.
   ENAMETOOLONG, EINVAL (empty). */
int ebb_endpoint_path(const char *path, size_t n_bytes, ebb_endpoint *to);
/* The text of an address and its port; the path of a Unix socket and -1.
   `text` has EBB_ENDPOINT_TEXT bytes, *n_text is its length. */
#define EBB_ENDPOINT_TEXT 128
int ebb_endpoint_name(const ebb_endpoint *of, char *text, size_t *n_text);
/* The same address for a socket of IPv6, which reaches those of IPv4 by their
   mapped ones: *to, or *mapped. */
const ebb_endpoint *ebb_endpoint_v6(const ebb_endpoint *to,
                                    ebb_endpoint *mapped);
/* What the system gives as an address of IPv4 or IPv6 (else: nowhere). */
void ebb_endpoint_keep(ebb_endpoint *to, const struct sockaddr *from);

#endif
