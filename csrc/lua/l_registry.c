/* SPDX-License-Identifier: MIT */
/* ebb.alloc.registry: values under generational handles (alloc/registry.h). The
   values lie in a table, user value 1, at index + 1; nil is none. */
#include "lua/l_registry.h"

#include "alloc/registry.h"

typedef struct registry {
  ebbL_header head;
  ebb_registry core;
  ebbL_memory *memory;
  ebb_list link; /* in memory->registries */
} registry;

#define registry_type (ebbL_linked_types[EBBL_LINKED_REGISTRY])

/* ebb.alloc.registry() → reg */
static int l_registry(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_memory *M = ebbL_M(L);
  if (M->is_closed)
    ebbL_error(L, "EBB012", "the Lua state is closing");
  registry *self = ebbL_newlinked(L, S, &registry_type, sizeof *self, 1, 0);
  ebb_registry_init(&self->core, &S->charged);
  self->memory = M;
  ebb_list_push_back(&M->registries, &self->link);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static registry *check_self(lua_State *L)
{
  return ebbL_check(L, 1, &registry_type);
}

/* [-0, +1, raises] */
static void push_values(lua_State *L)
{
  if (EBB_UNLIKELY(lua_getiuservalue(L, 1, 1) != LUA_TTABLE))
    ebbL_error(L, "EBB012", "the registry has lost its table");
}

/* The number at 2, whole: what came out of a file may be a float. [raises] */
static uint64_t check_handle(lua_State *L)
{
  int is_integer = 0;
  lua_Integer handle = 0;
  if (EBB_LIKELY(lua_type(L, 2) == LUA_TNUMBER))
    handle = lua_tointegerx(L, 2, &is_integer);
  if (EBB_UNLIKELY(!is_integer))
    ebbL_typeerror(L, 2, "handle (an integer)");
  return (uint64_t)handle;
}

static bool find(lua_State *L, const registry *self, uint32_t *index)
{
  return ebb_registry_find(&self->core, check_handle(L), index);
}

/* reg:add(v) → h */
static int l_registry_add(lua_State *L)
{
  registry *self = check_self(L);
  if (EBB_UNLIKELY(lua_isnoneornil(L, 2)))
    ebbL_argerror(L, 2, "value expected, nil cannot be kept");
  for (int attempt = 0; !ebb_registry_reserve(&self->core); attempt++) {
    if (attempt > 0)
      ebbL_nomem(L);
    ebbL_collect(L);
  }
  if (EBB_UNLIKELY(self->memory == NULL || self->memory->is_closed)) {
    ebb_registry_fini(&self->core);
    ebbL_error(L, "EBB012", "the Lua state is closing");
  }
  lua_settop(L, 2);
  push_values(L);
  lua_insert(L, 2);
  lua_rawseti(L, 2, (lua_Integer)ebb_registry_next(&self->core) + 1);
  lua_pushinteger(L, (lua_Integer)ebb_registry_add(&self->core));
  return 1;
}

/* reg:get(h) → v, or nil, "stale" */
static int l_registry_get(lua_State *L)
{
  const registry *self = check_self(L);
  uint32_t index;
  if (EBB_UNLIKELY(!find(L, self, &index)))
    return ebbL_pushoutcome(L, "stale");
  push_values(L);
  lua_rawgeti(L, -1, (lua_Integer)index + 1);
  return 1;
}

/* reg:set(h, v) → true, or nil, "stale" */
static int l_registry_set(lua_State *L)
{
  const registry *self = check_self(L);
  uint32_t index;
  bool is_live = find(L, self, &index);
  if (EBB_UNLIKELY(lua_isnoneornil(L, 3)))
    ebbL_argerror(L, 3, "value expected, nil cannot be kept");
  if (!is_live)
    return ebbL_pushoutcome(L, "stale");
  push_values(L);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, (lua_Integer)index + 1);
  lua_pushboolean(L, 1);
  return 1;
}

/* reg:valid(h) */
static int l_registry_valid(lua_State *L)
{
  const registry *self = check_self(L);
  uint32_t index;
  lua_pushboolean(L, find(L, self, &index));
  return 1;
}

/* reg:remove(h) → v, or nil, "stale" */
static int l_registry_remove(lua_State *L)
{
  registry *self = check_self(L);
  uint32_t index;
  if (!find(L, self, &index))
    return ebbL_pushoutcome(L, "stale");
  push_values(L);
  lua_rawgeti(L, -1, (lua_Integer)index + 1);
  lua_pushnil(L);
  lua_rawseti(L, -3, (lua_Integer)index + 1); /* is there: cannot raise */
  ebb_registry_remove(&self->core, index);
  return 1;
}

/* reg:clear(): every handle is stale */
static int l_registry_clear(lua_State *L)
{
  registry *self = check_self(L);
  lua_newtable(L);
  lua_setiuservalue(L, 1, 1);
  uint64_t handle = ebb_registry_from(&self->core, 0);
  while (handle != 0) {
    uint32_t index = (uint32_t)handle;
    ebb_registry_remove(&self->core, index);
    handle = ebb_registry_from(&self->core, index + 1);
  }
  return 0;
}

/* pairs(reg): the control variable is the handle, so that what is removed
   meanwhile, be it this one, changes nothing for those that follow. */
static int l_registry_next(lua_State *L)
{
  const registry *self = check_self(L);
  uint32_t from = lua_isnoneornil(L, 2) ? 0 : (uint32_t)check_handle(L) + 1;
  uint64_t handle = ebb_registry_from(&self->core, from);
  if (handle == 0)
    return 0;
  lua_pushinteger(L, (lua_Integer)handle);
  push_values(L);
  lua_rawgeti(L, -1, (lua_Integer)(uint32_t)handle + 1);
  lua_remove(L, -2);
  return 2;
}

static int l_registry_pairs(lua_State *L)
{
  check_self(L);
  lua_pushcfunction(L, l_registry_next);
  lua_pushvalue(L, 1);
  return 2;
}

static int l_registry_len(lua_State *L)
{
  lua_pushinteger(L, check_self(L)->core.n_live);
  return 1;
}

static int l_registry_tostring(lua_State *L)
{
  const registry *self = check_self(L);
  lua_pushfstring(L, "ebb.registry: %I live in %I slots",
                  (LUAI_UACINT)self->core.n_live,
                  (LUAI_UACINT)self->core.n_slots);
  return 1;
}

static int l_registry_gc(lua_State *L)
{
  registry *self = ebbL_test(L, 1, &registry_type);
  if (self == NULL || self->memory == NULL || self->memory->is_closed)
    return 0;
  ebb_list_unlink(&self->link);
  self->memory = NULL;
  ebb_registry_fini(&self->core);
  return ebbL_let_go(L);
}

void ebbL_registries_fini(ebbL_memory *M)
{
  ebb_list_foreach(link, &M->registries)
    ebb_registry_fini(&ebb_container_of(link, registry, link)->core);
}

static const luaL_Reg registry_methods[] = {
    {"add", l_registry_add},
    {"get", l_registry_get},
    {"set", l_registry_set},
    {"valid", l_registry_valid},
    {"remove", l_registry_remove},
    {"clear", l_registry_clear},
    {NULL, NULL},
};

static const luaL_Reg registry_meta[] = {
    {"__gc", l_registry_gc},
    {"__len", l_registry_len},
    {"__pairs", l_registry_pairs},
    {"__tostring", l_registry_tostring},
    {NULL, NULL},
};

static const luaL_Reg registry_functions[] = {
    {"registry", l_registry},
    {NULL, NULL},
};

void ebbL_open_registry(lua_State *L, ebbL_state *S, ebbL_memory *M)
{
  ebbL_newtype(L, S, &registry_type, registry_methods, registry_meta);
  lua_pop(L, 1);
  ebbL_mem_setfuncs(L, S, M, registry_functions);
}
