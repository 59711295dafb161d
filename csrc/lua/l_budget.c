/* SPDX-License-Identifier: MIT */
/* A budget is found by its name in a table of the registry, and from C through
   its address, for guards know no more of it. */
#include "lua/l_budget.h"

#include <math.h>
#include <string.h>

static const ebbL_type budget_type = {"ebb.budget", NULL, NULL};

static const char budgets_key; /* registry: name or address → budget */

enum { AT_NAME = 1, AT_EXCEED, AT_SOFT, N_VALUES = AT_SOFT };

/* [-0, +1] Pushes the budget and then its user value n in its place. */
static void push_value(lua_State *L, const ebbL_budget *self, int n)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &budgets_key);
  lua_rawgetp(L, -1, self);
  lua_getiuservalue(L, -1, n);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* Calls on_exceed or on_soft with the budget's name and two numbers, and leaves
   its result on the stack. False if there is no such function. */
static bool call_back(lua_State *L, const ebbL_budget *self, int which,
                      size_t first, size_t second, int *status)
{
  luaL_checkstack(L, 6, NULL);
  push_value(L, self, which);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return false;
  }
  push_value(L, self, AT_NAME);
  lua_pushinteger(L, (lua_Integer)first);
  lua_pushinteger(L, (lua_Integer)second);
  *status = lua_pcall(L, 3, 1, 0);
  return true;
}

/* Over the limit: does on_exceed let it pass? [raises] */
static bool ask(lua_State *L, ebbL_budget *self, size_t n_bytes)
{
  int status;
  if (self->is_asking)
    return false;
  self->is_asking = true;
  bool is_asked =
      call_back(L, self, AT_EXCEED, n_bytes, self->budget.live_bytes, &status);
  self->is_asking = false;
  if (!is_asked)
    return false;
  if (status != LUA_OK)
    lua_error(L);
  bool passes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return passes;
}

/* [raises] */
static void tell(lua_State *L, ebbL_budget *self, size_t n_bytes)
{
  int status;
  self->budget.is_told = true;
  if (!call_back(L, self, AT_SOFT, self->budget.live_bytes + n_bytes,
                 self->budget.soft_bytes, &status))
    return;
  if (status != LUA_OK) {
    self->budget.is_told = false; /* nothing comes of it: it is not passed */
    lua_error(L);
  }
  lua_pop(L, 1);
}

bool ebbL_budget_admit(lua_State *L, ebb_budget *budget, size_t n_bytes,
                       bool *pass)
{
  if (EBB_LIKELY(budget == NULL))
    return true;
  ebbL_budget *self = ebbL_budget_of(budget);
  for (bool is_told = false;; is_told = true) {
    if (!*pass && !ebb_budget_fits(budget, n_bytes)) {
      if (!ask(L, self, n_bytes))
        return false;
      *pass = true;
    }
    if (is_told || !ebb_budget_crosses(budget, n_bytes))
      return true;
    /* It may allocate or free: look at the limit again. */
    tell(L, self, n_bytes);
  }
}

const char *ebbL_budget_message(lua_State *L, ebb_budget *budget)
{
  push_value(L, ebbL_budget_of(budget), AT_NAME);
  const char *message =
      lua_pushfstring(L, "budget '%s' exceeded", lua_tostring(L, -1));
  lua_remove(L, -2);
  return message;
}

/* --- by name --- */

/* [-0, +1] The budget called as the string at idx, or nil and NULL. */
static ebbL_budget *find_budget(lua_State *L, int idx)
{
  idx = lua_absindex(L, idx);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &budgets_key);
  lua_pushvalue(L, idx);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  return ebbL_test(L, -1, &budget_type);
}

ebb_budget *ebbL_budget_check(lua_State *L, int arg, int idx)
{
  idx = lua_absindex(L, idx);
  if (lua_type(L, idx) != LUA_TSTRING)
    ebbL_argerror(L, arg,
                  lua_pushfstring(L, "option 'budget': string expected, got %s",
                                  ebbL_typename(L, idx)));
  ebbL_budget *self = find_budget(L, idx);
  if (self == NULL)
    ebbL_argerror(
        L, arg,
        lua_pushfstring(L,
                        "there is no budget '%s'; "
                        "ebb.alloc.budget(name, {bytes = n}) makes one",
                        lua_tostring(L, idx)));
  lua_pop(L, 1);
  return &self->budget;
}

/* [-0, +1, raises] The budget called as the string at 1; makes it. */
static ebbL_budget *need_budget(lua_State *L, ebbL_memory *M)
{
  ebbL_budget *self = find_budget(L, 1);
  if (self != NULL)
    return self;
  lua_pop(L, 1);
  self = ebbL_new(L, ebbL_S(L), &budget_type, sizeof *self, N_VALUES);
  ebb_budget_init(&self->budget);
  ebb_guard_init(&self->loose, &M->pool, &self->budget);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, AT_NAME);
  /* Its address first: should the second one fail, nobody finds it by name. */
  lua_rawgetp(L, LUA_REGISTRYINDEX, &budgets_key);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, self);
  ebb_list_push_back(&M->budgets, &self->link);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return self;
}

static void set_field(lua_State *L, const char *name, size_t n_bytes)
{
  if (n_bytes == EBB_BUDGET_NONE)
    return;
  lua_pushinteger(L, (lua_Integer)n_bytes);
  lua_setfield(L, -2, name);
}

static void push_budget(lua_State *L, const ebb_budget *budget)
{
  lua_createtable(L, 0, 4);
  set_field(L, "live", budget->live_bytes);
  set_field(L, "peak", budget->peak_bytes);
  set_field(L, "limit", budget->limit_bytes);
  set_field(L, "soft", budget->soft_bytes);
}

void ebbL_budget_tags(lua_State *L, const ebbL_memory *M)
{
  lua_newtable(L);
  ebb_list_foreach(link, &M->budgets) {
    const ebbL_budget *self = ebb_container_of(link, ebbL_budget, link);
    push_value(L, self, AT_NAME);
    push_budget(L, &self->budget);
    lua_rawset(L, -3);
  }
}

/* --- options --- */

static int bad_option(lua_State *L, const char *name, const char *expected)
{
  const char *got = ebbL_typename(L, -1);
  return ebbL_argerror(L, 2,
                       lua_pushfstring(L, "option '%s': %s expected, got %s",
                                       name, expected, got));
}

static void check_names(lua_State *L)
{
  static const char *const names[] = {"bytes", "soft", "on_exceed", "on_soft"};
  lua_pushnil(L);
  while (lua_next(L, 2)) {
    lua_pop(L, 1);
    bool is_known = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
      is_known = is_known || (lua_type(L, -1) == LUA_TSTRING &&
                              strcmp(lua_tostring(L, -1), names[i]) == 0);
    if (!is_known)
      ebbL_argerror(L, 2,
                    lua_pushfstring(L, "unknown option '%s'",
                                    luaL_tolstring(L, -1, NULL)));
  }
}

/* [-0, +0, raises] */
static size_t bytes_option(lua_State *L, const char *name)
{
  size_t n_bytes = EBB_BUDGET_NONE;
  if (lua_getfield(L, 2, name) != LUA_TNIL &&
      !(lua_type(L, -1) == LUA_TNUMBER &&
        lua_tonumber(L, -1) == (lua_Number)HUGE_VAL)) {
    int is_integer;
    lua_Integer value = lua_tointegerx(L, -1, &is_integer);
    if (lua_type(L, -1) != LUA_TNUMBER || !is_integer || value < 0)
      bad_option(L, name, "integer of at least 0");
    n_bytes = (size_t)value;
  }
  lua_pop(L, 1);
  return n_bytes;
}

/* [-0, +1, raises] Pushes the function, or nil. */
static void push_function_option(lua_State *L, const char *name)
{
  if (lua_getfield(L, 2, name) == LUA_TNIL || lua_isfunction(L, -1))
    return;
  if (luaL_getmetafield(L, -1, "__call") == LUA_TNIL)
    bad_option(L, name, "function");
  lua_pop(L, 1);
}

/* ebb.alloc.budget(name, opts): makes or changes it, what it holds stays.
   ebb.alloc.budget(name) → {live, peak, limit, soft}, or nil */
static int l_budget(lua_State *L)
{
  if (lua_type(L, 1) != LUA_TSTRING)
    ebbL_typeerror(L, 1, "string");
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    ebbL_budget *self = find_budget(L, 1);
    if (self != NULL)
      push_budget(L, &self->budget);
    return 1;
  }
  if (!lua_istable(L, 2))
    ebbL_typeerror(L, 2, "table of options");
  check_names(L);
  size_t limit = bytes_option(L, "bytes"), soft = bytes_option(L, "soft");
  push_function_option(L, "on_exceed"); /* 3 */
  push_function_option(L, "on_soft");   /* 4 */
  ebbL_budget *self = need_budget(L, ebbL_M(L));
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, AT_EXCEED);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, AT_SOFT);
  self->budget.limit_bytes = limit;
  self->budget.soft_bytes = soft;
  ebb_budget_settle(&self->budget);
  return 0;
}

static const luaL_Reg budget_functions[] = {
    {"budget", l_budget},
    {NULL, NULL},
};

void ebbL_open_budget(lua_State *L, ebbL_state *S, ebbL_memory *M)
{
  ebbL_newtype(L, S, &budget_type, NULL, NULL);
  lua_pop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &budgets_key) != LUA_TTABLE) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &budgets_key);
  }
  lua_pop(L, 1);
  ebbL_mem_setfuncs(L, S, M, budget_functions);
}
