/* SPDX-License-Identifier: MIT */
/* Listeners: a listener is itself the op that accepts. */
#include "lua/l_fs.h"
#include "lua/l_net.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/listener.h"
#include "uv/stream.h"

#include <errno.h>

typedef struct ebbL_listener {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  ebb_listener *listener; /* NULL until it is complete, and once collected */
  bool is_path, nodelay;
} ebbL_listener;

static const ebbL_opclass accept_class;
static void listener_fini(void *object);
EBBL_OWNING_TYPE(listener_type, "ebb.listener", &accept_class, listener_fini);

static ebbL_listener *check_listener(lua_State *L)
{
  return ebbL_check(L, 1, &listener_type);
}

static bool is_closed(const ebbL_listener *self)
{
  return self->listener == NULL || self->listener->closed;
}

/* --- accept --------------------------------------------------------------- */

/* The connection is there still when this raises. */
static int push_connection(lua_State *L, ebbL_listener *self,
                           ebb_connection *connection)
{
  luaL_checkstack(L, 6, NULL);
  ebbL_stream *stream = ebbL_stream_new(L, self->head.state, &ebbL_socket_type);
  int error = ebbL_stream_open(L, stream, connection->fd, EBB_STREAM_SOCKET);
  if (error == ebb_uv_error_code(ENOMEM))
    ebbL_nomem(L);
  if (error == 0) {
    if (self->nodelay)
      (void)ebb_socket_set_nodelay(connection->fd, true);
    connection->fd = -1;
  }
  ebb_listener_drop(self->listener, connection);
  return error == 0 ? 1 : ebbL_pushuverror(L, error);
}

static int accept_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_listener *self = object;
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this listener belongs to another runtime");
  int error = ebb_listener_accept(self->listener);
  if (error == EBB_ENOMEM) {
    ebbL_collect(L);
    if (is_closed(self))
      return ebbL_pushoutcome(L, "closed");
    error = ebb_listener_accept(self->listener);
    if (error == EBB_ENOMEM)
      ebbL_nomem(L);
  }
  if (error == EBB_EAGAIN)
    return EBBL_WAIT;
  if (error != 0)
    return ebbL_pushuverror(L, error);
  return push_connection(
      L, self, ebb_connection_of(ebb_mailbox_first(&self->listener->box)));
}

static void accept_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_listener_link(&task->core, i, ((ebbL_listener *)object)->listener);
}

static int accept_settle(lua_State *L, ebbL_task *task, void *object, int at,
                         int payload)
{
  (void)at, (void)payload;
  ebbL_listener *self = object;
  int status = task->core.status;
  if (status == EBB_ECLOSED || self->listener == NULL)
    return ebbL_pushoutcome(L, "closed");
  if (status == EBB_ENOMEM) { /* libuv's callback could not collect: try now */
    ebbL_collect(L);
    if (is_closed(self))
      return ebbL_pushoutcome(L, "closed");
    if (ebb_listener_accept(self->listener) != 0)
      ebbL_nomem(L);
    return push_connection(
        L, self, ebb_connection_of(ebb_mailbox_first(&self->listener->box)));
  }
  if (status != EBB_OK)
    return ebbL_pushuverror(L, status);
  ebb_mail *mail = ebb_mailbox_taken(&self->listener->box, &task->core);
  EBB_CHECK(mail != NULL);
  return push_connection(L, self, ebb_connection_of(mail));
}

static const ebbL_opclass accept_class = {.name = "accept",
                                          .attempt = accept_attempt,
                                          .link = accept_link,
                                          .settle = accept_settle};

static int l_listener_accept(lua_State *L)
{
  ebbL_listener *self = check_listener(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &accept_class, self, l_listener_accept);
}

/* It is itself the op of its accept. */
static int l_listener_accept_op(lua_State *L)
{
  check_listener(L);
  lua_settop(L, 1);
  return 1;
}

/* --- opening and closing -------------------------------------------------- */

static bool get_flag(lua_State *L, int options, const char *name)
{
  lua_getfield(L, options, name);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

/* What listens at `own`, with the options at idx (checked in Lua). */
static int open_at(lua_State *L, const ebb_endpoint *own, int options)
{
  ebbL_state *S = ebbL_S(L);
  int fd, error;
  unsigned flags = 0;
  if (get_flag(L, options, "reuse_port"))
    flags |= EBB_LISTEN_REUSE_PORT;
  if (get_flag(L, options, "only_v6"))
    flags |= EBB_LISTEN_ONLY_V6;
  lua_getfield(L, options, "backlog");
  int backlog = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  ebbL_listener *self =
      ebbL_newlinked(L, S, &listener_type, sizeof *self, 1, 0);
  self->rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->rt);
  self->is_path = own->addr.any.sa_family == AF_UNIX;
  self->nodelay = !self->is_path && get_flag(L, options, "nodelay");
  ebb_driver *driver = ebbL_rt_driver(L, self->rt);
  error = ebb_socket_listen(own, backlog, flags, &fd);
  if (error != 0)
    return ebbL_pushuverror(L, error);
  self->listener = ebb_listener_open(driver, &S->alloc, fd, &error);
  if (self->listener == NULL && error == ebb_uv_error_code(ENOMEM)) {
    ebbL_collect(L);
    self->listener = ebb_listener_open(driver, &S->alloc, fd, &error);
  }
  if (self->listener != NULL)
    return 1;
  ebb_socket_unlink(fd);
  ebb_socket_discard(fd);
  return ebbL_pushuverror(L, error);
}

/* listen(host, port, options): false when the host is a name. */
static int l_listen(lua_State *L)
{
  ebb_endpoint own;
  if (!ebbL_checkendpoint(L, 1, &own)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  return open_at(L, &own, 3);
}

/* listen_path(path, options) */
static int l_listen_path(lua_State *L)
{
  ebb_endpoint own;
  int error = ebbL_checksocketpath(L, 1, &own);
  return error != 0 ? ebbL_pushuverror(L, error) : open_at(L, &own, 2);
}

static int l_listener_local_address(lua_State *L)
{
  ebb_endpoint own;
  ebbL_listener *self = check_listener(L);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  int error = ebb_socket_name(self->listener->fd, false, &own);
  return error != 0 ? ebbL_pushuverror(L, error) : ebbL_pushendpoint(L, &own);
}

static int l_listener_close(lua_State *L)
{
  ebbL_listener *self = check_listener(L);
  if (self->listener != NULL)
    ebb_listener_close(self->listener);
  return 0;
}

/* Nobody waits for it any more, or they go down with the state. */
static void listener_fini(void *object)
{
  ebbL_listener *self = object;
  ebb_listener *listener = self->listener;
  self->listener = NULL;
  if (listener != NULL)
    ebb_listener_release(listener);
}

static int listener_tostring(lua_State *L)
{
  ebbL_listener *self = check_listener(L);
  ebb_endpoint own;
  char text[EBB_ENDPOINT_TEXT];
  size_t n_text;
  if (is_closed(self) ||
      ebb_socket_name(self->listener->fd, false, &own) != 0) {
    lua_pushliteral(L, "ebb.listener: closed");
    return 1;
  }
  int port = ebb_endpoint_name(&own, text, &n_text);
  text[n_text < sizeof text ? n_text : sizeof text - 1] = 0;
  const char *state =
      self->listener->pausing ? "pausing, too many open files" : "open";
  if (port < 0)
    lua_pushfstring(L, "ebb.listener: \"%s\", %s", text, state);
  else
    lua_pushfstring(L, "ebb.listener: %s port %d, %s", text, port, state);
  return 1;
}

void ebbL_open_listener(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"listen", l_listen}, {"listen_path", l_listen_path}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"accept", l_listener_accept},
      {"accept_op", l_listener_accept_op},
      {"local_address", l_listener_local_address},
      {"close", l_listener_close},
      {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__call", l_listener_accept},
                                  {"__close", l_listener_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", listener_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &listener_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
