/* SPDX-License-Identifier: MIT */
/* ebb.watch: the latest value, and subscriptions that know what they saw. */
#include "lua/l_sync.h"
#include "sync/watch.h"

typedef struct ebbL_watch {
  ebbL_header head; /* user value 1: the value */
  ebb_watch core;
} ebbL_watch;

typedef struct ebbL_watchsub {
  ebbL_header head; /* user value 1: the watch */
  ebb_watch_sub core;
} watchsub;

static const ebbL_opclass changed_class;
static const ebbL_type watch_type = {"ebb.watch", NULL, NULL};
static const ebbL_type watchsub_type = {"ebb.watchsub", &changed_class, NULL};

static ebbL_watch *check_watch(lua_State *L)
{
  return ebbL_check(L, 1, &watch_type);
}

static watchsub *check_sub(lua_State *L)
{
  return ebbL_check(L, 1, &watchsub_type);
}

/* [-0, +1] */
static void push_value(lua_State *L, int sub_idx)
{
  lua_getiuservalue(L, sub_idx, 1);
  lua_getiuservalue(L, -1, 1);
  lua_remove(L, -2);
}

/* --- the watch
 * ---------------------------------------------------------------- */

static int l_set(lua_State *L)
{
  ebbL_watch *watch = check_watch(L);
  if (watch->core.closed)
    return ebbL_pushoutcome(L, "closed");
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, 1);
  ebb_watch_set(&watch->core);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_get(lua_State *L)
{
  check_watch(L);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

/* (fn): the value becomes fn(value). fn may not await, so that no other task
   sets it in between; if it throws, or closes the watch, nothing has changed.
 */
static int l_update(lua_State *L)
{
  ebbL_watch *watch = check_watch(L);
  ebbL_checkcallable(L, 2);
  if (watch->core.closed)
    return ebbL_pushoutcome(L, "closed");
  lua_settop(L, 2);
  lua_getiuservalue(L, 1, 1);
  lua_call(L, 1, 1);
  if (watch->core.closed)
    return ebbL_pushoutcome(L, "closed");
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
  ebb_watch_set(&watch->core);
  return 1;
}

static int l_close(lua_State *L)
{
  ebb_watch_close(&check_watch(L)->core);
  return 0;
}

static int l_is_closed(lua_State *L)
{
  lua_pushboolean(L, check_watch(L)->core.closed);
  return 1;
}

static int l_subscribe(lua_State *L)
{
  ebbL_watch *watch = check_watch(L);
  watchsub *sub = ebbL_new(L, ebbL_S(L), &watchsub_type, sizeof *sub, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  ebb_watch_subscribe(&watch->core, &sub->core);
  return 1;
}

static int watch_tostring(lua_State *L)
{
  ebbL_watch *watch = check_watch(L);
  lua_pushfstring(L, "ebb.watch: version %I%s",
                  (LUAI_UACINT)watch->core.version,
                  watch->core.closed ? ", closed" : "");
  return 1;
}

static int l_watch(lua_State *L)
{
  lua_settop(L, 1);
  ebbL_watch *watch = ebbL_new(L, ebbL_S(L), &watch_type, sizeof *watch, 1);
  ebb_watch_init(&watch->core);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* --- changed
 * -------------------------------------------------------------------- */

static int changed_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  watchsub *sub = ebbL_target(object);
  int status = ebb_watch_changed(&sub->core);
  return status == EBB_EAGAIN ? EBBL_WAIT : ebbL_pushtrue(L, status);
}

static void changed_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  watchsub *sub = ebbL_target(object);
  ebb_watch_link(&task->core, i, &sub->core, (uint32_t)payload);
}

/* What it was woken for may have been seen by another task in between, or be
   newer by now: either way it has changed. */
static int changed_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)at, (void)payload;
  watchsub *sub = ebbL_target(object);
  if (ebb_watch_changed(&sub->core) == EBB_OK || task->core.status == EBB_OK)
    return ebbL_pushtrue(L, EBB_OK);
  return ebbL_pushtrue(L, task->core.status);
}

static const ebbL_opclass changed_class = {.name = "watch changed",
                                           .attempt = changed_attempt,
                                           .link = changed_link,
                                           .settle = changed_settle};

static int l_changed(lua_State *L)
{
  watchsub *sub = check_sub(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &changed_class, sub, l_changed);
}

static int l_changed_op(lua_State *L)
{
  check_sub(L);
  ebbL_newop(L, ebbL_S(L), &changed_class, 1, 0);
  return 1;
}

static int l_has_changed(lua_State *L)
{
  watchsub *sub = check_sub(L);
  lua_pushboolean(L, !sub->core.closed &&
                         sub->core.seen != sub->core.watch->version);
  return 1;
}

static int sub_get(lua_State *L)
{
  watchsub *sub = check_sub(L);
  sub->core.seen = sub->core.watch->version;
  push_value(L, 1);
  return 1;
}

/* for v in sub: the next value, nil when it is closed. */
static int next_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  int n = changed_attempt(L, task, object, at);
  if (n == 1) {
    lua_pop(L, 1);
    push_value(L, at);
  }
  return n;
}

static int next_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  int n = changed_settle(L, task, object, at, payload);
  if (n == 1)
    push_value(L, at);
  return n;
}

static const ebbL_opclass next_class = {.name = "watch changed",
                                        .attempt = next_attempt,
                                        .link = changed_link,
                                        .settle = next_settle};

static int sub_iterate(lua_State *L)
{
  watchsub *sub = check_sub(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &next_class, sub, sub_iterate);
}

/* --- wait_for
 * ---------------------------------------------------------------------- */

static int asked_k(lua_State *L, int status, lua_KContext version);

/* [sub, pred] Asks about the present value. */
static int ask(lua_State *L)
{
  watchsub *sub = lua_touserdata(L, 1);
  lua_KContext version = (lua_KContext)sub->core.watch->version;
  lua_settop(L, 2);
  push_value(L, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_callk(L, 1, 1, version, asked_k);
  return asked_k(L, LUA_OK, version);
}

static int woken_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  ebbL_state *S = ebbL_S(L);
  EBBL_OWN_RESUME(L, S, woken_k, ctx);
  ebbL_check_woken(L, S->current);
  return ask(L);
}

/* [sub, pred, value, answer] */
static int asked_k(lua_State *L, int status, lua_KContext version)
{
  (void)status;
  ebbL_state *S = ebbL_S(L);
  watchsub *sub = lua_touserdata(L, 1);
  if (lua_toboolean(L, 4)) {
    sub->core.seen = (uint64_t)version;
    lua_settop(L, 3);
    return 1;
  }
  if (sub->core.watch->version != (uint64_t)version)
    return ask(L);
  if (sub->core.closed || sub->core.watch->closed)
    return ebbL_pushoutcome(L, "closed");
  ebbL_task *task = ebbL_self(L, S);
  ebbL_check_waiting(L, task);
  ebb_watch_link(&task->core, 0, &sub->core, 0);
  return ebbL_park(L, task, 1, woken_k, 0);
}

/* (pred): the present value or a later one for which pred(value) is true. The
   last value wins over closed. */
static int l_wait_for(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  check_sub(L);
  ebbL_checkcallable(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, l_wait_for);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_wait_for);
  return ask(L);
}

/* --- closing
 * ----------------------------------------------------------------------- */

static int sub_close(lua_State *L)
{
  watchsub *sub = check_sub(L);
  if (sub->core.watch != NULL && !sub->core.closed)
    ebb_watch_unsubscribe(&sub->core);
  return 0;
}

static int sub_tostring(lua_State *L)
{
  watchsub *sub = check_sub(L);
  bool changed = sub->core.seen != sub->core.watch->version;
  lua_pushfstring(L, "ebb.watchsub: %s",
                  sub->core.closed          ? "closed"
                  : changed                 ? "changed"
                  : sub->core.watch->closed ? "watch closed"
                                            : "seen");
  return 1;
}

void ebbL_open_watch(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"watch", l_watch}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"set", l_set},       {"get", l_get},
      {"update", l_update}, {"subscribe", l_subscribe},
      {"close", l_close},   {"is_closed", l_is_closed},
      {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__close", l_close}, {"__tostring", watch_tostring}, {NULL, NULL}};
  static const luaL_Reg sub_methods[] = {{"changed", l_changed},
                                         {"changed_op", l_changed_op},
                                         {"has_changed", l_has_changed},
                                         {"get", sub_get},
                                         {"wait_for", l_wait_for},
                                         {"close", sub_close},
                                         {NULL, NULL}};
  static const luaL_Reg sub_meta[] = {{"__call", sub_iterate},
                                      {"__close", sub_close},
                                      {"__gc", sub_close},
                                      {"__tostring", sub_tostring},
                                      {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &watch_type, methods, meta);
  lua_pop(L, 1);
  ebbL_newoptype(L, S, &watchsub_type, sub_methods, sub_meta);
}
