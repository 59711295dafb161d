/* SPDX-License-Identifier: MIT */
/* Phases of a frame: how long each part takes and how much it allocates.

   There is one object a name, used again in every frame, so a phase makes no
   garbage. A phase that is entered while it is open counts once; phases within
   others count in both. Names are kept in a table of the registry; when there
   are many, those that the current frame has not used are forgotten. */
#include "lua/l_frame.h"

#include "uv/driver.h"

typedef struct phase {
  ebbL_header head;
  ebbL_memory *memory;
  ebb_list link;    /* in memory->open_phases while depth > 0 */
  uint64_t n_frame; /* the frame that the figures are of */
  uint32_t depth;   /* times entered and not closed */
  uint64_t entered_ns, entered_bytes;
  uint64_t sum_ns, sum_bytes;
} phase;

static const ebbL_type phase_type = {"ebb.phase", NULL, NULL};
static const char names_key; /* of the table, in the registry */

#define NAMES_MAX 256

static void leave(phase *p, uint64_t now_ns)
{
  p->depth = 0;
  ebb_list_unlink(&p->link);
  p->sum_ns += now_ns - p->entered_ns;
  p->sum_bytes += p->memory->frame.total_bytes - p->entered_bytes;
}

void ebbL_phases_end(ebbL_memory *M)
{
  if (EBB_LIKELY(ebb_list_is_empty(&M->open_phases)))
    return;
  uint64_t now_ns = ebb_driver_clock(NULL);
  ebb_list_foreach_safe(link, &M->open_phases)
    leave(ebb_container_of(link, phase, link), now_ns);
}

/* A table with the names of this frame only replaces the one at `names`. */
static void forget_names(lua_State *L, ebbL_memory *M, int names)
{
  uint32_t n = 0;
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, names)) {
    const phase *p = lua_touserdata(L, -1);
    if (p->n_frame == M->frame.n_frames) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -4);
      n++;
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_replace(L, names);
  M->n_phase_names = n;
}

/* [f, name] → p */
int ebbL_frame_phase(lua_State *L, ebbL_memory *M)
{
  if (lua_type(L, 2) != LUA_TSTRING)
    ebbL_typeerror(L, 2, "string");
  lua_settop(L, 2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_pushvalue(L, 2);
  lua_rawget(L, 3);
  phase *p = lua_touserdata(L, 4);
  if (EBB_UNLIKELY(p == NULL)) {
    lua_settop(L, 3);
    if (M->n_phase_names >= NAMES_MAX)
      forget_names(L, M, 3);
    p = ebbL_new(L, M->head.state, &phase_type, sizeof(*p), 0);
    p->memory = M;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 3);
    M->n_phase_names++;
    ebbL_frame_check(L, M); /* finalisers may have run */
  }
  if (p->n_frame != M->frame.n_frames) {
    p->n_frame = M->frame.n_frames;
    p->sum_ns = p->sum_bytes = 0;
  }
  if (p->depth++ == 0) {
    ebb_list_push_back(&M->open_phases, &p->link);
    p->entered_bytes = M->frame.total_bytes;
    p->entered_ns = ebb_driver_clock(NULL);
  }
  return 1;
}

/* p:close(): harmless when it is not open */
static int l_phase_close(lua_State *L)
{
  phase *p = ebbL_check(L, 1, &phase_type);
  if (p->depth == 0)
    return 0;
  ebbL_frame_not_in_task(L, p->memory);
  if (--p->depth == 0)
    leave(p, ebb_driver_clock(NULL));
  return 0;
}

static int l_phase_tostring(lua_State *L)
{
  const phase *p = ebbL_check(L, 1, &phase_type);
  lua_pushfstring(L, "ebb.phase: %s", p->depth > 0 ? "open" : "closed");
  return 1;
}

void ebbL_phases_push(lua_State *L, ebbL_memory *M)
{
  uint64_t now_ns = ebb_driver_clock(NULL);
  lua_newtable(L);
  int to = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_pushnil(L);
  while (lua_next(L, to + 1)) {
    const phase *p = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (p->n_frame != M->frame.n_frames)
      continue;
    uint64_t ns = p->sum_ns, bytes = p->sum_bytes;
    if (p->depth > 0) {
      if (now_ns > p->entered_ns)
        ns += now_ns - p->entered_ns;
      bytes += M->frame.total_bytes - p->entered_bytes;
    }
    lua_pushvalue(L, -1);
    lua_createtable(L, 0, 2);
    lua_pushnumber(L, (lua_Number)ns / 1e9);
    lua_setfield(L, -2, "seconds");
    lua_pushinteger(L, (lua_Integer)bytes);
    lua_setfield(L, -2, "bytes");
    lua_rawset(L, to);
  }
  lua_settop(L, to);
}

static const luaL_Reg phase_methods[] = {{"close", l_phase_close},
                                         {NULL, NULL}};
static const luaL_Reg phase_meta[] = {
    {"__close", l_phase_close}, {"__tostring", l_phase_tostring}, {NULL, NULL}};

void ebbL_open_phase(lua_State *L, ebbL_state *S)
{
  ebbL_newtype(L, S, &phase_type, phase_methods, phase_meta);
  lua_pop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key) != LUA_TTABLE) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
  }
  lua_pop(L, 1);
}
