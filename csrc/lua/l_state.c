/* SPDX-License-Identifier: MIT */
#include "lua/l_heap.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Registry keys: the addresses. */
static const char state_key, errors_key;

const char ebbL_worker_key, ebbL_choice_key;

static const ebbL_type state_type = {"ebb.state", NULL, NULL};

ebbL_state *ebbL_state_find(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  ebbL_state *S = ebbL_test(L, -1, &state_type);
  lua_pop(L, 1);
  return S;
}

void ebbL_pusherrors(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &errors_key);
}

static lua_CFunction base_function(lua_State *L, const char *name)
{
  lua_getglobal(L, name);
  lua_CFunction fn = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  return fn;
}

void ebbL_state_close(ebbL_state *S)
{
  ebb_slab_fini(&S->tasks);
  ebb_slab_fini(&S->regions);
  for (int size = 0; size < 4; size++) {
    ebb_alloc_put(&S->alloc, S->blocks[size].free,
                  S->blocks[size].cap * sizeof *S->blocks[size].free);
    S->blocks[size].free = NULL;
    S->blocks[size].cap = S->blocks[size].n_free = 0;
  }
  if (S->idle_slots != NULL)
    ebb_alloc_put(&S->alloc, S->idle_slots,
                  EBBL_IDLE_MAX * sizeof *S->idle_slots);
  if (S->idle != NULL)
    ebb_alloc_put(&S->alloc, S->idle, EBBL_IDLE_MAX * sizeof *S->idle);
  S->idle = NULL;
  S->idle_slots = NULL;
  S->n_idle = 0;
}

ebbL_state *ebbL_state_open(lua_State *L, lua_CFunction gc)
{
  ebbL_state *S = lua_newuserdatauv(L, sizeof *S, 0);
  memset(S, 0, sizeof *S);
  S->head = (ebbL_header){&state_type, S};
  void *ud;
  lua_Alloc fn = lua_getallocf(L, &ud);
  ebb_alloc_init(&S->alloc, fn, ud);
  ebb_alloc_init(&S->charged, fn, ud);
  ebbL_heap_attach(L, S);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_choice_key);
  const ebbL_alloc_choice *choice = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (choice != NULL) {
    ebb_alloc_init(&S->alloc, choice->fn, choice->ud);
    ebb_alloc_init(&S->charged, choice->fn, choice->ud);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  S->main = lua_tothread(L, -1);
  lua_pop(L, 1);
  ebb_list_init(&S->runtimes);
  S->is_worker =
      lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_worker_key) != LUA_TNIL;
  lua_pop(L, 1);
  S->lua_pcall_fn = base_function(L, "pcall");
  S->lua_xpcall_fn = base_function(L, "xpcall");
  lua_newtable(L);
  lua_pushboolean(L, 0);
  lua_rawseti(L, -2, EBBL_PAGES_SLOT);
  S->slots_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &errors_key);
  lua_newtable(L);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, "ebb.state");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  return S;
}

/* --- slots --- */

/* At least one block; the more there are, the more at once. */
static void new_blocks(lua_State *L, ebbL_state *S, int size)
{
  uint32_t n = 1u << size, n_blocks = S->blocks[size].n_blocks;
  if (EBB_UNLIKELY(S->closing)) /* nothing would free the list */
    ebbL_error(L, "EBB052", "the state is closing");
  if (n_blocks == S->blocks[size].cap) {
    uint32_t cap = n_blocks < 16 ? 16 : n_blocks * 2;
    uint32_t *list = ebbL_alloc(L, S, cap * sizeof *list);
    if (n_blocks != S->blocks[size].n_blocks) { /* a finaliser has made some */
      ebb_alloc_put(&S->alloc, list, cap * sizeof *list);
      return;
    }
    if (S->blocks[size].n_free > 0)
      memcpy(list, S->blocks[size].free, S->blocks[size].n_free * sizeof *list);
    ebb_alloc_put(&S->alloc, S->blocks[size].free,
                  S->blocks[size].cap * sizeof *list);
    S->blocks[size].free = list;
    S->blocks[size].cap = cap;
  }
  uint32_t n_more = n_blocks < 64 ? 1 : n_blocks / 8 < 32 ? n_blocks / 8 : 32;
  if (n_more > S->blocks[size].cap - n_blocks)
    n_more = S->blocks[size].cap - n_blocks;
  luaL_checkstack(L, 3, NULL);
  ebbL_pushslots(L, S);
  while (n_more-- > 0) {
    uint32_t at = S->n_slots + 1;
    for (uint32_t i = 0; i < n; i++) {
      lua_pushboolean(L, 0);
      lua_rawseti(L, -2, (lua_Integer)at + i);
    }
    S->n_slots += n;
    S->blocks[size].n_blocks++;
    S->blocks[size].free[S->blocks[size].n_free++] = at;
  }
  lua_pop(L, 1);
}

void ebbL_slots_reserve(lua_State *L, ebbL_state *S, int size, uint32_t n)
{
  while (S->blocks[size].n_free < n)
    new_blocks(L, S, size);
}

uint32_t ebbL_slots_take(lua_State *L, ebbL_state *S, int size)
{
  ebbL_slots_reserve(L, S, size, 1);
  return ebbL_slots_pop(S, size);
}

void ebbL_slots_give(lua_State *L, ebbL_state *S, int slots, uint32_t at,
                     int size)
{
  for (uint32_t i = 0; i < 1u << size; i++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, slots, (lua_Integer)at + i);
  }
  S->blocks[size].free[S->blocks[size].n_free++] = at;
}

/* --- memory --- */

int ebbL_nomem(lua_State *L)
{
  /* The message exists already (Lua keeps it), so this cannot fail again. */
  lua_pushliteral(L, "not enough memory");
  return lua_error(L);
}

static int nothing(lua_State *L)
{
  (void)L;
  return 0;
}

/* Finalisers unlink what is about to be freed, so they must not fail to start:
   a call that returns leaves what the next one needs, a frame and stack, and
   the collector lets the first free frame be. */
void ebbL_collect(lua_State *L)
{
  if (!lua_checkstack(L, LUA_MINSTACK))
    return;
  lua_pushcfunction(L, nothing);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK)
    lua_gc(L, LUA_GCCOLLECT);
  else
    lua_pop(L, 1);
}

void *ebbL_alloc(lua_State *L, ebbL_state *S, size_t n_bytes)
{
  void *block = ebb_alloc_get(&S->alloc, n_bytes);
  if (EBB_LIKELY(block != NULL))
    return block;
  ebbL_collect(L);
  block = ebb_alloc_get(&S->alloc, n_bytes);
  if (block == NULL)
    ebbL_nomem(L);
  return block;
}

void *ebbL_slab_get(lua_State *L, ebb_slab *slab)
{
  void *object = ebb_slab_get(slab);
  if (EBB_LIKELY(object != NULL))
    return object;
  ebbL_collect(L);
  object = ebb_slab_get(slab);
  if (object == NULL)
    ebbL_nomem(L);
  return object;
}

/* --- objects --- */

void *ebbL_new(lua_State *L, ebbL_state *S, const ebbL_type *type,
               size_t n_bytes, int n_uservalues)
{
  ebbL_header *header = lua_newuserdatauv(L, n_bytes, n_uservalues);
  memset(header, 0, n_bytes);
  header->type = type;
  header->state = S;
  ebbL_pushmeta(L, S, type);
  lua_setmetatable(L, -2);
  return header;
}

void ebbL_setfuncs(lua_State *L, ebbL_state *S, const luaL_Reg *funcs)
{
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  luaL_setfuncs(L, funcs, 2);
}

void ebbL_pushfunction(lua_State *L, ebbL_state *S, lua_CFunction fn)
{
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_pushcclosure(L, fn, 2);
}

/* The entry of the type, made if need be. */
static ebbL_metas *enter_type(ebbL_state *S, const ebbL_type *type)
{
  uintptr_t at = (uintptr_t)type / 16;
  while (S->metas[at % EBBL_METAS].type != NULL &&
         S->metas[at % EBBL_METAS].type != type)
    at++;
  S->metas[at % EBBL_METAS].type = type;
  return &S->metas[at % EBBL_METAS];
}

/* [-1, raises] The table on top goes where *ref says, or gets a place. A second
   opening of the state makes its types anew. */
static void set_ref(lua_State *L, int *ref)
{
  if (*ref == 0)
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
  else
    lua_rawseti(L, LUA_REGISTRYINDEX, *ref);
}

void ebbL_newretired(lua_State *L, ebbL_state *S, const ebbL_type *type)
{
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_pushnil(L);
  lua_setfield(L, -2, "__gc");
  set_ref(L, &enter_type(S, type)->retired);
}

void ebbL_newtype(lua_State *L, ebbL_state *S, const ebbL_type *type,
                  const luaL_Reg *methods, const luaL_Reg *meta)
{
  lua_newtable(L);
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__name");
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__metatable");
  if (methods != NULL) {
    lua_newtable(L);
    ebbL_setfuncs(L, S, methods);
    lua_setfield(L, -2, "__index");
  }
  if (meta != NULL)
    ebbL_setfuncs(L, S, meta);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, type);
  lua_pushvalue(L, -1);
  set_ref(L, &enter_type(S, type)->meta);
}

/* --- errors --- */

void ebbL_where(lua_State *L)
{
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) {
      lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

int ebbL_error(lua_State *L, const char *code, const char *fmt, ...)
{
  va_list args;
  luaL_checkstack(L, 4, NULL);
  ebbL_where(L);
  lua_pushfstring(L, "%s: ", code);
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_concat(L, 3);
  return lua_error(L);
}

int ebbL_throw(lua_State *L, const char *fmt, ...)
{
  va_list args;
  luaL_checkstack(L, 4, NULL);
  ebbL_where(L);
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_concat(L, 2);
  return lua_error(L);
}

/* [-0, +1 if true] "module.field" of the value on top of the stack. */
static bool find_in_loaded(lua_State *L)
{
  int fn = lua_gettop(L);
  bool found = false;
  luaL_checkstack(L, 8, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L);
  while (!found && lua_next(L, fn + 1)) {
    /* [loaded, module name, module]; ebb.core is better known as ebb */
    bool is_module = lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1) &&
                     strcmp(lua_tostring(L, -2), "ebb.core") != 0;
    if (is_module) {
      lua_pushnil(L);
      while (!found && lua_next(L, -2)) {
        found = lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, fn);
        if (found && strcmp(lua_tostring(L, -4), "_G") == 0)
          lua_pushvalue(L, -2);
        else if (found)
          lua_pushfstring(L, "%s.%s", lua_tostring(L, -4), lua_tostring(L, -2));
        else
          lua_pop(L, 1);
      }
      if (found)
        break;
    }
    lua_pop(L, 1);
  }
  if (found) {
    lua_replace(L, fn + 1);
    lua_settop(L, fn + 1);
  } else {
    lua_settop(L, fn);
  }
  return found;
}

const char *ebbL_funcname(lua_State *L, lua_Debug *ar)
{
  lua_getinfo(L, "nf", ar);
  if (ar->name != NULL && ar->name[0] != '?')
    lua_pushstring(L, ar->name);
  else if (!find_in_loaded(L))
    lua_pushliteral(L, "?");
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

const char *ebbL_fullname(lua_State *L, lua_Debug *ar)
{
  lua_getinfo(L, "f", ar);
  bool found = find_in_loaded(L);
  lua_remove(L, found ? -2 : -1);
  return found ? lua_tostring(L, -1) : ebbL_funcname(L, ar);
}

int ebbL_argerror(lua_State *L, int arg, const char *what)
{
  lua_Debug ar;
  if (!lua_getstack(L, 0, &ar))
    return ebbL_throw(L, "bad argument #%d (%s)", arg, what);
  const char *name = ebbL_funcname(L, &ar);
  if (ar.namewhat != NULL && strcmp(ar.namewhat, "method") == 0) {
    arg--;
    if (arg == 0)
      return ebbL_throw(L, "calling '%s' on bad self (%s)", name, what);
  }
  return ebbL_throw(L, "bad argument #%d to '%s' (%s)", arg, name, what);
}

const char *ebbL_typename(lua_State *L, int idx)
{
  ebbL_header *header = ebbL_object(L, idx);
  if (lua_type(L, idx) == LUA_TUSERDATA && header != NULL &&
      luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
    return lua_tostring(L, -1);
  if (lua_type(L, idx) == LUA_TLIGHTUSERDATA)
    return lua_pushliteral(L, "light userdata");
  if (lua_type(L, idx) == LUA_TNONE)
    return lua_pushliteral(L, "no value");
  return lua_pushstring(L, luaL_typename(L, idx));
}

int ebbL_typeerror(lua_State *L, int arg, const char *expected)
{
  const char *got = ebbL_typename(L, arg);
  return ebbL_argerror(
      L, arg, lua_pushfstring(L, "%s expected, got %s", expected, got));
}

void *ebbL_checkfailed(lua_State *L, int idx, const ebbL_type *type)
{
  ebbL_typeerror(L, idx, type->name);
  return NULL;
}

double ebbL_checkseconds(lua_State *L, int arg)
{
  int is_number;
  double seconds = lua_tonumberx(L, arg, &is_number);
  if (!is_number || lua_type(L, arg) != LUA_TNUMBER)
    ebbL_typeerror(L, arg, "number of seconds");
  if (seconds != seconds)
    ebbL_argerror(L, arg, "number of seconds expected, got NaN");
  return seconds;
}

lua_Integer ebbL_checkinteger(lua_State *L, int arg, lua_Integer min,
                              lua_Integer max)
{
  int is_integer;
  lua_Integer n = lua_tointegerx(L, arg, &is_integer);
  if (lua_type(L, arg) != LUA_TNUMBER)
    ebbL_typeerror(L, arg, "integer");
  if (!is_integer) {
    char text[64] = "integer expected, got NaN"; /* printf may give it a sign */
    lua_Number x = lua_tonumber(L, arg);
    if (x == x)
      snprintf(text, sizeof text, "integer expected, got %.14g", x);
    ebbL_argerror(L, arg, text);
  }
  if (n < min || n > max) {
    char text[128];
    if (max == LUA_MAXINTEGER)
      snprintf(text, sizeof text, "integer >= %lld expected, got %lld",
               (long long)min, (long long)n);
    else
      snprintf(text, sizeof text,
               "integer from %lld to %lld expected, got %lld", (long long)min,
               (long long)max, (long long)n);
    ebbL_argerror(L, arg, text);
  }
  return n;
}

void ebbL_checkkeys(lua_State *L, int arg, const char *const *names)
{
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    const char *const *name = names;
    while (*name != NULL && strcmp(*name, key) != 0)
      name++;
    if (*name == NULL)
      ebbL_argerror(L, arg,
                    lua_pushfstring(L, "unknown option '%s'",
                                    luaL_tolstring(L, -2, NULL)));
  }
}

void ebbL_checkcallable(lua_State *L, int arg)
{
  ebbL_checkcallable_as(L, arg, "function");
}

void ebbL_checkcallable_as(lua_State *L, int arg, const char *expected)
{
  if (EBB_LIKELY(lua_isfunction(L, arg)))
    return;
  ebbL_header *header = ebbL_object(L, arg);
  bool is_op = header != NULL && lua_type(L, arg) == LUA_TUSERDATA &&
               luaL_getmetafield(L, arg, "__name") == LUA_TSTRING &&
               strncmp(lua_tostring(L, -1), "ebb.", 4) == 0;
  if (is_op || luaL_getmetafield(L, arg, "__call") == LUA_TNIL)
    ebbL_typeerror(L, arg, expected);
  lua_pop(L, 1);
}

int ebbL_pushoutcome(lua_State *L, const char *word)
{
  lua_pushnil(L);
  lua_pushstring(L, word);
  return 2;
}
