/* SPDX-License-Identifier: MIT */
/* ebb.broadcast. A value goes straight to the stacks of the tasks that wait,
   and into a table for those that do not yet. */
#include "lua/l_sync.h"
#include "sync/broadcast.h"

typedef struct ebbL_broadcast {
  ebbL_header head; /* user value 1: the slots */
  ebb_broadcast core;
} ebbL_broadcast;

typedef struct ebbL_broadcastsub {
  ebbL_header head; /* user value 1: the broadcast */
  ebb_broadcast_sub core;
} broadcastsub;

static const ebbL_type broadcast_type = {"ebb.broadcast", NULL, NULL};
#define sub_type (ebbL_linked_types[EBBL_LINKED_BROADCASTSUB])

static ebbL_broadcast *check_broadcast(lua_State *L)
{
  return ebbL_check(L, 1, &broadcast_type);
}

static broadcastsub *check_sub(lua_State *L)
{
  return ebbL_check(L, 1, &sub_type);
}

/* Lets the values go that everybody has received. The table of slots is at
   slots_idx; its keys exist, so nothing allocates. [no-raise] */
static void trim(lua_State *L, ebb_broadcast *core, int slots_idx)
{
  uint64_t from, base;
  uint64_t to = ebb_broadcast_trim(core, &from, &base);
  for (; from < to; from++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, slots_idx, (lua_Integer)((from - base) % core->cap) + 1);
  }
}

/* --- send
 * ----------------------------------------------------------------------- */

static void hand(ebb_wait *wait, void *ud)
{
  lua_State *L = ud;
  ebbL_task *receiver = ebbL_task_of(wait->task);
  lua_pushvalue(L, 2);
  lua_xmove(L, receiver->L, 1);
  receiver->n_args = 1;
}

static int l_send(lua_State *L)
{
  ebbL_broadcast *broadcast = check_broadcast(L);
  ebb_broadcast *core = &broadcast->core;
  if (lua_isnoneornil(L, 2))
    ebbL_argerror(L, 2, "value expected, got nil (nil cannot be sent)");
  if (core->closed)
    return ebbL_pushoutcome(L, "closed");
  lua_settop(L, 2);
  lua_Integer n_subs = (lua_Integer)core->n_subs;
  if (n_subs > 0) {
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, 3, (lua_Integer)ebb_broadcast_slot(core, core->tail) + 1);
    /* nothing raises from here on */
    ebb_broadcast_send(core, hand, L);
    trim(L, core, 3);
  }
  lua_pushinteger(L, n_subs);
  return 1;
}

/* --- recv
 * ----------------------------------------------------------------------- */

/* [-0, +1 if EBB_OK] of the subscription at `at` */
static int take(lua_State *L, broadcastsub *sub, int at, uint64_t *n)
{
  int status = ebb_broadcast_recv(&sub->core, n);
  if (status != EBB_OK)
    return status;
  lua_getiuservalue(L, at, 1);
  lua_getiuservalue(L, -1, 1);
  int slots = lua_gettop(L);
  lua_rawgeti(L, slots, (lua_Integer)*n + 1);
  trim(L, sub->core.broadcast, slots);
  lua_replace(L, slots - 1);
  lua_settop(L, slots - 1);
  return EBB_OK;
}

static int outcome(lua_State *L, int status, uint64_t n)
{
  if (status == EBB_OK)
    return 1;
  if (status != EBB_BROADCAST_LAGGED)
    return ebbL_pushoutcome(L, ebb_err_word(status));
  ebbL_pushoutcome(L, "lagged");
  lua_pushinteger(L, (lua_Integer)n);
  return 3;
}

static int recv_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  uint64_t n;
  broadcastsub *sub = ebbL_target(object);
  int top = lua_gettop(L);
  ebbL_pushtarget(L, object, at);
  int status = take(L, sub, top + 1, &n);
  if (status == EBB_OK)
    return 1;
  lua_settop(L, top);
  return status == EBB_EAGAIN ? EBBL_WAIT : outcome(L, status, n);
}

static void recv_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  broadcastsub *sub = ebbL_target(object);
  ebb_broadcast_link(&task->core, i, &sub->core, (uint32_t)payload);
}

static int recv_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)object, (void)at, (void)payload;
  return outcome(L, task->core.status, 0);
}

const ebbL_opclass ebbL_broadcastsub_class = {.name = "broadcast recv",
                                              .attempt = recv_attempt,
                                              .link = recv_link,
                                              .settle = recv_settle};

static int l_recv(lua_State *L)
{
  broadcastsub *sub = check_sub(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &ebbL_broadcastsub_class, sub, l_recv);
}

static int l_recv_op(lua_State *L)
{
  check_sub(L);
  ebbL_newop(L, ebbL_S(L), &ebbL_broadcastsub_class, 1, 0);
  return 1;
}

static int l_try_recv(lua_State *L)
{
  uint64_t n;
  broadcastsub *sub = check_sub(L);
  int status = take(L, sub, 1, &n);
  return outcome(L, status == EBB_EAGAIN ? EBB_EEMPTY : status, n);
}

/* for v, missed in sub: a lag does not end the loop, it comes with the value
   after it. */
static int next_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  uint64_t n, missed = 0;
  broadcastsub *sub = object;
  int status = take(L, sub, at, &n);
  if (status == EBB_BROADCAST_LAGGED) {
    missed = n;
    status = take(L, sub, at, &n);
  }
  if (status == EBB_EAGAIN)
    return EBBL_WAIT;
  if (status != EBB_OK || missed == 0)
    return outcome(L, status, n);
  lua_pushinteger(L, (lua_Integer)missed);
  return 2;
}

static const ebbL_opclass next_class = {.name = "broadcast recv",
                                        .attempt = next_attempt,
                                        .link = recv_link,
                                        .settle = recv_settle};

static int sub_iterate(lua_State *L)
{
  broadcastsub *sub = check_sub(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &next_class, sub, sub_iterate);
}

/* --- subscriptions
 * ------------------------------------------------------------------ */

static int l_subscribe(lua_State *L)
{
  ebbL_broadcast *broadcast = check_broadcast(L);
  lua_pushvalue(L, 1);
  broadcastsub *sub =
      ebbL_newlinked(L, ebbL_S(L), &sub_type, sizeof *sub, 1, 1);
  ebb_list_init(&sub->core.link);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  ebb_broadcast_subscribe(&broadcast->core, &sub->core);
  return 1;
}

static int sub_close(lua_State *L)
{
  broadcastsub *sub = check_sub(L);
  ebb_broadcast *core = sub->core.broadcast;
  if (core == NULL)
    return 0;
  ebb_broadcast_unsubscribe(&sub->core);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, 1);
  lua_getiuservalue(L, 2, 1);
  trim(L, core, 3);
  return 0;
}

static int sub_gc(lua_State *L)
{
  if (ebbL_test(L, 1, &sub_type) == NULL)
    return 0;
  sub_close(L);
  return ebbL_let_go(L);
}

/* How many values are to come, those that are lost included. */
static int sub_len(lua_State *L)
{
  broadcastsub *sub = check_sub(L);
  const ebb_broadcast *core = sub->core.broadcast;
  lua_pushinteger(L, core == NULL ? 0
                                  : (lua_Integer)(core->tail - sub->core.next));
  return 1;
}

static int sub_tostring(lua_State *L)
{
  broadcastsub *sub = check_sub(L);
  const ebb_broadcast *core = sub->core.broadcast;
  if (core == NULL)
    lua_pushliteral(L, "ebb.broadcastsub: closed");
  else
    lua_pushfstring(L, "ebb.broadcastsub: %I to receive%s",
                    (LUAI_UACINT)(core->tail - sub->core.next),
                    core->closed ? ", broadcast closed" : "");
  return 1;
}

/* --- the broadcast
 * ------------------------------------------------------------------- */

static int l_close(lua_State *L)
{
  ebb_broadcast_close(&check_broadcast(L)->core);
  return 0;
}

static int l_is_closed(lua_State *L)
{
  lua_pushboolean(L, check_broadcast(L)->core.closed);
  return 1;
}

static int l_capacity(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)check_broadcast(L)->core.cap);
  return 1;
}

/* How many values are kept for the one that is furthest behind. */
static int broadcast_len(lua_State *L)
{
  const ebb_broadcast *core = &check_broadcast(L)->core;
  uint64_t n = core->tail - core->kept;
  lua_pushinteger(L, (lua_Integer)(n < core->cap ? n : core->cap));
  return 1;
}

static int broadcast_tostring(lua_State *L)
{
  const ebb_broadcast *core = &check_broadcast(L)->core;
  lua_pushfstring(L, "ebb.broadcast: %I receivers%s", (LUAI_UACINT)core->n_subs,
                  core->closed ? ", closed" : "");
  return 1;
}

static int l_broadcast(lua_State *L)
{
  lua_Integer cap = ebbL_checkinteger(L, 1, 1, LUA_MAXINTEGER);
  ebbL_broadcast *broadcast =
      ebbL_new(L, ebbL_S(L), &broadcast_type, sizeof *broadcast, 1);
  ebb_broadcast_init(&broadcast->core, (uint64_t)cap);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void ebbL_open_broadcast(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"broadcast", l_broadcast}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"send", l_send},         {"subscribe", l_subscribe},
      {"close", l_close},       {"is_closed", l_is_closed},
      {"capacity", l_capacity}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__len", broadcast_len},
                                  {"__close", l_close},
                                  {"__tostring", broadcast_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg sub_methods[] = {{"recv", l_recv},
                                         {"recv_op", l_recv_op},
                                         {"try_recv", l_try_recv},
                                         {"close", sub_close},
                                         {NULL, NULL}};
  static const luaL_Reg sub_meta[] = {
      {"__call", sub_iterate},      {"__len", sub_len},
      {"__close", sub_close},       {"__gc", sub_gc},
      {"__tostring", sub_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &broadcast_type, methods, meta);
  lua_pop(L, 1);
  ebbL_newoptype(L, S, &sub_type, sub_methods, sub_meta);
}
