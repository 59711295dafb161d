/* SPDX-License-Identifier: MIT */
/* Connecting, resolving, duplex pairs. */
#include "lua/l_net.h"

#include "lua/l_fs.h"
#include "lua/l_time.h"
#include "uv/duplex.h"
#include "uv/error.h"
#include "uv/resolve.h"
#include "uv/stream.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

/* --- connect -------------------------------------------------------------- */

/* The socket is on top. */
static int connect_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  EBBL_OWN_RESUME(L, ebbL_S(L), connect_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_stream *self = ebbL_touserdata(L, -1);
  if (EBB_UNLIKELY(task->core.n_struck > 0 && ebbL_verdict(task) != NULL))
    ebbL_stream_close(self); /* at once, not when it is collected */
  ebbL_check_woken(L, task);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  self->output->writer = NULL;
  int error = ebb_socket_connected(ebbL_stream_fd(self));
  if (error == EBB_EAGAIN) {
    ebb_output_link(&task->core, 0, self->output, &ebb_connect_class);
    return ebbL_park(L, task, 1, connect_k, 0);
  }
  if (error == 0)
    return 1;
  ebbL_stream_close(self);
  return ebbL_pushuverror(L, error);
}

/* `own` may be NULL. As the last act of `fn`. */
static int perform_connect(lua_State *L, const ebb_endpoint *to,
                           const ebb_endpoint *own, bool nodelay,
                           lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_waiting(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  luaL_checkstack(L, 8, NULL);
  ebbL_stream *self = ebbL_stream_new(L, S, &ebbL_socket_type);
  int fd;
  int begun = ebb_socket_connect(to, own, &fd);
  if (begun != 0 && begun != EBB_EAGAIN)
    return ebbL_pushuverror(L, begun);
  int error =
      ebbL_stream_open(L, self, fd,
                       begun == 0 ? EBB_STREAM_SOCKET
                                  : EBB_STREAM_SOCKET | EBB_STREAM_CONNECTING);
  if (error != 0) {
    ebb_socket_discard(fd);
    return ebbL_pushuverror(L, error);
  }
  if (nodelay)
    (void)ebb_socket_set_nodelay(fd, true);
  if (begun == 0)
    return 1;
  ebb_output_link(&task->core, 0, self->output, &ebb_connect_class);
  return ebbL_park(L, task, 1, connect_k, 0);
}

static int push_is_name(lua_State *L)
{
  lua_pushboolean(L, 0);
  return 1;
}

/* connect(host, port, nodelay, own host, own port): false when a host is a
 * name.
 */
static int l_connect(lua_State *L)
{
  ebb_endpoint to, own;
  bool has_own = !lua_isnoneornil(L, 4);
  if (!ebbL_checkendpoint(L, 1, &to) ||
      (has_own && !ebbL_checkendpoint(L, 4, &own)))
    return push_is_name(L);
  bool nodelay = lua_toboolean(L, 3);
  return perform_connect(L, &to, has_own ? &own : NULL, nodelay, l_connect);
}

static int l_connect_path(lua_State *L)
{
  ebb_endpoint to;
  int error = ebbL_checksocketpath(L, 1, &to);
  if (error != 0)
    return ebbL_pushuverror(L, error);
  return perform_connect(L, &to, NULL, false, l_connect_path);
}

/* --- resolve -------------------------------------------------------------- */

typedef struct box {
  ebbL_header head;
  ebb_resolve *resolve;
} box;

static void let_go(void *object)
{
  box *self = object;
  ebb_resolve *resolve = self->resolve;
  self->resolve = NULL;
  if (resolve != NULL)
    ebb_resolve_release(resolve);
}

EBBL_OWNING_TYPE(box_type, "ebb.net.request", NULL, let_go);

/* The addresses, each once, in the resolver's order. */
static int push_answer(lua_State *L, const ebb_resolve *resolve)
{
  ebb_endpoint address;
  lua_Integer n = 0;
  luaL_checkstack(L, 6, NULL);
  lua_newtable(L); /* the list */
  lua_newtable(L); /* what is in it */
  const struct addrinfo *at = ebb_resolve_next(resolve->first, &address);
  for (; at != NULL; at = ebb_resolve_next(at->ai_next, &address)) {
    ebbL_pushendpoint(L, &address);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_pushboolean(L, 1);
      lua_rawset(L, -5);
      lua_pushvalue(L, -2);
      lua_rawseti(L, -5, ++n);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return 1;
}

static int resolve_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), resolve_k, ctx);
  ebbL_check_woken(L, ebbL_S(L)->current);
  box *self = ebbL_touserdata(L, 2);
  if (EBB_UNLIKELY(self->resolve == NULL))
    return ebbL_pushuverror(L, ebb_uv_error_code(ECANCELED));
  int n = 1;
  if (self->resolve->error != 0)
    n = ebbL_pushuverror(L, self->resolve->error);
  else if (self->resolve->name != NULL)
    lua_pushstring(L, self->resolve->name);
  else
    n = push_answer(L, self->resolve);
  let_go(self);
  return n;
}

/* Of the host at 1; of the address `at`: its name. */
static int perform_resolve(lua_State *L, const ebb_endpoint *at,
                           lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  const char *host = lua_tostring(L, 1);
  lua_settop(L, 1);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_waiting(L, task);
  ebb_driver *driver = ebbL_rt_driver(L, ebbL_rt_of(task->core.rt));
  luaL_checkstack(L, 4, NULL);
  box *self = ebbL_newlinked(L, S, &box_type, sizeof *self, 0, 0);
  int error;
  self->resolve = at != NULL
                      ? ebb_resolve_start_name(driver, &S->alloc, at, &error)
                      : ebb_resolve_start(driver, &S->alloc, host, &error);
  if (self->resolve == NULL)
    return ebbL_pushuverror(L, error);
  ebb_resolve_link(&task->core, 0, self->resolve);
  return ebbL_park(L, task, 1, resolve_k, 0);
}

static int l_resolve(lua_State *L)
{
  ebbL_checkhost(L, 1);
  return perform_resolve(L, NULL, l_resolve);
}

/* name_of(address) */
static int l_name_of(lua_State *L)
{
  ebb_endpoint at;
  if (!ebb_endpoint_ip(ebbL_checkhost(L, 1), 0, &at))
    ebbL_argerror(L, 1, "numeric address expected");
  return perform_resolve(L, &at, l_name_of);
}

/* Is it a numeric address? */
static int l_is_address(lua_State *L)
{
  ebb_endpoint to;
  lua_pushboolean(L, ebb_endpoint_ip(ebbL_checkhost(L, 1), 0, &to));
  return 1;
}

/* --- duplex --------------------------------------------------------------- */

static void close_end(void *object)
{
  ebb_duplex_close(object);
}

static void release_end(void *object)
{
  ebb_duplex_release(object);
}

static const ebbL_streamclass duplex_class = {close_end, release_end};

#define DEFAULT_CAPACITY 65536

static int l_duplex(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebb_duplex *ends[2];
  lua_Integer capacity = lua_isnoneornil(L, 1)
                             ? DEFAULT_CAPACITY
                             : ebbL_checkinteger(L, 1, 1, (lua_Integer)1 << 40);
  ebbL_stream *a = ebbL_stream_new(L, S, &ebbL_duplex_type);
  ebbL_stream *b = ebbL_stream_new(L, S, &ebbL_duplex_type);
  if (!ebb_duplex_open(&S->alloc, (size_t)capacity, ends)) {
    ebbL_collect(L);
    if (!ebb_duplex_open(&S->alloc, (size_t)capacity, ends))
      ebbL_nomem(L);
  }
  ebbL_stream_set(a, &ends[0]->input, &ends[0]->output, &duplex_class, ends[0]);
  ebbL_stream_set(b, &ends[1]->input, &ends[1]->output, &duplex_class, ends[1]);
  return 2;
}

void ebbL_open_net(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"connect", l_connect},
                                   {"connect_path", l_connect_path},
                                   {"resolve", l_resolve},
                                   {"is_address", l_is_address},
                                   {"name_of", l_name_of},
                                   {"duplex", l_duplex},
                                   {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", ebbL_owner_gc}, {NULL, NULL}};
  ebbL_newtype(L, S, &box_type, NULL, meta);
  lua_pop(L, 1);
  lua_newtable(L);
  ebbL_setfuncs(L, S, funcs);
  ebbL_open_listener(L, S);
  ebbL_open_socket(L, S);
  lua_setfield(L, -2, "_net");
}
