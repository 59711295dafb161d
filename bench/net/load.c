/* SPDX-License-Identifier: MIT */
/* The load: load PORT CONNECTIONS BYTES SECONDS PID. Every connection has one
   message under way and sends the next when all of it has come back. Prints
   what the server at PID needed: CPU microseconds a message, messages a second,
   microseconds until half and 99 % of the answers. The first fifth of the time
   does not count. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct connection {
  int fd;
  size_t n_sent, n_back;
  uint64_t sent_ns;
} connection;

static size_t n_bytes;
static char *message;
static uint32_t *waits_ns;
static size_t n_waits, cap_waits = (size_t)1 << 23;

static uint64_t now_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(int pid)
{
  char path[64], text[1024];
  unsigned long user = 0, kernel = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL)
    return 0;
  if (fgets(text, sizeof text, file) != NULL) {
    const char *after = strrchr(text, ')');
    if (after != NULL)
      sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
             &user, &kernel);
  }
  fclose(file);
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void die(const char *what)
{
  perror(what);
  exit(1);
}

static void open_connection(connection *c, int port)
{
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int n = 0;; n++) {
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0)
      break;
    if (n == 500)
      die("connect");
    close(c->fd);
    usleep(10000);
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void send_on(connection *c)
{
  while (c->n_sent < n_bytes) {
    ssize_t n = write(c->fd, message + c->n_sent, n_bytes - c->n_sent);
    if (n < 0 && errno == EAGAIN)
      return; /* some of it comes back before there is room */
    if (n < 0)
      die("write");
    c->n_sent += (size_t)n;
  }
}

static void begin_message(connection *c)
{
  c->n_sent = c->n_back = 0;
  c->sent_ns = now_ns();
  send_on(c);
}

/* True when the whole answer is there. */
static int receive(connection *c)
{
  static char room[1 << 18];
  ssize_t n = read(c->fd, room, sizeof room);
  if (n < 0 && errno == EAGAIN)
    return 0;
  if (n <= 0)
    die("read");
  c->n_back += (size_t)n;
  if (c->n_sent < n_bytes)
    send_on(c);
  return c->n_back == n_bytes;
}

static int by_size(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int main(int n_args, char **args)
{
  if (n_args != 6)
    return 2;
  int port = atoi(args[1]), n = atoi(args[2]), pid = atoi(args[5]);
  n_bytes = (size_t)atol(args[3]);
  double seconds = atof(args[4]);
  connection *all = calloc((size_t)n, sizeof *all);
  message = malloc(n_bytes);
  waits_ns = malloc(cap_waits * sizeof *waits_ns);
  if (all == NULL || message == NULL || waits_ns == NULL)
    return 1;
  memset(message, 'e', n_bytes);
  message[n_bytes - 1] = '\n';
  int poll = epoll_create1(0);
  for (int i = 0; i < n; i++) {
    open_connection(&all[i], port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  uint64_t begun_ns = now_ns(), counted_ns = 0;
  uint64_t warm_ns = begun_ns + (uint64_t)(seconds * 2e8);
  uint64_t end_ns = begun_ns + (uint64_t)(seconds * 1e9);
  double cpu_s = 0;
  uint64_t n_messages = 0, at_ns;
  for (int i = 0; i < n; i++)
    begin_message(&all[i]);
  while ((at_ns = now_ns()) < end_ns) {
    struct epoll_event events[256];
    if (counted_ns == 0 && at_ns >= warm_ns) {
      counted_ns = at_ns;
      cpu_s = cpu_seconds(pid);
    }
    int n_events = epoll_wait(poll, events, 256, 100);
    for (int i = 0; i < n_events; i++) {
      connection *c = events[i].data.ptr;
      if (!receive(c))
        continue;
      if (counted_ns != 0) {
        n_messages++;
        if (n_waits < cap_waits)
          waits_ns[n_waits++] = (uint32_t)(now_ns() - c->sent_ns);
      }
      begin_message(c);
    }
  }
  double span_s = (double)(now_ns() - counted_ns) / 1e9;
  cpu_s = cpu_seconds(pid) - cpu_s;
  qsort(waits_ns, n_waits, sizeof *waits_ns, by_size);
  if (n_messages == 0)
    return 1;
  printf("%.2f %.0f %.1f %.1f\n", cpu_s / (double)n_messages * 1e6,
         (double)n_messages / span_s, waits_ns[n_waits / 2] / 1e3,
         waits_ns[n_waits * 99 / 100] / 1e3);
  return 0;
}
