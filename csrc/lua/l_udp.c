/* SPDX-License-Identifier: MIT */
#include "lua/l_udp.h"

#include "lua/l_endpoint.h"
#include "lua/l_fs.h"
#include "lua/l_op.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/udp.h"

#include <errno.h>
#include <string.h>

typedef struct ebbL_udp {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  ebb_udp *udp; /* NULL until it is complete, and once collected */
} ebbL_udp;

static const ebbL_opclass recv_class;
static void udp_fini(void *object);
EBBL_OWNING_TYPE(udp_type, "ebb.udp", &recv_class, udp_fini);

static ebbL_udp *check_udp(lua_State *L)
{
  return ebbL_check(L, 1, &udp_type);
}

static bool is_closed(const ebbL_udp *self)
{
  return self->udp == NULL || self->udp->closed;
}

/* --- recvfrom ------------------------------------------------------------- */

static int push_datagram(lua_State *L, const char *data, size_t n_bytes,
                         const ebb_endpoint *from, lua_Integer max)
{
  luaL_checkstack(L, 4, NULL);
  bool is_cut = (lua_Unsigned)max < n_bytes;
  lua_pushlstring(L, data, is_cut ? (size_t)max : n_bytes);
  ebbL_pushendpoint(L, from);
  if (is_cut)
    lua_pushliteral(L, "truncated");
  return 3 + is_cut;
}

/* The first of the mailbox; it is there still when this raises. */
static int push_mail(lua_State *L, ebb_udp *udp, ebb_datagram *datagram,
                     lua_Integer max)
{
  int n =
      push_datagram(L, datagram->data, datagram->n_bytes, &datagram->from, max);
  ebb_udp_drop(udp, datagram);
  return n;
}

static int attempt(lua_State *L, ebbL_task *task, ebbL_udp *self,
                   lua_Integer max)
{
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this socket belongs to another runtime");
  ebb_udp *udp = self->udp;
  ebb_datagram *datagram = ebb_datagram_of(ebb_mailbox_first(&udp->box));
  if (datagram != NULL)
    return push_mail(L, udp, datagram, max);
  int error = ebb_udp_receive(udp);
  if (error == ebb_uv_error_code(EAGAIN))
    return EBBL_WAIT;
  if (error != 0)
    return ebbL_pushuverror(L, error);
  int n = push_datagram(L, udp->held, udp->n_held, &udp->held_from, max);
  udp->holds = false;
  return n;
}

static void recv_link(ebbL_task *task, ebbL_udp *self)
{
  ebb_udp_link(&task->core, 0, self->udp);
}

static int settle(lua_State *L, ebbL_task *task, ebbL_udp *self,
                  lua_Integer max)
{
  int status = task->core.status;
  if (status == EBB_ECLOSED || self->udp == NULL)
    return ebbL_pushoutcome(L, "closed");
  if (status == EBB_ENOMEM) { /* for its copy: it is where it came to */
    ebbL_collect(L);
    int n = attempt(L, task, self, max);
    return n >= 0 ? n : ebbL_nomem(L);
  }
  if (status != EBB_OK)
    return ebbL_pushuverror(L, status);
  ebb_mail *mail = ebb_mailbox_taken(&self->udp->box, &task->core);
  EBB_CHECK(mail != NULL);
  return push_mail(L, self->udp, ebb_datagram_of(mail), max);
}

/* The socket itself is the op that receives all of a datagram. */

static int recv_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  return attempt(L, task, object, EBB_UDP_MAX);
}

static void recv_link_at(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_udp_link(&task->core, i, ((ebbL_udp *)object)->udp);
}

static int recv_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)at, (void)payload;
  return settle(L, task, object, EBB_UDP_MAX);
}

static const ebbL_opclass recv_class = {.name = "udp recvfrom",
                                        .attempt = recv_attempt,
                                        .link = recv_link_at,
                                        .settle = recv_settle};

/* recvfrom_op(max): an op with the socket as its target. */

static int max_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_op *op = object;
  return attempt(L, task, op->target, op->n);
}

static void max_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_udp_link(&task->core, i, ((ebbL_udp *)((ebbL_op *)object)->target)->udp);
}

static int max_settle(lua_State *L, ebbL_task *task, void *object, int at,
                      int payload)
{
  (void)at, (void)payload;
  ebbL_op *op = object;
  return settle(L, task, op->target, op->n);
}

static const ebbL_opclass max_class = {.name = "udp recvfrom",
                                       .attempt = max_attempt,
                                       .link = max_link,
                                       .settle = max_settle};

static lua_Integer check_max(lua_State *L)
{
  return lua_isnoneornil(L, 2) ? EBB_UDP_MAX
                               : ebbL_checkinteger(L, 2, 0, LUA_MAXINTEGER);
}

static int recvfrom_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), recvfrom_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_check_woken(L, task);
  return settle(L, task, ebbL_touserdata(L, 1), (lua_Integer)ctx);
}

static int l_udp_recvfrom(lua_State *L)
{
  ebbL_udp *self = check_udp(L);
  lua_Integer max = check_max(L);
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_udp_recvfrom);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_udp_recvfrom);
  int n = attempt(L, task, self, max);
  if (n != EBBL_WAIT)
    return n;
  ebbL_check_waiting(L, task);
  recv_link(task, self);
  return ebbL_park(L, task, 1, recvfrom_k, (lua_KContext)max);
}

static int l_udp_recvfrom_op(lua_State *L)
{
  check_udp(L);
  lua_Integer max = check_max(L);
  ebbL_newop(L, ebbL_S(L), &max_class, 1, 0)->n = max;
  return 1;
}

/* --- sending -------------------------------------------------------------- */

typedef struct box {
  ebbL_header head;
  ebb_udp_send *send;
} box;

static void let_go(void *object)
{
  box *self = object;
  ebb_udp_send *send = self->send;
  self->send = NULL;
  if (send != NULL)
    ebb_udp_send_release(send);
}

EBBL_OWNING_TYPE(box_type, "ebb.udp.send", NULL, let_go);

static int push_sent(lua_State *L, int error)
{
  return error == ebb_uv_error_code(ECANCELED) ? ebbL_pushoutcome(L, "closed")
                                               : ebbL_pushdone(L, error);
}

static int send_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), send_k, ctx);
  ebbL_check_woken(L, ebbL_S(L)->current);
  box *self = ebbL_touserdata(L, -1);
  int error =
      self->send != NULL ? self->send->error : ebb_uv_error_code(ECANCELED);
  let_go(self);
  return push_sent(L, error);
}

/* The string at 2 goes `to`; fn with the arguments on the stack. */
static int perform_send(lua_State *L, const ebb_endpoint *to, lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_udp *self = ebbL_touserdata(L, 1);
  size_t n_bytes;
  const char *data = lua_tolstring(L, 2, &n_bytes);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this socket belongs to another runtime");
  int error = ebb_udp_try_send(self->udp, data, n_bytes, to);
  if (EBB_LIKELY(error != ebb_uv_error_code(EAGAIN)))
    return ebbL_pushdone(L, error);
  ebbL_check_waiting(L, task);
  luaL_checkstack(L, 4, NULL);
  box *sending = ebbL_newlinked(L, S, &box_type, sizeof *sending, 0, 0);
  sending->send = ebb_udp_send_start(self->udp, data, n_bytes, to);
  if (sending->send == NULL)
    return ebbL_pushuverror(L, ebb_uv_error_code(ENOMEM));
  if (sending->send->done) {
    error = sending->send->error;
    let_go(sending);
    return push_sent(L, error);
  }
  ebb_udp_send_link(&task->core, 0, sending->send);
  return ebbL_park(L, task, 1, send_k, 0);
}

static void check_data(lua_State *L)
{
  if (EBB_UNLIKELY(!lua_isstring(L, 2)))
    ebbL_typeerror(L, 2, "string");
  lua_tostring(L, 2);
}

/* sendto(data, host, port): false when the host is a name. */
static int l_udp_sendto(lua_State *L)
{
  ebb_endpoint to;
  check_udp(L);
  check_data(L);
  if (!ebbL_checkendpoint(L, 3, &to)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  return perform_send(L, &to, l_udp_sendto);
}

static int l_udp_send(lua_State *L)
{
  ebbL_udp *self = check_udp(L);
  check_data(L);
  if (!is_closed(self) && !self->udp->connected)
    return ebbL_pushuverror(L, ebb_uv_error_code(ENOTCONN));
  return perform_send(L, NULL, l_udp_send);
}

/* --- addresses and options ------------------------------------------------ */

/* connect(host, port): false when the host is a name; connect(): no more. */
static int l_udp_connect(lua_State *L)
{
  ebb_endpoint to;
  ebbL_udp *self = check_udp(L);
  bool is_none = lua_isnoneornil(L, 2);
  if (!is_none && !ebbL_checkendpoint(L, 2, &to)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return ebbL_pushdone(L, ebb_udp_connect(self->udp, is_none ? NULL : &to));
}

static int push_name(lua_State *L,
                     int (*name)(const ebb_udp *self, ebb_endpoint *address))
{
  ebb_endpoint address;
  ebbL_udp *self = check_udp(L);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  int error = name(self->udp, &address);
  return error != 0 ? ebbL_pushuverror(L, error)
                    : ebbL_pushendpoint(L, &address);
}

static int l_udp_local_address(lua_State *L)
{
  return push_name(L, ebb_udp_own_address);
}

static int l_udp_peer(lua_State *L)
{
  return push_name(L, ebb_udp_peer);
}

static int set_bool(lua_State *L, int (*set)(ebb_udp *self, bool on))
{
  ebbL_udp *self = check_udp(L);
  luaL_checkany(L, 2);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return ebbL_pushdone(L, set(self->udp, lua_toboolean(L, 2)));
}

static int set_number(lua_State *L, int (*set)(ebb_udp *self, int n))
{
  ebbL_udp *self = check_udp(L);
  int n = (int)ebbL_checkinteger(L, 2, 1, 255);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return ebbL_pushdone(L, set(self->udp, n));
}

static int l_udp_broadcast(lua_State *L)
{
  return set_bool(L, ebb_udp_set_broadcast);
}

static int l_udp_multicast_loop(lua_State *L)
{
  return set_bool(L, ebb_udp_set_multicast_loop);
}

static int l_udp_ttl(lua_State *L)
{
  return set_number(L, ebb_udp_set_ttl);
}

static int l_udp_multicast_ttl(lua_State *L)
{
  return set_number(L, ebb_udp_set_multicast_ttl);
}

static int set_member(lua_State *L, bool is_member)
{
  ebbL_udp *self = check_udp(L);
  if (EBB_UNLIKELY(lua_type(L, 2) != LUA_TSTRING))
    ebbL_typeerror(L, 2, "address of a group");
  if (EBB_UNLIKELY(!lua_isnoneornil(L, 3) && lua_type(L, 3) != LUA_TSTRING))
    ebbL_typeerror(L, 3, "address of an interface");
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return ebbL_pushdone(L, ebb_udp_set_member(self->udp, lua_tostring(L, 2),
                                             lua_tostring(L, 3), is_member));
}

static int l_udp_join(lua_State *L)
{
  return set_member(L, true);
}

static int l_udp_leave(lua_State *L)
{
  return set_member(L, false);
}

/* --- opening and closing -------------------------------------------------- */

static unsigned check_flags(lua_State *L, int arg)
{
  unsigned flags = 0;
  if (lua_isnoneornil(L, arg))
    return 0;
  if (!lua_istable(L, arg))
    ebbL_typeerror(L, arg, "table of options");
  if (lua_getfield(L, arg, "reuse"), lua_toboolean(L, -1))
    flags |= EBB_UDP_REUSE;
  if (lua_getfield(L, arg, "only_v6"), lua_toboolean(L, -1))
    flags |= EBB_UDP_ONLY_V6;
  lua_pop(L, 2);
  return flags;
}

/* open(host, port, options): false when the host is a name. */
static int l_udp_open(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebb_endpoint own;
  int error;
  if (!ebbL_checkendpoint(L, 1, &own)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  unsigned flags = check_flags(L, 3);
  ebbL_udp *self = ebbL_newlinked(L, S, &udp_type, sizeof *self, 1, 0);
  self->rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->rt);
  ebb_driver *driver = ebbL_rt_driver(L, self->rt);
  self->udp = ebb_udp_open(driver, &S->alloc, &own, flags, &error);
  if (self->udp == NULL && error == ebb_uv_error_code(ENOMEM)) {
    ebbL_collect(L);
    self->udp = ebb_udp_open(driver, &S->alloc, &own, flags, &error);
  }
  return self->udp != NULL ? 1 : ebbL_pushuverror(L, error);
}

static int l_udp_close(lua_State *L)
{
  ebbL_udp *self = check_udp(L);
  if (self->udp != NULL)
    ebb_udp_close(self->udp);
  return 0;
}

static void udp_fini(void *object)
{
  ebbL_udp *self = object;
  ebb_udp *udp = self->udp;
  self->udp = NULL;
  if (udp != NULL)
    ebb_udp_release(udp);
}

static int udp_tostring(lua_State *L)
{
  ebbL_udp *self = check_udp(L);
  ebb_endpoint address;
  char text[EBB_ENDPOINT_TEXT];
  size_t n_text;
  if (is_closed(self)) {
    lua_pushliteral(L, "ebb.udp: closed");
  } else if (ebb_udp_own_address(self->udp, &address) != 0) {
    lua_pushliteral(L, "ebb.udp: open");
  } else {
    int port = ebb_endpoint_name(&address, text, &n_text);
    lua_pushfstring(L, "ebb.udp: %s port %d%s", text, port,
                    self->udp->connected ? ", connected" : "");
  }
  return 1;
}

void ebbL_open_udp(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {{"recvfrom", l_udp_recvfrom},
                                     {"recvfrom_op", l_udp_recvfrom_op},
                                     {"sendto", l_udp_sendto},
                                     {"send", l_udp_send},
                                     {"connect", l_udp_connect},
                                     {"local_address", l_udp_local_address},
                                     {"peer", l_udp_peer},
                                     {"broadcast", l_udp_broadcast},
                                     {"ttl", l_udp_ttl},
                                     {"join", l_udp_join},
                                     {"leave", l_udp_leave},
                                     {"multicast_loop", l_udp_multicast_loop},
                                     {"multicast_ttl", l_udp_multicast_ttl},
                                     {"close", l_udp_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_udp_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", udp_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg box_meta[] = {{"__gc", ebbL_owner_gc}, {NULL, NULL}};
  ebbL_newtype(L, S, &box_type, NULL, box_meta);
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  ebbL_pushfunction(L, S, l_udp_open);
  lua_setfield(L, -2, "open");
  ebbL_newtype(L, S, &udp_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_setfield(L, -3, "methods");
  lua_pop(L, 1);
  lua_setfield(L, -2, "_udp");
}
