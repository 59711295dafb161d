/* SPDX-License-Identifier: MIT */
#include "lua/l_thread_chan.h"

#include "lua/l_clone.h"
#include "lua/l_op.h"
#include "lua/l_rt.h"
#include "lua/l_sync.h"

#include <math.h>

/* What a task that waits has on its stack. User value 1, of a send: what is
   stale once it is sent. */
typedef struct waiting {
  ebbL_header head;
  ebb_chan_far *far; /* NULL: the state closes */
} waiting;

static const ebbL_opclass recv_class;
static void chan_fini(void *object);
static void waiting_fini(void *object);
static const ebbL_owning chan_owning = {
    chan_fini, {"ebb.thread.channel", &recv_class, &chan_owning}};
const ebbL_type ebbL_thread_chan_type = {"ebb.thread.channel", &recv_class,
                                         &chan_owning};
EBBL_OWNING_TYPE(waiting_type, "ebb.thread.waiting", NULL, waiting_fini);

/* NULL in the last finalisers of a state: it counts as closed. */
static ebb_thread_chan *check_chan(lua_State *L)
{
  return ((ebbL_thread_chan *)ebbL_check(L, 1, &ebbL_thread_chan_type))->core;
}

static ebb_thread_chan *target_of(void *object)
{
  return ((ebbL_thread_chan *)ebbL_target(object))->core;
}

static void look_at(ebb_thread_chan *chan, ebb_thread_chan_view *view)
{
  if (EBB_LIKELY(chan != NULL))
    ebb_thread_chan_look(chan, view);
  else
    *view = (ebb_thread_chan_view){.is_closed = true};
}

static int outcome(lua_State *L, int status)
{
  return ebbL_pushoutcome(L, ebb_err_word(status));
}

/* [-0, +1, raises] The wait, which lets go of what it has when collected. */
static waiting *push_waiting(lua_State *L, ebbL_task *task,
                             ebb_thread_chan *chan)
{
  ebb_driver *driver = ebbL_rt_driver(L, ebbL_rt_of(task->core.rt));
  waiting *wait = ebbL_newlinked(L, task->S, &waiting_type, sizeof *wait, 1, 0);
  wait->far = ebb_chan_far_new(chan, driver);
  if (wait->far == NULL)
    ebbL_nomem(L);
  return wait;
}

static void waiting_fini(void *object)
{
  waiting *wait = object;
  ebb_chan_far *far = wait->far;
  wait->far = NULL;
  if (far != NULL)
    ebb_far_release(&far->far);
}

static void link_waiting(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  waiting *wait = ebbL_touserdata(task->L, payload);
  ebb_chan_far_link(&task->core, i, wait->far, (uint32_t)payload);
}

/* --- recv --- */

static int read_message(lua_State *L)
{
  return ebbL_clone_read(L, lua_touserdata(L, 1));
}

/* [-0, +1, raises] The value; the message is used up. For want of memory it is
   not: it is the next to be received again. */
static int push_value(lua_State *L, ebb_thread_chan *chan, ebb_message *message)
{
  if (!lua_checkstack(L, 4)) {
    ebb_thread_chan_unrecv(chan, message);
    return ebbL_nomem(L);
  }
  lua_pushcfunction(L, read_message);
  lua_pushlightuserdata(L, message);
  int status = lua_pcall(L, 1, 1, 0);
  if (status == LUA_ERRMEM)
    ebb_thread_chan_unrecv(chan, message);
  else
    ebb_message_free(message);
  if (status != LUA_OK)
    return lua_error(L);
  return 1;
}

static int recv_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebb_thread_chan *chan = target_of(object);
  ebb_message *message;
  if (EBB_UNLIKELY(chan == NULL))
    return outcome(L, EBB_ECLOSED);
  int status = ebb_thread_chan_recv(chan, &message);
  if (status == EBB_OK)
    return push_value(L, chan, message);
  return status == EBB_EAGAIN ? EBBL_WAIT : outcome(L, status);
}

static void recv_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  push_waiting(L, task, target_of(object));
}

static int recv_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)at;
  if (task->core.status != EBB_OK)
    return outcome(L, task->core.status);
  waiting *wait = ebbL_touserdata(L, payload);
  ebb_thread_chan *chan = target_of(object);
  if (wait->far == NULL || chan == NULL)
    return outcome(L, EBB_ECLOSED);
  ebb_message *message = wait->far->message;
  wait->far->message = NULL;
  return push_value(L, chan, message);
}

static const ebbL_opclass recv_class = {.name = "thread channel recv",
                                        .attempt = recv_attempt,
                                        .prepare = recv_prepare,
                                        .link = link_waiting,
                                        .settle = recv_settle,
                                        .flags = EBBL_ENLISTS};

static int l_recv(lua_State *L)
{
  check_chan(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &recv_class, ebbL_touserdata(L, 1), l_recv);
}

static int l_try_recv(lua_State *L)
{
  check_chan(L);
  int n = recv_attempt(L, NULL, ebbL_touserdata(L, 1), 1);
  return n == EBBL_WAIT ? outcome(L, EBB_EEMPTY) : n;
}

static int l_recv_op(lua_State *L)
{
  check_chan(L);
  ebbL_newop(L, ebbL_S(L), &recv_class, 1, 0);
  return 1;
}

/* --- send: always through an explicit op, whose operand is the value --- */

static const ebbL_label value_label = {NULL, "value"};

/* [-0, +2, raises] The wait, not linked, with the operand of the op at `at` as
   its message, and what is stale once it is sent. */
static waiting *push_message(lua_State *L, ebbL_task *task, ebbL_op *op, int at)
{
  waiting *wait = push_waiting(L, task, target_of(op));
  wait->far->message = ebb_message_new();
  if (wait->far->message == NULL)
    ebbL_nomem(L);
  lua_getiuservalue(L, at, 2);
  ebbL_clone_write(L, wait->far->message, lua_gettop(L), 1, &value_label);
  lua_remove(L, -2);
  return wait;
}

static int push_sent(lua_State *L)
{
  lua_pushboolean(L, 1);
  return 1;
}

static int send_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  ebbL_op *op = object;
  ebb_thread_chan *chan = target_of(object);
  ebb_thread_chan_view view;
  at = lua_absindex(L, at);
  look_at(chan, &view);
  if (view.is_closed)
    return outcome(L, EBB_ECLOSED);
  if (view.count >= view.cap && view.count >= view.n_receivers)
    return EBBL_WAIT; /* not worth while to write it */
  int top = lua_gettop(L);
  waiting *wait = push_message(L, task, op, at);
  int status = ebb_thread_chan_send(chan, wait->far->message);
  if (status == EBB_OK) {
    wait->far->message = NULL;
    ebbL_clone_sent(L, -1);
  }
  lua_settop(L, top);
  return status == EBB_OK       ? push_sent(L)
         : status == EBB_EAGAIN ? EBBL_WAIT
                                : outcome(L, status);
}

static void send_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  push_message(L, task, object, at);
  lua_setiuservalue(L, -2, 1);
}

static int send_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)object, (void)at;
  if (task->core.status != EBB_OK)
    return outcome(L, task->core.status);
  lua_getiuservalue(L, payload, 1);
  ebbL_clone_sent(L, -1);
  lua_pop(L, 1);
  return push_sent(L);
}

static const ebbL_opclass send_class = {.name = "thread channel send",
                                        .attempt = send_attempt,
                                        .prepare = send_prepare,
                                        .link = link_waiting,
                                        .settle = send_settle,
                                        .flags = EBBL_ENLISTS};

/* [channel, value] → [op] */
static ebbL_op *make_send(lua_State *L)
{
  check_chan(L);
  if (lua_isnoneornil(L, 2))
    ebbL_argerror(L, 2, "value expected, got nil (nil cannot be sent)");
  lua_settop(L, 2);
  ebbL_op *op = ebbL_newop(L, ebbL_S(L), &send_class, 1, 2);
  lua_replace(L, 1);
  lua_settop(L, 1);
  return op;
}

static int l_send(lua_State *L)
{
  ebbL_op *op = ebbL_ownop(L, &send_class);
  if (op == NULL)
    op = make_send(L);
  return ebbL_perform(L, &send_class, op, l_send);
}

static int l_send_op(lua_State *L)
{
  make_send(L);
  return 1;
}

/* Needs no task, and thus no wait to hold the message: a box of its own. */
static int l_try_send(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebb_thread_chan *chan = check_chan(L);
  if (lua_isnoneornil(L, 2))
    ebbL_argerror(L, 2, "value expected, got nil (nil cannot be sent)");
  lua_settop(L, 2);
  if (EBB_UNLIKELY(chan == NULL))
    return outcome(L, EBB_ECLOSED);
  ebbL_rt *rt = ebbL_current_rt(L, S);
  ebb_driver *driver = ebbL_rt_driver(L, rt);
  waiting *wait = ebbL_newlinked(L, S, &waiting_type, sizeof *wait, 1, 0);
  wait->far = ebb_chan_far_new(chan, driver);
  if (wait->far == NULL || (wait->far->message = ebb_message_new()) == NULL)
    ebbL_nomem(L);
  ebbL_clone_write(L, wait->far->message, 2, 1, &value_label);
  int status = ebb_thread_chan_send(chan, wait->far->message);
  if (status != EBB_OK)
    return outcome(L, status == EBB_EAGAIN ? EBB_EFULL : status);
  wait->far->message = NULL;
  ebbL_clone_sent(L, -1);
  return push_sent(L);
}

/* --- the channel --- */

static int l_close(lua_State *L)
{
  ebb_thread_chan *chan = check_chan(L);
  if (EBB_LIKELY(chan != NULL))
    ebb_thread_chan_close(chan);
  return 0;
}

static void look(lua_State *L, ebb_thread_chan_view *view)
{
  look_at(check_chan(L), view);
}

static int l_is_closed(lua_State *L)
{
  ebb_thread_chan_view view;
  look(L, &view);
  lua_pushboolean(L, view.is_closed);
  return 1;
}

static int l_capacity(lua_State *L)
{
  ebb_thread_chan_view view;
  look(L, &view);
  if (view.cap == UINT64_MAX)
    lua_pushnumber(L, HUGE_VAL);
  else
    lua_pushinteger(L, (lua_Integer)view.cap);
  return 1;
}

static int l_waiters(lua_State *L)
{
  ebb_thread_chan_view view;
  look(L, &view);
  lua_pushinteger(L, view.n_receivers);
  lua_pushinteger(L, view.n_senders);
  return 2;
}

static int chan_len(lua_State *L)
{
  ebb_thread_chan_view view;
  look(L, &view);
  lua_pushinteger(L, (lua_Integer)view.count);
  return 1;
}

static int chan_tostring(lua_State *L)
{
  ebb_thread_chan_view view;
  look(L, &view);
  lua_pushfstring(L, "ebb.thread.channel: %I/", (LUAI_UACINT)view.count);
  if (view.cap == UINT64_MAX)
    lua_pushliteral(L, "unbounded");
  else
    lua_pushfstring(L, "%I", (LUAI_UACINT)view.cap);
  lua_pushfstring(L, ", %s", view.is_closed ? "closed" : "open");
  lua_concat(L, 3);
  return 1;
}

/* Two handles of one channel are the same. */
static int chan_eq(lua_State *L)
{
  const ebbL_thread_chan *a = ebbL_test(L, 1, &ebbL_thread_chan_type);
  const ebbL_thread_chan *b = ebbL_test(L, 2, &ebbL_thread_chan_type);
  lua_pushboolean(L, a != NULL && b != NULL && a->core == b->core);
  return 1;
}

static void chan_fini(void *object)
{
  ebbL_thread_chan *self = object;
  ebb_thread_chan *chan = self->core;
  self->core = NULL;
  if (chan != NULL)
    ebb_thread_chan_release(chan);
}

void ebbL_thread_chan_push(lua_State *L, ebbL_state *S, ebb_thread_chan *chan)
{
  ebbL_thread_chan *self =
      ebbL_newlinked(L, S, &ebbL_thread_chan_type, sizeof *self, 0, 0);
  ebb_thread_chan_retain(chan);
  self->core = chan;
}

void ebbL_thread_chan_drop(void *chan)
{
  ebb_thread_chan_release(chan);
}

static int l_channel(lua_State *L)
{
  uint64_t cap = 0;
  if (lua_type(L, 1) == LUA_TNUMBER &&
      lua_tonumber(L, 1) == (lua_Number)HUGE_VAL)
    cap = UINT64_MAX;
  else if (!lua_isnoneornil(L, 1))
    cap = (uint64_t)ebbL_checkinteger(L, 1, 0, LUA_MAXINTEGER);
  ebbL_thread_chan *self =
      ebbL_newlinked(L, ebbL_S(L), &ebbL_thread_chan_type, sizeof *self, 0, 0);
  self->core = ebb_thread_chan_new(cap);
  if (self->core == NULL)
    ebbL_nomem(L);
  return 1;
}

void ebbL_open_thread_chan(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg internal[] = {{"channel", l_channel}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"send", l_send},
                                     {"recv", l_recv},
                                     {"try_send", l_try_send},
                                     {"try_recv", l_try_recv},
                                     {"send_op", l_send_op},
                                     {"recv_op", l_recv_op},
                                     {"close", l_close},
                                     {"is_closed", l_is_closed},
                                     {"capacity", l_capacity},
                                     {"waiters", l_waiters},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__call", l_recv},   {"__len", chan_len},
      {"__eq", chan_eq},    {"__gc", ebbL_owner_gc},
      {"__close", l_close}, {"__tostring", chan_tostring},
      {NULL, NULL}};
  static const luaL_Reg waiting_meta[] = {{"__gc", ebbL_owner_gc},
                                          {NULL, NULL}};
  ebbL_newtype(L, S, &waiting_type, NULL, waiting_meta);
  lua_pop(L, 1);
  ebbL_newoptype(L, S, &ebbL_thread_chan_type, methods, meta);
  ebbL_setfuncs(L, S, internal);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_thread_chan_type);
  lua_getfield(L, -1, "__index");
  lua_setfield(L, -3, "channel_methods"); /* for what is written in Lua */
  lua_pop(L, 1);
}
