/* SPDX-License-Identifier: MIT */
/* ebb.notify. A cancel wins over a notification; one meant for a single task
   is passed on then. */
#include "lua/l_sync.h"
#include "sync/notify.h"

typedef struct ebbL_notify {
  ebbL_header head;
  ebb_notify core;
} ebbL_notify;

static const ebbL_opclass notify_class;
static const ebbL_type notify_type = {"ebb.notify", &notify_class, NULL};

static ebbL_notify *check_notify(lua_State *L)
{
  return ebbL_check(L, 1, &notify_type);
}

static int notify_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_notify *notify = object;
  if (ebb_notify_take(&notify->core) != EBB_OK)
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void notify_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_notify *notify = object;
  ebb_notify_link(&task->core, i, &notify->core, (uint32_t)payload);
}

static int notify_settle(lua_State *L, ebbL_task *task, void *object, int at,
                         int payload)
{
  (void)at, (void)payload;
  ebbL_notify *notify = object;
  if (EBB_UNLIKELY(task->core.n_struck > 0) && task->core.took) {
    ebb_region *region = ebbL_verdict(task);
    if (region != NULL) {
      ebb_notify_one(&notify->core);
      ebbL_throw_region(L, task, region);
    }
  }
  lua_pushboolean(L, 1);
  return 1;
}

static const ebbL_opclass notify_class = {.name = "notify",
                                          .attempt = notify_attempt,
                                          .link = notify_link,
                                          .settle = notify_settle};

static int l_wait(lua_State *L)
{
  ebbL_notify *notify = check_notify(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &notify_class, notify, l_wait);
}

static int l_notify_one(lua_State *L)
{
  ebb_notify_one(&check_notify(L)->core);
  return 0;
}

static int l_notify_all(lua_State *L)
{
  ebb_notify_all(&check_notify(L)->core);
  return 0;
}

static int notify_tostring(lua_State *L)
{
  ebbL_notify *notify = check_notify(L);
  lua_pushfstring(L, "ebb.notify: %I waiting%s",
                  (LUAI_UACINT)ebbL_count(&notify->core.waiters),
                  notify->core.stored ? ", one notification kept" : "");
  return 1;
}

static int l_notify(lua_State *L)
{
  ebbL_notify *notify = ebbL_new(L, ebbL_S(L), &notify_type, sizeof *notify, 0);
  ebb_notify_init(&notify->core);
  return 1;
}

void ebbL_open_notify(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"notify", l_notify}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"wait", l_wait},
                                     {"notify_one", l_notify_one},
                                     {"notify_all", l_notify_all},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", notify_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newoptype(L, S, &notify_type, methods, meta);
}
