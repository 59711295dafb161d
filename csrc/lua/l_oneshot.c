/* SPDX-License-Identifier: MIT */
/* ebb.oneshot: its values go straight to who waits, or lie in the user value.
 */
#include "lua/l_sync.h"
#include "sync/oneshot.h"

typedef struct ebbL_oneshot {
  ebbL_header head; /* user value 1: the value, or a list of n_values */
  ebb_oneshot core;
  int n_values;
  bool failed; /* the one value is an error to be thrown */
} ebbL_oneshot;

static const ebbL_opclass recv_class;
static const ebbL_type oneshot_type = {"ebb.oneshot", &recv_class, NULL};

static ebbL_oneshot *check_oneshot(lua_State *L)
{
  return ebbL_check(L, 1, &oneshot_type);
}

/* --- recv -------------------------------------------------------------------
 */

/* The oneshot is at `at`, its values have just been taken: pushes them. */
static int push_values(lua_State *L, ebbL_oneshot *oneshot, int at)
{
  int n = oneshot->n_values;
  lua_getiuservalue(L, at, 1);
  lua_pushnil(L);
  lua_setiuservalue(L, at, 1);
  if (oneshot->failed)
    return lua_error(L);
  if (n == 1)
    return 1;
  int list = lua_gettop(L);
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, list, i);
  lua_remove(L, list);
  return n;
}

static int recv_now(lua_State *L, ebbL_oneshot *oneshot, int at)
{
  luaL_checkstack(L, oneshot->n_values + 4, "too many values");
  int status = ebb_oneshot_recv(&oneshot->core);
  if (status == EBB_OK)
    return push_values(L, oneshot, at);
  return status == EBB_EAGAIN ? EBBL_WAIT
                              : ebbL_pushoutcome(L, ebb_err_word(status));
}

static int recv_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  return recv_now(L, object, at);
}

static void recv_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_oneshot *oneshot = object;
  ebb_wait_link(&task->core, i, &ebb_oneshot_class, oneshot,
                &oneshot->core.waiters, (uint32_t)payload);
}

static int recv_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)at, (void)payload;
  ebbL_oneshot *oneshot = object;
  if (task->core.status != EBB_OK)
    return ebbL_pushoutcome(L, ebb_err_word(task->core.status));
  return oneshot->failed ? lua_error(L) : task->n_args;
}

static const ebbL_opclass recv_class = {.name = "oneshot recv",
                                        .attempt = recv_attempt,
                                        .link = recv_link,
                                        .settle = recv_settle};

static int l_recv(lua_State *L)
{
  ebbL_oneshot *oneshot = check_oneshot(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &recv_class, oneshot, l_recv);
}

static int l_try_recv(lua_State *L)
{
  int n = recv_now(L, check_oneshot(L), 1);
  return n >= 0 ? n : ebbL_pushoutcome(L, "empty");
}

/* --- send
 * --------------------------------------------------------------------- */

/* [oneshot, values…] All that can fail comes before the send. */
static int send_values(lua_State *L, ebbL_oneshot *oneshot, bool failed)
{
  int n = lua_gettop(L) - 1;
  ebb_oneshot *core = &oneshot->core;
  ebb_wait *peer = ebb_waitq_head(&core->waiters);
  if (core->closed || core->state != EBB_ONESHOT_EMPTY)
    return ebbL_pushoutcome(L, "closed");
  luaL_checkstack(L, 4, NULL);
  if (peer == NULL && n > 1) {
    lua_createtable(L, n, 0);
    lua_insert(L, 2);
    for (int i = n; i >= 1; i--)
      lua_rawseti(L, 2, i);
    if (core->closed || core->state != EBB_ONESHOT_EMPTY)
      return ebbL_pushoutcome(L, "closed"); /* by a finaliser */
  } else if (peer != NULL &&
             !lua_checkstack(ebbL_task_of(peer->task)->L, n + 4)) {
    return ebbL_nomem(L);
  }
  oneshot->failed = failed;
  oneshot->n_values = n;
  ebb_oneshot_send(core, &peer);
  if (peer != NULL) {
    ebbL_task *receiver = ebbL_task_of(peer->task);
    lua_xmove(L, receiver->L, n);
    receiver->n_args = n;
  } else {
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, 1);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int l_send(lua_State *L)
{
  return send_values(L, check_oneshot(L), false);
}

static int l_fail(lua_State *L)
{
  ebbL_oneshot *oneshot = check_oneshot(L);
  lua_settop(L, 2);
  return send_values(L, oneshot, true);
}

/* --- the oneshot
 * -------------------------------------------------------------- */

static int l_close(lua_State *L)
{
  ebb_oneshot_close(&check_oneshot(L)->core);
  return 0;
}

static int l_is_closed(lua_State *L)
{
  ebb_oneshot *core = &check_oneshot(L)->core;
  lua_pushboolean(L, core->closed || core->state == EBB_ONESHOT_TAKEN);
  return 1;
}

static int oneshot_tostring(lua_State *L)
{
  static const char *const words[] = {"empty", "sent", "received"};
  ebb_oneshot *core = &check_oneshot(L)->core;
  lua_pushfstring(L, "ebb.oneshot: %s%s", words[core->state],
                  core->closed ? ", closed" : "");
  return 1;
}

static int l_oneshot(lua_State *L)
{
  ebbL_oneshot *oneshot =
      ebbL_new(L, ebbL_S(L), &oneshot_type, sizeof *oneshot, 1);
  ebb_oneshot_init(&oneshot->core);
  return 1;
}

void ebbL_open_oneshot(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"oneshot", l_oneshot}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"send", l_send},   {"fail", l_fail},
      {"recv", l_recv},   {"try_recv", l_try_recv},
      {"close", l_close}, {"is_closed", l_is_closed},
      {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__close", l_close}, {"__tostring", oneshot_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newoptype(L, S, &oneshot_type, methods, meta);
}
