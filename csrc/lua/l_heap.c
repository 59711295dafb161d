/* SPDX-License-Identifier: MIT */
/* ebb.alloc.install, ebb.alloc.limit, ebb.alloc.stats().state. */
#include "lua/l_heap.h"

#include "alloc/poison.h"
#include "lua/l_preempt.h"
#include "lua/l_report.h"

#include <string.h>

#if defined(__unix__) || defined(__APPLE__)
  #define HAS_DLFCN 1
  #include <dlfcn.h>
  #if defined(__GLIBC__)
    #include <link.h>
  #endif
#endif

#if defined(__has_include)
  #if __has_include(<valgrind/valgrind.h>)
    #include <valgrind/valgrind.h>
  #endif
#endif

static const char on_soft_key; /* registry: the function */

ebb_heap *ebbL_heap_of(lua_State *L)
{
  void *ud;
  return lua_getallocf(L, &ud) == ebb_heap_alloc ? ud : NULL;
}

bool ebbL_heap_is_unpaged(void)
{
#if defined(EBB_ASAN)
  return true;
#elif defined(RUNNING_ON_VALGRIND)
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

/* What is ebb's own serves all tasks and is charged to none; what a task asks
   for through ebb is the task's. Blocks from before go back where they came
   from: the heap knows its own. */
void ebbL_heap_attach(lua_State *L, ebbL_state *S)
{
  static const uint64_t stands_still;
  S->heap = ebbL_heap_of(L);
  if (S->heap == NULL) {
    S->meter = &stands_still;
    return;
  }
  S->alloc.fn = ebb_heap_alloc_shared;
  S->charged.fn = ebb_heap_alloc;
  S->alloc.ud = S->charged.ud = S->heap;
  S->meter = ebb_heap_meter(S->heap);
  S->metered = *S->meter;
}

ebb_heap *ebbL_heap_check(lua_State *L)
{
  ebb_heap *heap = ebbL_heap_of(L);
  if (heap == NULL)
    ebbL_error(L, "EBB033",
               "the state's allocator is not ebb's; call "
               "ebb.alloc.install(), or run it with the command ebb");
  return heap;
}

/* --- install --- */

/* Lua unloads C modules before it frees the last of its memory, so this one
   must not go. Returns NULL, or why that cannot be had. */
static const char *pin_module(void)
{
#if defined(HAS_DLFCN)
  Dl_info info;
  const void *own = &on_soft_key;
  #if defined(__GLIBC__)
  struct link_map *map = NULL;
  if (dladdr1(own, &info, (void **)&map, RTLD_DL_LINKMAP) == 0)
    return "the module's file cannot be found";
  if (map->l_name == NULL || map->l_name[0] == '\0')
    return NULL; /* linked into the program */
  #else
  if (dladdr(own, &info) == 0)
    return "the module's file cannot be found";
  #endif
  #if defined(RTLD_NODELETE) && defined(RTLD_NOLOAD)
  if (dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == NULL)
    return "the module cannot be pinned in the process";
  #endif
  return NULL;
#else
  return "this system cannot pin a module in the process";
#endif
}

/* The block that lua_close frees last: the main thread's, with what Lua keeps
   before a thread. 5.5 has another one, whose address nobody is told; a few
   kilobytes stay there. */
static void *root_of(const ebbL_state *S)
{
#if LUA_VERSION_NUM == 504
  return lua_getextraspace(S->main);
#else
  (void)S;
  return NULL;
#endif
}

/* install() → true: all that the state allocates from now on is ebb's. */
static int l_install(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (ebbL_heap_of(L) == NULL) {
    const char *problem = pin_module();
    if (problem != NULL)
      ebbL_error(L, "EBB034", "ebb's allocator cannot be installed: %s",
                 problem);
    ebb_heap_config config = {.root = root_of(S),
                              .has_foreign = true,
                              .unpaged = ebbL_heap_is_unpaged()};
    config.backing = lua_getallocf(L, &config.backing_ud);
    ebb_heap *heap = ebb_heap_open(&config);
    if (heap == NULL) {
      ebbL_collect(L);
      heap = ebb_heap_open(&config);
    }
    if (heap == NULL)
      ebbL_nomem(L);
    lua_setallocf(L, ebb_heap_alloc, heap);
  }
  if (S->heap == NULL)
    ebbL_heap_attach(L, S);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- limits --- */

static void on_soft(void *ud)
{
  ebbL_state *S = ud;
  S->soft_passed = true;
  S->slice.touched = true;
}

static int call_on_soft(lua_State *L)
{
  ebb_heap *heap = ebbL_heap_of(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &on_soft_key);
  if (heap == NULL || !lua_isfunction(L, -1))
    return 0;
  lua_pushinteger(L, (lua_Integer)ebb_heap_live(heap));
  lua_call(L, 1, 0);
  return 0;
}

void ebbL_heap_tell(lua_State *L, ebbL_state *S)
{
  if (EBB_LIKELY(!S->soft_passed))
    return;
  S->soft_passed = false;
  if (!lua_checkstack(L, 6))
    return;
  lua_pushcfunction(L, ebbL_msgh);
  lua_pushcfunction(L, call_on_soft);
  int top = lua_gettop(L) - 2;
  if (lua_pcall(L, 0, 0, top + 1) != LUA_OK) {
    lua_pushnil(L);
    lua_pushnil(L);
    ebbL_report(L, S, NULL, top + 3, top + 2, top + 4);
  }
  lua_settop(L, top);
}

/* [-0, +0, raises] The option `name` of the table at 1: bytes, or no limit. */
static size_t get_bytes(lua_State *L, const char *name)
{
  size_t n_bytes = EBB_HEAP_NONE;
  int is_integer;
  if (lua_getfield(L, 1, name) != LUA_TNIL) {
    lua_Integer n = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || n <= 0 || lua_type(L, -1) != LUA_TNUMBER) {
      const char *got = ebbL_typename(L, -1);
      ebbL_argerror(L, 1,
                    lua_pushfstring(
                        L, "option '%s': bytes above 0 expected, got %s", name,
                        lua_isnumber(L, -2) ? lua_tostring(L, -2) : got));
    }
    n_bytes = (size_t)n;
  }
  lua_settop(L, 1);
  return n_bytes;
}

static void push_limit(lua_State *L, size_t n_bytes)
{
  if (n_bytes == EBB_HEAP_NONE)
    lua_pushnil(L);
  else
    lua_pushinteger(L, (lua_Integer)n_bytes);
}

/* limit() → bytes, soft; limit{bytes =, soft =, on_soft =} sets what is named
   and takes away what is not. Returns what was before. */
static int l_limit(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebb_heap *heap = ebbL_heap_check(L);
  ebb_heap_info before;
  ebb_heap_get_info(heap, &before);
  if (!lua_isnoneornil(L, 1)) {
    if (lua_type(L, 1) != LUA_TTABLE)
      ebbL_typeerror(L, 1, "table of limits");
    lua_settop(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
      const char *name =
          lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
      if (strcmp(name, "bytes") != 0 && strcmp(name, "soft") != 0 &&
          strcmp(name, "on_soft") != 0)
        ebbL_argerror(L, 1, lua_pushfstring(L, "unknown option '%s'", name));
    }
    size_t bytes = get_bytes(L, "bytes"), soft = get_bytes(L, "soft");
    if (lua_getfield(L, 1, "on_soft") != LUA_TNIL && !lua_isfunction(L, -1))
      ebbL_argerror(L, 1, "option 'on_soft': function expected");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &on_soft_key);
    ebb_heap_set_limit(heap, bytes);
    ebb_heap_set_soft(heap, soft, on_soft, S);
  }
  push_limit(L, before.limit_bytes);
  push_limit(L, before.soft_bytes);
  return 2;
}

/* --- stats --- */

static void set_count(lua_State *L, const char *name, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void set_types(lua_State *L, const ebb_heap_info *info)
{
  uint64_t others = 0;
  lua_createtable(L, 0, 6);
  for (int type = 0; type < EBB_HEAP_N_TYPES; type++) {
    if (type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TFUNCTION ||
        type == LUA_TUSERDATA || type == LUA_TTHREAD)
      set_count(L, lua_typename(L, type), info->n_made[type]);
    else
      others += info->n_made[type];
  }
  set_count(L, "other", others);
  lua_setfield(L, -2, "made");
}

void ebbL_heap_pushstats(lua_State *L, ebbL_state *S)
{
  ebb_heap *heap = ebbL_heap_of(L);
  ebb_heap_info info;
  lua_createtable(L, 0, 12);
  if (heap == NULL) { /* another allocator: what Lua and ebb know themselves */
    size_t lua_bytes =
        (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
    lua_pushliteral(L, "host");
    lua_setfield(L, -2, "allocator");
    set_count(L, "live",
              lua_bytes + S->alloc.live_bytes + S->charged.live_bytes);
    return;
  }
  ebb_heap_get_info(heap, &info);
  lua_pushliteral(L, "ebb");
  lua_setfield(L, -2, "allocator");
  set_count(L, "live", info.live_bytes);
  set_count(L, "peak", info.peak_bytes);
  set_count(L, "total", info.total_bytes);
  set_count(L, "refused", info.n_refused);
  set_count(L, "pages", info.page_bytes);
  set_count(L, "retained", info.retained_bytes);
  set_count(L, "mapped", info.mapped_bytes);
  set_count(L, "large", info.large_bytes);
  push_limit(L, info.limit_bytes);
  lua_setfield(L, -2, "limit");
  push_limit(L, info.soft_bytes);
  lua_setfield(L, -2, "soft");
  set_types(L, &info);
}

void ebbL_open_heap(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"install", l_install}, {"limit", l_limit}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
