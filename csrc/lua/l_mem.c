/* SPDX-License-Identifier: MIT */
/* The memory of one Lua state: its pool, what the collector is told of it,
   where things were allocated (debug mode), and ebb.alloc. */
#include "lua/l_budget.h"
#include "lua/l_frame.h"
#include "lua/l_heap.h"
#include "lua/l_registry.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const ebbL_type memory_type = {"ebb.alloc", NULL, NULL};

/* --- telling the collector --- */

/* Below this the collector is not hurried. */
#define SMALL_BYTES ((size_t)4 << 20)

static size_t live_bytes(const ebbL_memory *M)
{
  return M->pool.pool.live_bytes + M->pool.heap.live_bytes;
}

/* Lets the collector do the work it would do had Lua itself allocated that
   much. Step sizes are in KiB up to 5.4 and in bytes later. */
static void step_collector(lua_State *L, double n_kib)
{
  int k = n_kib < 1e6 ? (int)n_kib : 1000000;
#if LUA_VERSION_NUM > 504
  lua_gc(L, LUA_GCSTEP, (size_t)k * 1024);
#else
  lua_gc(L, LUA_GCSTEP, k);
#endif
}

/* A collector cycle should be done for every growth of the off-heap bytes by
   half: so growing by as much as is live is worth as much of Lua's own memory
   as two heaps, whatever the heap's size. */
void ebbL_memory_charge(lua_State *L, ebbL_memory *M, size_t n_bytes)
{
  M->owed_bytes += (int64_t)(n_bytes < SIZE_MAX / 4 ? n_bytes : 0);
  if (EBB_LIKELY(M->owed_bytes < 4096))
    return;
  size_t base = live_bytes(M) + n_bytes;
  if (base < SMALL_BYTES)
    base = SMALL_BYTES;
  double heap_kib = (double)lua_gc(L, LUA_GCCOUNT);
  double n_kib = 2 * heap_kib * (double)M->owed_bytes / (double)base;
  if (n_kib < 8)
    return;
  M->owed_bytes = 0;
  ebbL_state *S = M->head.state;
  if (S->gc.n_users > 0)
    ebbL_gc_charge(L, S, n_kib);
  /* A collector that was stopped on purpose stays stopped. */
  else if (lua_gc(L, LUA_GCISRUNNING))
    step_collector(L, n_kib);
}

void ebbL_memory_credit(ebbL_memory *M, size_t n_bytes)
{
  size_t most = live_bytes(M) > SMALL_BYTES ? live_bytes(M) : SMALL_BYTES;
  if (n_bytes > most)
    n_bytes = most;
  M->owed_bytes -= (int64_t)n_bytes;
  if (M->owed_bytes < -(int64_t)most)
    M->owed_bytes = -(int64_t)most;
}

/* --- places --- */

void ebbL_place_write(lua_State *L, char *place)
{
  lua_Debug ar;
  place[0] = '\0';
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) {
      snprintf(place, sizeof(((ebbL_places *)NULL)->made), "%s:%d",
               ar.short_src, ar.currentline);
      return;
    }
  }
}

ebbL_places *ebbL_places_new(lua_State *L, ebbL_memory *M)
{
  if (EBB_LIKELY(!M->is_debug))
    return NULL;
  ebbL_places *places = ebb_slab_get(&M->places);
  if (places != NULL) {
    ebbL_place_write(L, places->made);
    places->freed[0] = '\0';
  }
  return places;
}

const char *ebbL_places_push(lua_State *L, const ebbL_places *places)
{
  if (places == NULL)
    return lua_pushliteral(L, "");
  const char *made = places->made[0] != '\0' ? places->made : "?";
  if (places->freed[0] == '\0')
    return lua_pushfstring(L, " (allocated at %s)", made);
  return lua_pushfstring(L, " (allocated at %s, freed at %s)", made,
                         places->freed);
}

/* --- ebb.alloc --- */

static void set_count(lua_State *L, const char *name, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

/* [-0, +1] {live, peak, total} */
static void push_count(lua_State *L, const ebb_pool_count *count)
{
  lua_createtable(L, 0, 5);
  set_count(L, "live", count->live_bytes);
  set_count(L, "peak", count->peak_bytes);
  set_count(L, "total", count->total_bytes);
}

/* ebb.alloc.stats() → {frame = …, pool = …, heap = …, tags = …} */
static int l_stats(lua_State *L)
{
  ebbL_memory *M = ebbL_M(L);
  lua_createtable(L, 0, 4);
  ebbL_frame_stats(L, M);
  lua_setfield(L, -2, "frame");
  push_count(L, &M->pool.pool);
  set_count(L, "mallocs", ebb_pool_mallocs(&M->pool));
  lua_createtable(L, EBB_POOL_N_CLASSES, 0);
  for (int i = 0; i < EBB_POOL_N_CLASSES; i++) {
    const ebb_slab *slab = &M->pool.slabs[i];
    lua_createtable(L, 0, 3);
    set_count(L, "size", slab->object_bytes);
    set_count(L, "live", slab->n_live);
    set_count(L, "free", slab->n_total - slab->n_live);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "classes");
  lua_setfield(L, -2, "pool");
  push_count(L, &M->pool.heap);
  lua_setfield(L, -2, "heap");
  ebbL_budget_tags(L, M);
  lua_setfield(L, -2, "tags");
  ebbL_heap_pushstats(L, ebbL_S(L));
  lua_setfield(L, -2, "state");
  return 1;
}

/* ebb.alloc.debug([on]) → was it on before? */
static int l_debug(lua_State *L)
{
  ebbL_memory *M = ebbL_M(L);
  bool was_debug = M->is_debug;
  if (!lua_isnoneornil(L, 1)) {
    if (lua_type(L, 1) != LUA_TBOOLEAN)
      ebbL_typeerror(L, 1, "boolean");
    M->is_debug = lua_toboolean(L, 1);
  }
  lua_pushboolean(L, was_debug);
  return 1;
}

/* [-0, +0] Appends to the list on top. */
static void add_leak(lua_State *L, const ebbL_type *type,
                     const ebbL_places *places, size_t n_bytes)
{
  if (places == NULL)
    return;
  lua_createtable(L, 0, 3);
  set_count(L, "bytes", n_bytes);
  lua_pushstring(L, type->name + sizeof("ebb.") - 1);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, places->made);
  lua_setfield(L, -2, "place");
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* Appends what was recorded in the guard to the list on top. */
static void add_leaks(lua_State *L, const ebb_guard *guard)
{
  ebb_list_foreach(link, &guard->items) {
    ebb_item *item = ebb_container_of(link, ebb_item, link);
    if (item->kind == EBB_ITEM_BLOCK) {
      const ebbL_block *block =
          ebbL_block_of(ebb_container_of(item, ebb_block, item));
      add_leak(L, block->type, block->places, block->block.n_bytes);
    } else if (item->kind == EBBL_ITEM_BOX) {
      const ebbL_box *box = ebb_container_of(item, ebbL_box, item);
      add_leak(L, box->head.type, box->places, 0);
    }
  }
}

static int list_leaks(lua_State *L)
{
  ebbL_memory *M = lua_touserdata(L, 1);
  lua_newtable(L);
  ebb_list_foreach(link, &M->guards)
    add_leaks(L, &ebb_container_of(link, ebbL_guard, link)->guard);
  add_leaks(L, &M->loose);
  ebb_list_foreach(link, &M->budgets)
    add_leaks(L, &ebb_container_of(link, ebbL_budget, link)->loose);
  return 1;
}

/* ebb.alloc.leaks() → list of {bytes, kind, place}: every block allocated since
   debug(true) that is still there. The collector has its turn first and is then
   kept still, for the lists must not change while they are walked. */
static int l_leaks(lua_State *L)
{
  ebbL_collect(L);
  bool is_running = lua_gc(L, LUA_GCISRUNNING);
  lua_gc(L, LUA_GCSTOP);
  lua_pushcfunction(L, list_leaks);
  lua_pushlightuserdata(L, ebbL_M(L));
  int status = lua_pcall(L, 1, 1, 0);
  if (is_running)
    lua_gc(L, LUA_GCRESTART);
  return status == LUA_OK ? 1 : lua_error(L);
}

static const luaL_Reg alloc_functions[] = {
    {"stats", l_stats},
    {"debug", l_debug},
    {"leaks", l_leaks},
    {NULL, NULL},
};

/* --- life --- */

/* What a close that was cut short has left; what it should have run is lost. */
static void drain_guard(ebb_guard *guard)
{
  ebb_item *item;
  while ((item = ebb_guard_newest(guard)) != NULL) {
    if (item->kind == EBB_ITEM_BLOCK)
      ebb_block_put(ebb_container_of(item, ebb_block, item));
    else
      ebb_guard_remove(item);
  }
}

/* The oldest of ebb's memory objects, so the last to go: all handles and guards
   have been finalised by now. */
static int l_memory_gc(lua_State *L)
{
  ebbL_memory *M = ebbL_test(L, 1, &memory_type);
  if (M == NULL || M->is_closed)
    return 0;
  M->is_closed = true;
  ebb_list_foreach_safe(link, &M->guards)
    drain_guard(&ebb_container_of(link, ebbL_guard, link)->guard);
  ebb_guard_fini(&M->loose);
  ebb_list_foreach(link, &M->budgets)
    ebb_guard_fini(&ebb_container_of(link, ebbL_budget, link)->loose);
  ebbL_registries_fini(M);
  ebb_frame_fini(&M->frame);
  ebbL_sites_fini(&M->sites);
  ebb_slab_fini(&M->items);
  ebb_slab_fini(&M->places);
  ebb_pool_fini(&M->pool);
  return 0;
}

static const luaL_Reg memory_meta[] = {{"__gc", l_memory_gc}, {NULL, NULL}};

void ebbL_mem_setfuncs(lua_State *L, ebbL_state *S, ebbL_memory *M,
                       const luaL_Reg *functions)
{
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_pushlightuserdata(L, M);
  luaL_setfuncs(L, functions, 3);
}

/* [raises] The state's memory: made once, however often the module is loaded
   (a test runner, or package.loaded cleared by hand). */
static ebbL_memory *open_memory(lua_State *L, ebbL_state *S)
{
  static const char key;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  ebbL_memory *M = ebbL_test(L, -1, &memory_type);
  lua_pop(L, 1);
  if (M != NULL)
    return M;
  ebbL_newtype(L, S, &memory_type, NULL, memory_meta);
  lua_pop(L, 1);
  M = ebbL_new(L, S, &memory_type, sizeof(*M), 0);
  ebb_pool_init(&M->pool, &S->charged);
  ebb_slab_init(&M->items, &M->pool.pages, sizeof(ebbL_entry));
  ebb_slab_init(&M->places, &M->pool.pages, sizeof(ebbL_places));
  M->blocks.record_bytes = (sizeof(ebbL_block) + 15) / 16 * 16;
  ebb_guard_init(&M->loose, &M->pool, NULL);
  ebb_list_init(&M->guards);
  ebb_list_init(&M->budgets);
  ebb_list_init(&M->registries);
  ebb_frame_init(&M->frame, &S->alloc, EBB_FRAME_DEFAULT_BYTES);
  ebbL_sites_init(&M->sites, &M->pool.pages);
  ebb_list_init(&M->open_phases);
  S->memory = M;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  return M;
}

void ebbL_open_mem(lua_State *L, ebbL_state *S)
{
  ebbL_memory *M = open_memory(L, S);
  ebbL_open_spans(L, S);
  ebbL_open_guard(L, S, M);
  lua_newtable(L);
  ebbL_mem_setfuncs(L, S, M, alloc_functions);
  ebbL_open_budget(L, S, M);
  ebbL_open_heap(L, S);
  ebbL_open_registry(L, S, M);
  ebbL_open_frame(L, S, M);
  lua_setfield(L, -2, "alloc");
}
