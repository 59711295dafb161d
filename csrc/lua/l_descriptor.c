/* SPDX-License-Identifier: MIT */
/* Results are those of the calls: a value, or nil, the system's words, and the
   name of the error ("EAGAIN": wait, then try again). */
#include "lua/l_descriptor.h"

#include "lua/l_endpoint.h"
#include "lua/l_op.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/poller.h"
#include "uv/rawsocket.h"

#include <errno.h>
#include <string.h>

typedef struct ebbL_descriptor {
  ebbL_header head;
  const ebbL_rt *rt;  /* of the poller */
  ebb_poller *poller; /* NULL until somebody waits */
  int fd;             /* -1: closed */
} ebbL_descriptor;

static void descriptor_fini(void *object);
EBBL_OWNING_TYPE(descriptor_type, "ebb.descriptor", NULL, descriptor_fini);

static ebbL_descriptor *check(lua_State *L)
{
  return ebbL_check(L, 1, &descriptor_type);
}

static int push_error(lua_State *L, int number)
{
  ebb_uv_error error;
  luaL_checkstack(L, 4, NULL);
  ebb_uv_error_of(ebb_uv_error_code(number), &error);
  lua_pushnil(L);
  lua_pushstring(L, strerror(number));
  /* libuv does not know it */
  lua_pushstring(L, number == EINPROGRESS ? "EINPROGRESS" : error.name);
  return 3;
}

/* A call's result: true, or the error in errno. */
static int push_done(lua_State *L, int result)
{
  if (result < 0)
    return push_error(L, errno);
  lua_pushboolean(L, 1);
  return 1;
}

static void drop_poller(ebbL_descriptor *self)
{
  ebb_poller *poller = self->poller;
  self->poller = NULL;
  if (poller != NULL)
    ebb_poller_release(poller);
}

/* The poller stays: a wait that is being prepared links to it, closed as it is.
 */
static int take_fd(ebbL_descriptor *self)
{
  int fd = self->fd;
  if (self->poller != NULL)
    ebb_poller_close(self->poller);
  self->fd = -1;
  return fd;
}

static void close_fd(ebbL_descriptor *self)
{
  int fd = take_fd(self);
  if (fd >= 0)
    ebb_raw_close(fd);
}

/* --- waiting -------------------------------------------------------------- */

/* [raises] The runtime may have changed since; nobody waits then. */
static void need_poller(lua_State *L, ebbL_descriptor *self, ebbL_rt *rt)
{
  int error;
  if (self->poller != NULL && self->rt != rt && !self->poller->closed)
    ebbL_error(L, "EBB052", "this socket belongs to another runtime");
  if (self->poller != NULL && !self->poller->closed)
    return;
  drop_poller(self);
  ebb_driver *driver = ebbL_rt_driver(L, rt);
  ebb_alloc *alloc = &self->head.state->alloc;
  self->poller = ebb_poller_open(driver, alloc, self->fd, &error);
  if (self->poller == NULL && error == ebb_uv_error_code(ENOMEM)) {
    ebbL_collect(L);
    if (self->fd >= 0 && self->poller == NULL)
      self->poller = ebb_poller_open(driver, alloc, self->fd, &error);
    if (self->poller == NULL)
      ebbL_nomem(L);
  }
  if (self->poller == NULL) {
    ebb_uv_error words;
    ebb_uv_error_of(error, &words);
    ebbL_throw(L, "cannot wait for this descriptor (%s: %s)", words.name,
               words.words);
  }
  self->rt = rt;
}

/* In n: to write. */
static int ready_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_op *op = object;
  ebbL_descriptor *self = op->target;
  if (self->fd < 0)
    return ebbL_pushoutcome(L, "closed");
  if (ebb_fd_is_ready(self->fd, op->n != 0)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  need_poller(L, self, ebbL_rt_of(task->core.rt));
  return EBBL_WAIT;
}

static void ready_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebbL_op *op = object;
  ebb_poller_link(&task->core, i, ((ebbL_descriptor *)op->target)->poller,
                  op->n != 0);
}

static int ready_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)object, (void)at, (void)payload;
  if (task->core.status == EBB_ECLOSED)
    return ebbL_pushoutcome(L, "closed");
  lua_pushboolean(L, 1);
  return 1;
}

static const ebbL_opclass ready_class = {.name = "socket",
                                         .attempt = ready_attempt,
                                         .link = ready_link,
                                         .settle = ready_settle};

static int push_ready_op(lua_State *L, bool to_write)
{
  check(L);
  ebbL_newop(L, ebbL_S(L), &ready_class, 1, 0)->n = to_write;
  return 1;
}

static int l_readable_op(lua_State *L)
{
  return push_ready_op(L, false);
}

static int l_writable_op(lua_State *L)
{
  return push_ready_op(L, true);
}

/* ready(to_write): would an op of it happen at once? */
static int l_ready(lua_State *L)
{
  ebbL_descriptor *self = check(L);
  lua_pushboolean(L, self->fd >= 0 &&
                         ebb_fd_is_ready(self->fd, lua_toboolean(L, 2)));
  return 1;
}

/* --- connections ---------------------------------------------------------- */

static void check_address(lua_State *L, int arg, ebb_endpoint *to)
{
  if (!ebbL_checkendpoint(L, arg, to))
    ebbL_argerror(L, arg, "numeric address expected");
}

static int l_connect(lua_State *L)
{
  ebb_endpoint to;
  ebbL_descriptor *self = check(L);
  if (lua_isnone(L, 2))
    return push_done(L, ebb_raw_disconnect(self->fd));
  check_address(L, 2, &to);
  return push_done(L, ebb_raw_connect(self->fd, &to));
}

static int l_bind(lua_State *L)
{
  ebb_endpoint own;
  ebbL_descriptor *self = check(L);
  check_address(L, 2, &own);
  return push_done(L, ebb_raw_bind(self->fd, &own));
}

static int l_listen(lua_State *L)
{
  ebbL_descriptor *self = check(L);
  int backlog = (int)ebbL_checkinteger(L, 2, INT32_MIN, INT32_MAX);
  return push_done(L, ebb_raw_listen(self->fd, backlog));
}

/* Owns the descriptor from now on. */
static ebbL_descriptor *new_descriptor(lua_State *L, int fd)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_descriptor *self =
      ebbL_newlinked(L, S, &descriptor_type, sizeof *self, 0, 0);
  self->fd = fd;
  return self;
}

static int l_accept(lua_State *L)
{
  ebbL_descriptor *self = check(L);
  ebbL_descriptor *accepted = new_descriptor(L, -1);
  accepted->fd = ebb_raw_accept(self->fd);
  return accepted->fd < 0 ? push_error(L, errno) : 1;
}

static int l_shutdown(lua_State *L)
{
  static const char *const ways[] = {"receive", "send", "both", NULL};
  ebbL_descriptor *self = check(L);
  return push_done(
      L, ebb_raw_shutdown(self->fd, luaL_checkoption(L, 2, "both", ways)));
}

/* name(of_peer) → host, port, family */
static int l_name(lua_State *L)
{
  ebb_endpoint name;
  ebbL_descriptor *self = check(L);
  if (ebb_raw_name(self->fd, lua_toboolean(L, 2), &name) < 0)
    return push_error(L, errno);
  int n = ebbL_pushendpoint(L, &name);
  int family = name.addr.any.sa_family;
  lua_pushstring(L, family == AF_INET    ? "inet"
                    : family == AF_INET6 ? "inet6"
                    : family == AF_UNIX  ? "unix"
                                         : "unknown");
  return n + 1;
}

/* --- data ----------------------------------------------------------------- */

/* send(data, first, last): how many bytes the system took */
static int l_send(lua_State *L)
{
  size_t n_bytes;
  ebbL_descriptor *self = check(L);
  const char *data = luaL_checklstring(L, 2, &n_bytes);
  lua_Integer first = luaL_optinteger(L, 3, 1);
  lua_Integer last = luaL_optinteger(L, 4, (lua_Integer)n_bytes);
  if (first < 1 || last > (lua_Integer)n_bytes || first > last + 1)
    ebbL_argerror(L, 3, "range within the string expected");
  ptrdiff_t n = ebb_raw_send(self->fd, data + first - 1,
                             (size_t)(last - first + 1), NULL);
  if (n < 0)
    return push_error(L, errno);
  lua_pushinteger(L, n);
  return 1;
}

/* sendto(data, host, port) */
static int l_sendto(lua_State *L)
{
  size_t n_bytes;
  ebb_endpoint to;
  ebbL_descriptor *self = check(L);
  const char *data = luaL_checklstring(L, 2, &n_bytes);
  check_address(L, 3, &to);
  ptrdiff_t n = ebb_raw_send(self->fd, data, n_bytes, &to);
  if (n < 0)
    return push_error(L, errno);
  lua_pushinteger(L, n);
  return 1;
}

/* recv(max [, with the sender]): what is there; "" at the end of a stream */
static int l_recv(lua_State *L)
{
  char some[8192];
  ebb_endpoint from;
  ebbL_descriptor *self = check(L);
  size_t max = (size_t)ebbL_checkinteger(L, 2, 0, 1 << 30);
  bool with_sender = lua_toboolean(L, 3);
  char *room = max <= sizeof some ? some : lua_newuserdatauv(L, max, 0);
  ptrdiff_t n =
      ebb_raw_receive(self->fd, room, max, with_sender ? &from : NULL);
  if (n < 0)
    return push_error(L, errno);
  lua_pushlstring(L, room, (size_t)n);
  return with_sender ? 1 + ebbL_pushendpoint(L, &from) : 1;
}

/* --- options -------------------------------------------------------------- */

/* getopt(level, option, n bytes): as the system has it */
static int l_getopt(lua_State *L)
{
  char value[256];
  ebbL_descriptor *self = check(L);
  int level = (int)luaL_checkinteger(L, 2),
      option = (int)luaL_checkinteger(L, 3);
  size_t n_bytes = (size_t)ebbL_checkinteger(L, 4, 1, sizeof value);
  if (ebb_raw_getopt(self->fd, level, option, value, &n_bytes) < 0)
    return push_error(L, errno);
  lua_pushlstring(L, value, n_bytes);
  return 1;
}

static int l_setopt(lua_State *L)
{
  size_t n_bytes;
  ebbL_descriptor *self = check(L);
  int level = (int)luaL_checkinteger(L, 2),
      option = (int)luaL_checkinteger(L, 3);
  const char *value = luaL_checklstring(L, 4, &n_bytes);
  return push_done(L, ebb_raw_setopt(self->fd, level, option, value, n_bytes));
}

/* How an attempt to connect ended: true, or the error. */
static int l_connected(lua_State *L)
{
  ebbL_descriptor *self = check(L);
  int error = ebb_raw_error(self->fd);
  if (error != 0)
    return push_error(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

static void push_constants(lua_State *L)
{
  lua_newtable(L);
  for (const ebb_raw_constant *at = ebb_raw_constants; at->name != NULL; at++) {
    lua_pushinteger(L, at->value);
    lua_setfield(L, -2, at->name);
  }
}

/* bytes(address): as the system has it; nil if it is none */
static int l_bytes(lua_State *L)
{
  ebb_endpoint at;
  if (!ebb_endpoint_ip(ebbL_checkhost(L, 1), 0, &at))
    return 0;
  if (at.addr.any.sa_family == AF_INET)
    lua_pushlstring(L, (const char *)&at.addr.v4.sin_addr, 4);
  else
    lua_pushlstring(L, (const char *)&at.addr.v6.sin6_addr, 16);
  return 1;
}

/* --- opening and closing -------------------------------------------------- */

/* open(is_v6, is_datagram) */
static int l_open(lua_State *L)
{
  bool is_v6 = lua_toboolean(L, 1), is_datagram = lua_toboolean(L, 2);
  ebbL_descriptor *self = new_descriptor(L, -1);
  self->fd = ebb_raw_open(is_v6, is_datagram);
  return self->fd < 0 ? push_error(L, errno) : 1;
}

/* adopt(descriptor): closed with the object from now on */
static int l_adopt(lua_State *L)
{
  int fd = (int)ebbL_checkinteger(L, 1, 0, INT32_MAX);
  new_descriptor(L, fd);
  return 1;
}

static int l_fd(lua_State *L)
{
  lua_pushinteger(L, check(L)->fd);
  return 1;
}

/* The descriptor is the caller's now, and the object is closed. */
static int l_detach(lua_State *L)
{
  lua_pushinteger(L, take_fd(check(L)));
  return 1;
}

static int l_close(lua_State *L)
{
  close_fd(check(L));
  return 0;
}

static void descriptor_fini(void *object)
{
  ebbL_descriptor *self = object;
  close_fd(self);
  drop_poller(self);
}

static int descriptor_tostring(lua_State *L)
{
  ebbL_descriptor *self = check(L);
  if (self->fd < 0)
    lua_pushliteral(L, "ebb.descriptor: closed");
  else
    lua_pushfstring(L, "ebb.descriptor: %d", self->fd);
  return 1;
}

/* Seconds since the epoch. */
static int l_time(lua_State *L)
{
  lua_pushnumber(L, ebb_raw_time());
  return 1;
}

static int l_hostname(lua_State *L)
{
  char name[257];
  if (ebb_raw_hostname(name, sizeof name) < 0)
    return push_error(L, errno);
  lua_pushstring(L, name);
  return 1;
}

void ebbL_open_descriptor(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"open", l_open},   {"adopt", l_adopt},
                                   {"bytes", l_bytes}, {"hostname", l_hostname},
                                   {"time", l_time},   {NULL, NULL}};
  static const luaL_Reg methods[] = {{"readable_op", l_readable_op},
                                     {"writable_op", l_writable_op},
                                     {"ready", l_ready},
                                     {"connect", l_connect},
                                     {"connected", l_connected},
                                     {"bind", l_bind},
                                     {"listen", l_listen},
                                     {"accept", l_accept},
                                     {"shutdown", l_shutdown},
                                     {"name", l_name},
                                     {"send", l_send},
                                     {"sendto", l_sendto},
                                     {"recv", l_recv},
                                     {"getopt", l_getopt},
                                     {"setopt", l_setopt},
                                     {"fd", l_fd},
                                     {"detach", l_detach},
                                     {"close", l_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", descriptor_tostring},
                                  {NULL, NULL}};
  ebbL_newtype(L, S, &descriptor_type, methods, meta);
  lua_pop(L, 1);
  lua_newtable(L);
  ebbL_setfuncs(L, S, funcs);
  push_constants(L);
  lua_setfield(L, -2, "constants");
  lua_setfield(L, -2, "_descriptor");
}
