/* SPDX-License-Identifier: MIT */
/* What sockets have besides the methods of streams: names and options. */
#include "lua/l_fs.h"
#include "lua/l_net.h"

static ebbL_stream *check_socket(lua_State *L)
{
  return ebbL_check(L, 1, &ebbL_socket_type);
}

static int push_done(lua_State *L, int error)
{
  if (error != 0)
    return ebbL_pushuverror(L, error);
  lua_settop(L, 1);
  return 1;
}

static int push_name(lua_State *L, bool of_peer)
{
  ebb_endpoint name;
  ebbL_stream *self = check_socket(L);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  int error = ebb_socket_name(ebbL_stream_fd(self), of_peer, &name);
  return error != 0 ? ebbL_pushuverror(L, error) : ebbL_pushendpoint(L, &name);
}

static int l_socket_peer(lua_State *L)
{
  return push_name(L, true);
}

static int l_socket_local_address(lua_State *L)
{
  return push_name(L, false);
}

static int l_socket_nodelay(lua_State *L)
{
  ebbL_stream *self = check_socket(L);
  bool on = lua_isnone(L, 2) || lua_toboolean(L, 2);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return push_done(L, ebb_socket_set_nodelay(ebbL_stream_fd(self), on));
}

static int opt_count(lua_State *L, int arg)
{
  return lua_isnoneornil(L, arg) ? 0
                                 : (int)ebbL_checkinteger(L, arg, 1, 1 << 15);
}

/* keepalive(on, idle, interval, probes): seconds */
static int l_socket_keepalive(lua_State *L)
{
  ebbL_stream *self = check_socket(L);
  bool on = lua_isnone(L, 2) || lua_toboolean(L, 2);
  int idle_s = opt_count(L, 3), interval_s = opt_count(L, 4);
  int n_probes = opt_count(L, 5);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return push_done(L, ebb_socket_set_keepalive(ebbL_stream_fd(self), on, idle_s,
                                               interval_s, n_probes));
}

/* linger(seconds); linger(): the system's way */
static int l_socket_linger(lua_State *L)
{
  ebbL_stream *self = check_socket(L);
  int seconds =
      lua_isnoneornil(L, 2) ? -1 : (int)ebbL_checkinteger(L, 2, 0, 1 << 15);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return push_done(L, ebb_socket_set_linger(ebbL_stream_fd(self), seconds));
}

static int push_number(lua_State *L, int error, int n)
{
  if (error != 0)
    return ebbL_pushuverror(L, error);
  lua_pushinteger(L, n);
  return 1;
}

/* Without a number: which it is. */
static int buffer(lua_State *L, bool of_sending)
{
  ebbL_stream *self = check_socket(L);
  if (lua_isnone(L, 2)) {
    int n = 0;
    if (ebbL_stream_is_closed(self))
      return ebbL_pushoutcome(L, "closed");
    int error = ebb_socket_get_buffer(ebbL_stream_fd(self), of_sending, &n);
    return push_number(L, error, n);
  }
  int n_bytes = (int)ebbL_checkinteger(L, 2, 1, 1 << 30);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return push_done(
      L, ebb_socket_set_buffer(ebbL_stream_fd(self), of_sending, n_bytes));
}

static int l_socket_send_buffer(lua_State *L)
{
  return buffer(L, true);
}

static int l_socket_receive_buffer(lua_State *L)
{
  return buffer(L, false);
}

/* ttl(n); ttl(): which it is */
static int l_socket_ttl(lua_State *L)
{
  ebbL_stream *self = check_socket(L);
  bool gets = lua_isnone(L, 2);
  int n = gets ? 0 : (int)ebbL_checkinteger(L, 2, 1, 255);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  int fd = ebbL_stream_fd(self);
  if (!gets)
    return push_done(L, ebb_socket_set_ttl(fd, n));
  int error = ebb_socket_get_ttl(fd, &n);
  return push_number(L, error, n);
}

/* The error that no call has told yet, as three values; nil: there is none. */
static int l_socket_take_error(lua_State *L)
{
  ebbL_stream *self = check_socket(L);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  int error = ebb_socket_take_error(ebbL_stream_fd(self));
  if (error != 0)
    return ebbL_pushuverror(L, error);
  lua_pushnil(L);
  return 1;
}

void ebbL_open_socket(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {
      {"peer", l_socket_peer},
      {"local_address", l_socket_local_address},
      {"nodelay", l_socket_nodelay},
      {"keepalive", l_socket_keepalive},
      {"linger", l_socket_linger},
      {"send_buffer", l_socket_send_buffer},
      {"receive_buffer", l_socket_receive_buffer},
      {"ttl", l_socket_ttl},
      {"take_error", l_socket_take_error},
      {NULL, NULL}};
  lua_getfield(L, -2, "_stream");
  lua_getfield(L, -1, "socket");
  ebbL_setfuncs(L, S, methods);
  lua_pop(L, 2);
}
