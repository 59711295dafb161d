/* SPDX-License-Identifier: MIT */
/* What a channel hands out: explicit send and receive ops, permits (a slot
   held) and counted senders. */
#include "lua/l_chan.h"

/* --- send_op, recv_op --- */

/* [-0, +1] The channel of the explicit op at `at`. */
static void push_target(lua_State *L, int at)
{
  lua_getiuservalue(L, at, 1);
}

static int push_outcome(lua_State *L, int status)
{
  if (status == EBB_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  return ebbL_pushoutcome(L, ebb_err_word(status));
}

static int send_op_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_chan *chan = ((ebbL_op *)object)->target;
  push_target(L, at);
  if (ebb_list_is_empty(&chan->core.receivers) &&
      chan->core.count + chan->core.reserved < chan->core.cap)
    ebbL_chan_room(L, chan, -1);
  lua_getiuservalue(L, at, 2);
  int status = ebbL_chan_send(L, chan, lua_gettop(L));
  lua_pop(L, 2);
  return status == EBB_EAGAIN ? EBBL_WAIT : push_outcome(L, status);
}

static void send_op_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)object;
  lua_getiuservalue(L, at, 2);
}

static void send_op_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_chan *chan = ((ebbL_op *)object)->target;
  ebb_wait_link(&task->core, i, &ebb_chan_send_class, chan, &chan->core.senders,
                (uint32_t)payload);
}

static int send_op_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)object, (void)at, (void)payload;
  return push_outcome(L, task->core.status);
}

static const ebbL_opclass send_op_class = {"channel send",  send_op_attempt,
                                           send_op_prepare, send_op_link,
                                           send_op_settle,  0};

static int recv_op_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  return ebbL_recv_class.attempt(L, task, ((ebbL_op *)object)->target, at);
}

static void recv_op_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_recv_class.link(task, i, ((ebbL_op *)object)->target, payload);
}

static int recv_op_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  return ebbL_recv_class.settle(L, task, ((ebbL_op *)object)->target, at,
                                payload);
}

static const ebbL_opclass recv_op_class = {"channel recv", recv_op_attempt,
                                           NULL,           recv_op_link,
                                           recv_op_settle, EBBL_IGNORES_AT};

int ebbL_chan_send_op(lua_State *L)
{
  int chan_idx;
  ebbL_chan_checkvalue(L);
  ebbL_checkchan(L, 1, &chan_idx);
  ebbL_newop(L, ebbL_S(L), &send_op_class, chan_idx, 2);
  return 1;
}

int ebbL_chan_recv_op(lua_State *L)
{
  ebbL_check(L, 1, &ebbL_chan_type);
  ebbL_newop(L, ebbL_S(L), &recv_op_class, 1, 0);
  return 1;
}

/* --- permits --- */

typedef struct ebbL_permit {
  ebbL_header head; /* user value 1: the channel */
  ebbL_chan *chan;
  bool is_held;
} ebbL_permit;

const ebbL_type ebbL_permit_type = {"ebb.permit", NULL, NULL};

/* [-0, +1] An empty permit on the channel at chan_idx. */
static ebbL_permit *new_permit(lua_State *L, ebbL_chan *chan, int chan_idx)
{
  chan_idx = lua_absindex(L, chan_idx);
  ebbL_permit *permit =
      ebbL_new(L, chan->head.state, &ebbL_permit_type, sizeof *permit, 1);
  permit->chan = chan;
  lua_pushvalue(L, chan_idx);
  lua_setiuservalue(L, -2, 1);
  return permit;
}

static int reserve_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_chan *chan = ((ebbL_op *)object)->target;
  if (chan->core.closed)
    return push_outcome(L, EBB_ECLOSED);
  push_target(L, at);
  ebbL_permit *permit = new_permit(L, chan, -1);
  ebbL_chan_room(L, chan, -2);
  int status = ebb_chan_reserve(&chan->core);
  if (status != EBB_OK) {
    lua_pop(L, 2);
    return status == EBB_EAGAIN ? EBBL_WAIT : push_outcome(L, status);
  }
  permit->is_held = true;
  return 1;
}

static void reserve_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  push_target(L, at);
  new_permit(L, ((ebbL_op *)object)->target, -1);
  lua_remove(L, -2);
}

static void reserve_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_chan *chan = ((ebbL_op *)object)->target;
  ebb_wait_link(&task->core, i, &ebb_chan_reserve_class, chan,
                &chan->core.senders, (uint32_t)payload);
}

static int reserve_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  if (task->core.status != EBB_OK)
    return push_outcome(L, task->core.status);
  /* held from now on, whatever fails next */
  ebbL_permit *permit = lua_touserdata(L, payload);
  permit->is_held = true;
  push_target(L, at);
  ebbL_chan *chan = ((ebbL_op *)object)->target;
  if (chan->core.count + chan->core.reserved > chan->core.n_slots)
    ebbL_chan_room(L, chan, -1);
  lua_pushvalue(L, payload);
  return 1;
}

static const ebbL_opclass reserve_class = {"channel reserve", reserve_attempt,
                                           reserve_prepare,   reserve_link,
                                           reserve_settle,    0};

int ebbL_chan_reserve_op(lua_State *L)
{
  int chan_idx;
  ebbL_checkchan(L, 1, &chan_idx);
  ebbL_newop(L, ebbL_S(L), &reserve_class, chan_idx, 0);
  return 1;
}

/* reserve() is reserve_op():await(): permits are not for the hottest loops. */
int ebbL_chan_reserve(lua_State *L)
{
  ebbL_op *op = ebbL_test(L, 1, &ebbL_op_type);
  if (op == NULL || op->cls != &reserve_class) {
    int chan_idx;
    ebbL_checkchan(L, 1, &chan_idx);
    ebbL_newop(L, ebbL_S(L), &reserve_class, chan_idx, 0);
    lua_replace(L, 1);
  }
  lua_settop(L, 1);
  return ebbL_perform(L, &reserve_class, lua_touserdata(L, 1),
                      ebbL_chan_reserve);
}

/* The permit at 1. Its channel is kept by a user value, which a script may have
   taken away (debug.setuservalue): then it is used. [raises] */
static ebbL_permit *check_permit(lua_State *L)
{
  ebbL_permit *permit = ebbL_check(L, 1, &ebbL_permit_type);
  lua_getiuservalue(L, 1, 1);
  if (EBB_UNLIKELY(lua_touserdata(L, -1) != permit->chan))
    permit->is_held = false;
  lua_pop(L, 1);
  return permit;
}

static int l_permit_send(lua_State *L)
{
  ebbL_permit *permit = check_permit(L);
  ebbL_chan *chan = permit->chan;
  if (lua_isnoneornil(L, 2))
    ebbL_argerror(L, 2, "value expected, got nil (nil cannot be sent)");
  if (!permit->is_held)
    ebbL_throw(L, "this permit has been used or closed");
  ebb_xfer xfer;
  permit->is_held = false;
  ebb_chan_permit_send(&chan->core, &xfer);
  lua_pushvalue(L, 2);
  if (xfer.peer != NULL) {
    ebbL_task *receiver = ebbL_task_of(xfer.peer->task);
    lua_xmove(L, receiver->L, 1);
    receiver->n_args = 1;
    ebbL_chan_refill(chan, &xfer);
  } else {
    ebbL_chan_put(chan, xfer.slot, L);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int permit_close(lua_State *L)
{
  ebbL_permit *permit = check_permit(L);
  if (!permit->is_held)
    return 0;
  ebb_xfer xfer;
  permit->is_held = false;
  ebb_chan_permit_release(&permit->chan->core, &xfer);
  ebbL_chan_refill(permit->chan, &xfer);
  return 0;
}

static int permit_tostring(lua_State *L)
{
  ebbL_permit *permit = ebbL_check(L, 1, &ebbL_permit_type);
  lua_pushfstring(L, "ebb.permit: %s", permit->is_held ? "held" : "used");
  return 1;
}

/* --- counted senders --- */

typedef struct ebbL_sender {
  ebbL_header head; /* user value 1: the channel, nil once closed */
  ebbL_chan *chan;  /* NULL once closed */
} ebbL_sender;

const ebbL_type ebbL_sender_type = {"ebb.sender", NULL, NULL};

static int new_sender(lua_State *L, ebbL_chan *chan, int chan_idx)
{
  ebbL_sender *sender =
      ebbL_new(L, chan->head.state, &ebbL_sender_type, sizeof *sender, 1);
  lua_pushvalue(L, chan_idx);
  lua_setiuservalue(L, -2, 1);
  sender->chan = chan;
  chan->n_handles++;
  return 1;
}

static int l_chan_sender(lua_State *L)
{
  return new_sender(L, ebbL_check(L, 1, &ebbL_chan_type), 1);
}

static int l_sender_clone(lua_State *L)
{
  int chan_idx;
  ebbL_check(L, 1, &ebbL_sender_type);
  ebbL_chan *chan = ebbL_checkchan(L, 1, &chan_idx);
  return new_sender(L, chan, chan_idx);
}

/* The sender at 1: closed if its user value, which keeps the channel, was taken
   away. [raises] */
static ebbL_sender *check_sender(lua_State *L)
{
  ebbL_sender *sender = ebbL_check(L, 1, &ebbL_sender_type);
  lua_getiuservalue(L, 1, 1);
  if (EBB_UNLIKELY(lua_touserdata(L, -1) != sender->chan))
    sender->chan = NULL;
  lua_pop(L, 1);
  return sender;
}

static int sender_close(lua_State *L)
{
  ebbL_sender *sender = check_sender(L);
  ebbL_chan *chan = sender->chan;
  if (chan == NULL)
    return 0;
  sender->chan = NULL;
  lua_pushnil(L);
  lua_setiuservalue(L, 1, 1);
  if (--chan->n_handles == 0)
    ebb_chan_close(&chan->core);
  return 0;
}

static int l_sender_is_closed(lua_State *L)
{
  ebbL_sender *sender = check_sender(L);
  lua_pushboolean(L, sender->chan == NULL || sender->chan->core.closed);
  return 1;
}

static int sender_tostring(lua_State *L)
{
  ebbL_sender *sender = check_sender(L);
  lua_pushfstring(L, "ebb.sender: %s",
                  sender->chan == NULL        ? "closed"
                  : sender->chan->core.closed ? "channel closed"
                                              : "open");
  return 1;
}

void ebbL_open_permit(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg permit_methods[] = {
      {"send", l_permit_send}, {"close", permit_close}, {NULL, NULL}};
  static const luaL_Reg permit_meta[] = {{"__close", permit_close},
                                         {"__gc", permit_close},
                                         {"__tostring", permit_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg sender_methods[] = {
      {"send_op", ebbL_chan_send_op}, {"send_many", ebbL_chan_send_many},
      {"reserve", ebbL_chan_reserve}, {"reserve_op", ebbL_chan_reserve_op},
      {"clone", l_sender_clone},      {"is_closed", l_sender_is_closed},
      {"close", sender_close},        {NULL, NULL}};
  static const luaL_Reg sender_meta[] = {{"__close", sender_close},
                                         {"__gc", sender_close},
                                         {"__tostring", sender_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg chan_methods[] = {{"sender", l_chan_sender},
                                          {NULL, NULL}};
  ebbL_newtype(L, S, &ebbL_permit_type, permit_methods, permit_meta);
  lua_pop(L, 1);
  ebbL_newtype(L, S, &ebbL_sender_type, sender_methods, sender_meta);
  lua_pop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_chan_type);
  lua_getfield(L, -1, "__index");
  ebbL_setfuncs(L, S, chan_methods);
  lua_pop(L, 2);
}
