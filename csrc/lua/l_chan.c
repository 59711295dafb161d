/* SPDX-License-Identifier: MIT */
/* ebb.channel: send, recv and what is around them. Explicit ops, permits and
   counted senders are in l_permit.c. */
#include "lua/l_chan.h"

#include <math.h>

ebbL_chan *ebbL_checkchan(lua_State *L, int arg, int *chan_idx)
{
  ebbL_chan *chan = ebbL_test(L, arg, &ebbL_chan_type);
  if (EBB_LIKELY(chan != NULL)) {
    *chan_idx = arg;
    return chan;
  }
  if (ebbL_test(L, arg, &ebbL_sender_type) == NULL)
    ebbL_checkfailed(L, arg, &ebbL_chan_type);
  lua_getiuservalue(L, arg, 1);
  *chan_idx = lua_gettop(L);
  chan = ebbL_test(L, *chan_idx, &ebbL_chan_type);
  if (EBB_UNLIKELY(chan == NULL))
    ebbL_throw(L, "this sender handle is closed");
  return chan;
}

static ebbL_chan *check_chan(lua_State *L)
{
  return ebbL_check(L, 1, &ebbL_chan_type);
}

void ebbL_chan_checkvalue(lua_State *L)
{
  if (EBB_LIKELY(!lua_isnoneornil(L, 2)))
    return;
  if (ebbL_test(L, 1, &ebbL_sender_type) == NULL)
    ebbL_check(L, 1, &ebbL_chan_type); /* ch.send(v) */
  ebbL_argerror(L, 2, "value expected, got nil (nil cannot be sent)");
}

static int outcome(lua_State *L, int status)
{
  return ebbL_pushoutcome(L, ebb_err_word(status));
}

/* --- recv --- */

static int recv_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  int status = ebbL_chan_recv(L, object);
  if (EBB_LIKELY(status == EBB_OK))
    return 1;
  return status == EBB_EAGAIN ? EBBL_WAIT : outcome(L, status);
}

static void recv_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_chan *chan = object;
  ebb_wait_link(&task->core, i, &ebb_chan_recv_class, chan,
                &chan->core.receivers, (uint32_t)payload);
  ebb_chan_receiver_came(&chan->core, &task->core);
}

static int recv_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)object, (void)at, (void)payload;
  return task->core.status == EBB_OK ? 1 : outcome(L, task->core.status);
}

const ebbL_opclass ebbL_recv_class = {"channel recv", recv_attempt,
                                      NULL,           recv_link,
                                      recv_settle,    EBBL_IGNORES_AT};
const ebbL_type ebbL_chan_type = {"ebb.channel", &ebbL_recv_class, NULL};

static int recv_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ((ebbL_task *)ctx)->S, recv_k, ctx);
  ebbL_task *task = (ebbL_task *)ctx;
  ebbL_check_woken(L, task);
  return EBB_LIKELY(task->core.status == EBB_OK)
             ? 1
             : outcome(L, task->core.status);
}

/* The hot path of ebbL_perform, by hand. */
static int l_chan_recv(lua_State *L)
{
  ebbL_chan *chan = check_chan(L);
  ebbL_state *S = chan->head.state;
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_chan_recv);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_chan_recv);
  int status = ebbL_chan_recv(L, chan);
  if (EBB_LIKELY(status == EBB_OK))
    return 1;
  if (status != EBB_EAGAIN)
    return outcome(L, status);
  ebbL_check_waiting(L, task);
  recv_link(task, 0, chan, 0);
  return ebbL_park(L, task, 1, recv_k, (lua_KContext)task);
}

static int l_chan_try_recv(lua_State *L)
{
  int status = ebbL_chan_recv(L, check_chan(L));
  if (EBB_LIKELY(status == EBB_OK))
    return 1;
  return outcome(L, status == EBB_EAGAIN ? EBB_EEMPTY : status);
}

/* for v in ch do: called with (ch, nil, previous) */
static int l_chan_iterate(lua_State *L)
{
  lua_settop(L, 1);
  return l_chan_recv(L);
}

/* --- send --- */

static int send_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ((ebbL_task *)ctx)->S, send_k, ctx);
  ebbL_task *task = (ebbL_task *)ctx;
  ebbL_check_woken(L, task);
  if (EBB_UNLIKELY(task->core.status != EBB_OK))
    return outcome(L, task->core.status);
  lua_pushboolean(L, 1);
  return 1;
}

/* Room is needed only when the value is going to be buffered. */
static void room_for_send(lua_State *L, ebbL_chan *chan, int chan_idx)
{
  if (ebb_list_is_empty(&chan->core.receivers) &&
      chan->core.count + chan->core.reserved < chan->core.cap)
    ebbL_chan_room(L, chan, chan_idx);
}

static int l_chan_send(lua_State *L)
{
  int chan_idx;
  ebbL_chan_checkvalue(L);
  ebbL_chan *chan = ebbL_checkchan(L, 1, &chan_idx);
  ebbL_state *S = chan->head.state;
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_chan_send);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_chan_send);
  room_for_send(L, chan, chan_idx);
  int status = ebbL_chan_send(L, chan, 2);
  if (EBB_LIKELY(status == EBB_OK)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (status != EBB_EAGAIN)
    return outcome(L, status);
  ebbL_check_waiting(L, task);
  ebb_wait_link(&task->core, 0, &ebb_chan_send_class, chan, &chan->core.senders,
                2);
  return ebbL_park(L, task, 1, send_k, (lua_KContext)task);
}

static int l_chan_try_send(lua_State *L)
{
  int chan_idx;
  ebbL_chan_checkvalue(L);
  ebbL_chan *chan = ebbL_checkchan(L, 1, &chan_idx);
  room_for_send(L, chan, chan_idx);
  int status = ebbL_chan_send(L, chan, 2);
  if (status != EBB_OK)
    return outcome(L, status == EBB_EAGAIN ? EBB_EFULL : status);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- many at once --- */

#define MANY_WAITING 64 /* how many a waiting recv_many is ready to take */

/* [list] Takes what is there, up to n values, into the table on top, which has
   room for them. EBB_OK, or why there are no more. */
static int take_more(lua_State *L, ebbL_chan *chan, lua_Integer *n_have,
                     lua_Integer n)
{
  int list = lua_gettop(L), status = EBB_OK;
  while (*n_have < n && (status = ebbL_chan_recv(L, chan)) == EBB_OK)
    lua_rawseti(L, list, ++*n_have);
  return status;
}

static int recv_many_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), recv_many_k, ctx);
  ebbL_task *task = (ebbL_task *)ctx;
  ebbL_check_woken(L, task);
  if (task->core.status != EBB_OK)
    return outcome(L, task->core.status);
  ebbL_chan *chan = lua_touserdata(L, 1);
  lua_Integer max = lua_tointeger(L, 2), n_have = 1;
  lua_rawseti(L, 3, 1); /* [ch, max, list, a stranger's values…, value] */
  lua_settop(L, 3);
  take_more(L, chan, &n_have, max < MANY_WAITING ? max : MANY_WAITING);
  return 1;
}

int ebbL_chan_recv_many(lua_State *L)
{
  ebbL_chan *chan = check_chan(L);
  lua_Integer max = ebbL_checkinteger(L, 2, 1, LUA_MAXINTEGER);
  ebbL_state *S = chan->head.state;
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, ebbL_chan_recv_many);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, ebbL_chan_recv_many);
  lua_settop(L, 2);
  if (ebb_chan_is_drained(&chan->core))
    return outcome(L, EBB_ECLOSED);
  /* the table is made before anything is taken */
  uint64_t there = chan->core.count;
  if (there < MANY_WAITING)
    there = MANY_WAITING;
  lua_Integer n = there < (uint64_t)max ? (lua_Integer)there : max;
  lua_createtable(L, n < 1 << 20 ? (int)n : 1 << 20, 0);
  if (n > 1 << 20)
    n = 1 << 20;
  lua_Integer n_have = 0;
  int status = take_more(L, chan, &n_have, n);
  if (n_have > 0)
    return 1;
  if (status != EBB_EAGAIN) /* a finaliser has closed it meanwhile */
    return outcome(L, status);
  ebbL_check_waiting(L, task);
  recv_link(task, 0, chan, 0);
  return ebbL_park(L, task, 1, recv_many_k, (lua_KContext)task);
}

static int send_many_from(lua_State *L, ebbL_task *task, lua_Integer i);

/* [ch, list, …, value i] */
static void check_item(lua_State *L, lua_Integer i)
{
  if (EBB_UNLIKELY(lua_isnil(L, -1)))
    ebbL_argerror(L, 2,
                  lua_pushfstring(L,
                                  "values expected, item %I is nil (nil "
                                  "cannot be sent)",
                                  (LUAI_UACINT)i));
}

/* [ch, list, chan, value]: value i was waiting */
static int send_many_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), send_many_k, ctx);
  ebbL_chan *chan = lua_touserdata(L, 3);
  ebbL_task *task = chan->head.state->current;
  lua_Integer i = (lua_Integer)ctx;
  ebbL_check_woken(L, task);
  lua_settop(L, 3);
  if (task->core.status != EBB_OK) {
    lua_pushinteger(L, i - 1);
    lua_pushstring(L, ebb_err_word(task->core.status));
    return 2;
  }
  return send_many_from(L, task, i + 1);
}

static int send_many_turn_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), send_many_turn_k, ctx);
  ebbL_chan *chan = lua_touserdata(L, 3);
  ebbL_check_waiting(L, chan->head.state->current);
  return send_many_from(L, chan->head.state->current, (lua_Integer)ctx);
}

static int send_many_from(lua_State *L, ebbL_task *task, lua_Integer i)
{
  ebbL_chan *chan = lua_touserdata(L, 3);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
  for (; i <= n; i++) {
    if (ebbL_spent(task)) {
      return ebbL_let_others(L, task, send_many_turn_k, (lua_KContext)i);
    }
    lua_rawgeti(L, 2, i);
    check_item(L, i); /* the list may have changed while it waited */
    room_for_send(L, chan, 3);
    int status = ebbL_chan_send(L, chan, 4);
    if (status == EBB_EAGAIN) {
      ebbL_check_waiting(L, task);
      ebb_wait_link(&task->core, 0, &ebb_chan_send_class, chan,
                    &chan->core.senders, 4);
      return ebbL_park(L, task, 1, send_many_k, (lua_KContext)i);
    }
    lua_settop(L, 3);
    if (status != EBB_OK) {
      lua_pushinteger(L, i - 1);
      lua_pushstring(L, ebb_err_word(status));
      return 2;
    }
  }
  lua_pushinteger(L, i - 1);
  return 1;
}

int ebbL_chan_send_many(lua_State *L)
{
  int chan_idx;
  if (!lua_istable(L, 2)) {
    if (ebbL_test(L, 1, &ebbL_sender_type) == NULL)
      ebbL_check(L, 1, &ebbL_chan_type);
    ebbL_typeerror(L, 2, "list of values");
  }
  lua_settop(L, 2);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
  for (lua_Integer i = 1; i <= n; i++) { /* all of it or nothing */
    lua_rawgeti(L, 2, i);
    check_item(L, i);
    lua_pop(L, 1);
  }
  ebbL_chan *chan = ebbL_checkchan(L, 1, &chan_idx);
  ebbL_state *S = chan->head.state;
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL) {
    lua_settop(L, 2);
    return ebbL_drive(L, S, ebbL_chan_send_many);
  }
  ebbL_check_struck(L, task);
  if (chan_idx == 1)
    lua_pushvalue(L, 1); /* a sender's channel was pushed there already */
  return send_many_from(L, task, 1);
}

/* --- close and what can be seen --- */

static int l_chan_close(lua_State *L)
{
  ebb_chan_close(&check_chan(L)->core);
  return 0;
}

static int l_chan_is_closed(lua_State *L)
{
  lua_pushboolean(L, check_chan(L)->core.closed);
  return 1;
}

static int l_chan_capacity(lua_State *L)
{
  uint64_t cap = check_chan(L)->core.cap;
  if (cap == EBB_CHAN_UNBOUNDED)
    lua_pushnumber(L, (lua_Number)HUGE_VAL);
  else
    lua_pushinteger(L, (lua_Integer)cap);
  return 1;
}

static lua_Integer count_waiters(const ebb_waitq *queue)
{
  lua_Integer n = 0;
  ebb_list_foreach(node, queue)
    n++;
  return n;
}

static int l_chan_waiters(lua_State *L)
{
  ebbL_chan *chan = check_chan(L);
  lua_pushinteger(L, count_waiters(&chan->core.receivers));
  lua_pushinteger(L, count_waiters(&chan->core.senders));
  return 2;
}

static int chan_len(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)check_chan(L)->core.count);
  return 1;
}

static int chan_tostring(lua_State *L)
{
  ebbL_chan *chan = check_chan(L);
  const char *state = chan->core.closed ? "closed" : "open";
  if (chan->core.cap == EBB_CHAN_UNBOUNDED)
    lua_pushfstring(L, "ebb.channel: %I/unbounded, %s",
                    (LUAI_UACINT)chan->core.count, state);
  else
    lua_pushfstring(L, "ebb.channel: %I/%I, %s", (LUAI_UACINT)chan->core.count,
                    (LUAI_UACINT)chan->core.cap, state);
  return 1;
}

static uint64_t check_capacity(lua_State *L, int arg)
{
  if (lua_isnoneornil(L, arg))
    return 0;
  if (lua_type(L, arg) == LUA_TNUMBER &&
      lua_tonumber(L, arg) == (lua_Number)HUGE_VAL)
    return EBB_CHAN_UNBOUNDED;
  return (uint64_t)ebbL_checkinteger(L, arg, 0, LUA_MAXINTEGER);
}

static int l_channel(lua_State *L)
{
  uint64_t cap = check_capacity(L, 1);
  ebbL_chan *chan = ebbL_new(L, ebbL_S(L), &ebbL_chan_type, sizeof *chan, 1);
  ebb_chan_init(&chan->core, cap);
  return 1;
}

void ebbL_open_chan(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"channel", l_channel}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"send", l_chan_send},
                                     {"recv", l_chan_recv},
                                     {"try_send", l_chan_try_send},
                                     {"try_recv", l_chan_try_recv},
                                     {"send_op", ebbL_chan_send_op},
                                     {"recv_op", ebbL_chan_recv_op},
                                     {"reserve_op", ebbL_chan_reserve_op},
                                     {"reserve", ebbL_chan_reserve},
                                     {"send_many", ebbL_chan_send_many},
                                     {"recv_many", ebbL_chan_recv_many},
                                     {"close", l_chan_close},
                                     {"is_closed", l_chan_is_closed},
                                     {"capacity", l_chan_capacity},
                                     {"waiters", l_chan_waiters},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__call", l_chan_iterate},
                                  {"__len", chan_len},
                                  {"__close", l_chan_close},
                                  {"__tostring", chan_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg sending[] = {
      {"send", l_chan_send}, {"try_send", l_chan_try_send}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &ebbL_chan_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
  ebbL_open_permit(L, S);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_sender_type);
  lua_getfield(L, -1, "__index");
  ebbL_setfuncs(L, S, sending);
  lua_pop(L, 2);
}
