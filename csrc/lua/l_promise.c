/* SPDX-License-Identifier: MIT */
#include "lua/l_promise.h"

#include "lua/l_op.h"
#include "lua/l_time.h"
#include "sync/promise.h"

/* The op. */
typedef struct ebbL_promise {
  ebbL_header head; /* user values: 1 the runtime, 2 table of the values */
  ebbL_rt *rt;
  ebb_promise core;
  int n_values;
  bool counted; /* the runtime's driver counts it as something to come */
} ebbL_promise;

/* What the function holds: collected with it, it abandons the promise. */
typedef struct ebbL_resolver {
  ebbL_header head; /* user value 1: the promise */
  ebbL_promise *promise;
} ebbL_resolver;

#define VALUES 2

static const ebbL_opclass promise_class;
static const ebbL_type promise_type = {"ebb.callback", &promise_class, NULL};
static const ebbL_type resolver_type = {"ebb.resolver", NULL, NULL};

/* Nobody is kept waiting for it any more. */
static void uncount(ebbL_promise *self)
{
  if (self->counted && self->rt->driver != NULL)
    ebb_driver_end(self->rt->driver, false);
  self->counted = false;
}

static void settle(ebbL_promise *self, bool abandoned)
{
  if (!ebb_promise_settle(&self->core, abandoned))
    return;
  if (self->rt->driver != NULL) /* its runtime may be asleep in the poll */
    ebb_driver_wakeup(self->rt->driver);
  uncount(self);
}

/* --- the op --- */

static int push_values(lua_State *L, ebbL_promise *self, int at)
{
  if (self->core.abandoned)
    return ebbL_pushoutcome(L, "closed");
  luaL_checkstack(L, self->n_values + 2, "too many values");
  int first = lua_gettop(L) + 1;
  lua_getiuservalue(L, at, VALUES);
  for (int i = 1; i <= self->n_values; i++)
    lua_rawgeti(L, first, i);
  lua_remove(L, first);
  return self->n_values;
}

static int promise_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_promise *self = object;
  return self->core.settled ? push_values(L, self, at) : EBBL_WAIT;
}

static void promise_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_promise *self = object;
  ebb_wait_link(&task->core, i, &ebb_promise_class, self, &self->core.waiters,
                (uint32_t)payload);
}

static int promise_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)task, (void)payload;
  return push_values(L, object, at);
}

static const ebbL_opclass promise_class = {.name = "callback",
                                           .attempt = promise_attempt,
                                           .link = promise_link,
                                           .settle = promise_settle};

/* --- the function --- */

/* True for the first call; later ones are late: false. */
static int l_resolve(lua_State *L)
{
  int n = lua_gettop(L);
  lua_pushvalue(L, lua_upvalueindex(3));
  ebbL_resolver *resolver = lua_touserdata(L, -1);
  ebbL_promise *self = resolver->promise;
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
  lua_insert(L, 1);
  if (self->core.settled) {
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_createtable(L, n, 0);
  lua_insert(L, 2);
  for (int i = n; i >= 1; i--)
    lua_rawseti(L, 2, i);
  lua_setiuservalue(L, 1, VALUES);
  self->n_values = n;
  settle(self, false);
  lua_pushboolean(L, 1);
  return 1;
}

static int resolver_gc(lua_State *L)
{
  ebbL_resolver *resolver = ebbL_test(L, 1, &resolver_type);
  if (resolver == NULL || resolver->promise == NULL)
    return 0;
  settle(resolver->promise, true);
  resolver->promise = NULL;
  return 0;
}

static int promise_gc(lua_State *L)
{
  ebbL_promise *self = ebbL_test(L, 1, &promise_type);
  if (self != NULL)
    uncount(self);
  return 0;
}

static int promise_tostring(lua_State *L)
{
  ebbL_promise *self = ebbL_check(L, 1, &promise_type);
  lua_pushfstring(L, "ebb.callback: %s",
                  self->core.abandoned ? "never called"
                  : self->core.settled ? "called"
                                       : "waiting");
  return 1;
}

static int l_callback(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_settop(L, 0);
  ebbL_promise *self = ebbL_new(L, S, &promise_type, sizeof *self, 2);
  ebb_promise_init(&self->core);
  self->rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->rt);
  ebb_driver *driver = ebbL_rt_driver(L, self->rt);
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  ebbL_resolver *resolver = ebbL_new(L, S, &resolver_type, sizeof *resolver, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  resolver->promise = self;
  lua_pushcclosure(L, l_resolve, 3);
  ebb_driver_begin(driver, false);
  self->counted = true;
  lua_insert(L, 1);
  return 2;
}

void ebbL_open_promise(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"callback", l_callback}, {NULL, NULL}};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", promise_gc}, {"__tostring", promise_tostring}, {NULL, NULL}};
  static const luaL_Reg resolver_meta[] = {{"__gc", resolver_gc}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &resolver_type, NULL, resolver_meta);
  lua_pop(L, 1);
  ebbL_newtype(L, S, &promise_type, no_methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
