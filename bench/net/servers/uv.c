/* SPDX-License-Identifier: MIT */
/* Echo on libuv alone: one buffer for all reads, writes tried at once, what is
   left over copied and queued. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static char shared[65536];

typedef struct rest {
  uv_write_t req;
  char bytes[];
} rest;

static void on_room(uv_handle_t *handle, size_t n, uv_buf_t *buffer)
{
  (void)handle, (void)n;
  *buffer = uv_buf_init(shared, sizeof shared);
}

static void on_closed(uv_handle_t *handle)
{
  free(handle);
}

static void on_written(uv_write_t *req, int status)
{
  (void)status;
  free(req);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
  if (n < 0)
    uv_close((uv_handle_t *)stream, on_closed);
  if (n <= 0)
    return;
  uv_buf_t out = uv_buf_init(buffer->base, (unsigned)n);
  int n_done = uv_try_write(stream, &out, 1);
  if (n_done == n)
    return;
  if (n_done < 0)
    n_done = 0;
  size_t n_left = (size_t)(n - n_done);
  rest *left = malloc(sizeof *left + n_left);
  if (left == NULL)
    abort();
  memcpy(left->bytes, buffer->base + n_done, n_left);
  out = uv_buf_init(left->bytes, (unsigned)n_left);
  uv_write(&left->req, stream, &out, 1, on_written);
}

static void on_connection(uv_stream_t *server, int status)
{
  uv_tcp_t *client = malloc(sizeof *client);
  if (status != 0 || client == NULL)
    abort();
  uv_tcp_init(server->loop, client);
  uv_accept(server, (uv_stream_t *)client);
  uv_tcp_nodelay(client, 1);
  uv_read_start((uv_stream_t *)client, on_room, on_read);
}

int main(int n_args, char **args)
{
  uv_tcp_t server;
  struct sockaddr_in own;
  if (n_args != 2)
    return 2;
  uv_tcp_init(uv_default_loop(), &server);
  uv_ip4_addr("127.0.0.1", atoi(args[1]), &own);
  uv_tcp_bind(&server, (const struct sockaddr *)&own, 0);
  uv_listen((uv_stream_t *)&server, 1024, on_connection);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
