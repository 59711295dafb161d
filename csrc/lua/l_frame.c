/* SPDX-License-Identifier: MIT */
/* ebb.alloc.begin_frame and its kin, the frame's methods, and what tasks see
   of it. */
#include "lua/l_frame.h"

#include <string.h>

#include "lua/l_rt_options.h"
#include "lua/l_task.h"

typedef struct frame_object {
  ebbL_header head;
  ebbL_memory *memory;
} frame_object;

static const ebbL_type frame_type = {"ebb.frame", NULL, NULL};

/* Registry keys: the addresses. The newest page of marks has the one before as
   its user value. */
static const char object_key, pages_key;

#define PAGE_MARKS 32

/* --- for C --- */

static bool tasks_run(const ebbL_state *S)
{
  return S->current != NULL || S->driving != NULL;
}

int ebbL_frame_begin(ebbL_state *S)
{
  ebbL_memory *M = S->memory;
  if (M == NULL || M->is_closed || tasks_run(S))
    return EBB_EINVAL;
  if (M->frame.is_open)
    return EBB_EBUSY;
  if (!ebb_frame_enter(&M->frame))
    return EBB_ENOMEM;
  M->begun_at = NULL;
  return 0;
}

int ebbL_frame_end(ebbL_state *S)
{
  ebbL_memory *M = S->memory;
  if (M == NULL || !M->frame.is_open || tasks_run(S))
    return EBB_EINVAL;
  ebbL_phases_end(M);
  M->last_frame.count = M->frame.count;
  M->last_frame.peak_bytes = M->frame.frame_peak_bytes;
  ebb_frame_leave(&M->frame);
  return 0;
}

void *ebbL_frame_alloc(ebbL_state *S, size_t n_bytes, size_t align)
{
  if (S->memory == NULL || tasks_run(S))
    return NULL;
  return ebb_frame_get(&S->memory->frame, n_bytes, align);
}

/* --- checks --- */

void ebbL_frame_not_in_task(lua_State *L, const ebbL_memory *M)
{
  if (EBB_UNLIKELY(tasks_run(M->head.state)))
    ebbL_error(L, "EBB003",
               "the frame arena is for the host's own code, not for tasks: a "
               "task can be suspended over the end of the frame; use "
               "ebb.task_guard()");
}

void ebbL_frame_check(lua_State *L, ebbL_memory *M)
{
  ebbL_frame_not_in_task(L, M);
  if (EBB_UNLIKELY(!M->frame.is_open))
    ebbL_error(L, "EBB001",
               "no frame is open; call ebb.alloc.begin_frame() first, or use "
               "ebb.alloc.in_frame(fn)");
}

/* The memory of the frame object at 1, with a frame open. [raises] */
static ebbL_memory *check_frame(lua_State *L)
{
  ebbL_memory *M = ((frame_object *)ebbL_check(L, 1, &frame_type))->memory;
  ebbL_frame_check(L, M);
  return M;
}

void ebbL_frame_need_mark(lua_State *L, ebbL_memory *M)
{
  if (EBB_LIKELY(M->frame.free_marks != NULL))
    return;
  ebb_frame_mark *marks = lua_newuserdatauv(L, PAGE_MARKS * sizeof(*marks), 1);
  memset(marks, 0, PAGE_MARKS * sizeof(*marks));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pages_key);
  lua_setiuservalue(L, -2, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pages_key);
  for (int i = PAGE_MARKS; i-- > 0;)
    ebb_frame_give_mark(&M->frame, &marks[i]);
}

/* --- tasks --- */

void ebbL_frame_hide(ebbL_state *S, ebbL_rt *rt)
{
  ebbL_memory *M = S->memory;
  if (EBB_LIKELY(M == NULL || !M->frame.is_open))
    return;
  if (M->is_debug && rt != NULL) {
    ebb_list_foreach(node, &rt->core.tasks)
      ebbL_task_of(ebb_container_of(node, ebb_task, all))->frame_gen =
          ebbL_frame_gen(S);
  }
  ebb_frame_hide(&M->frame);
}

void ebbL_frame_awaits(ebbL_task *task)
{
  ebbL_state *S = task->S;
  if (ebbL_frame_gen(S) != task->frame_gen) {
    task->frame_gen = 0; /* its frame is over: from now on this costs nothing */
    return;
  }
  task->await_gen = task->frame_gen;
  task->await_site = ebbL_site_of(&S->memory->sites, task->L);
}

/* --- ebb.alloc --- */

static void push_frame(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key);
}

/* [-0, +1, raises] */
static int begin_frame(lua_State *L, ebbL_memory *M)
{
  for (int attempt = 0;; attempt++) {
    ebbL_frame_not_in_task(L, M);
    if (M->is_closed)
      ebbL_error(L, "EBB012", "the Lua state is closing");
    if (M->frame.is_open)
      ebbL_error(L, "EBB004", "a frame is open already%s; end it first",
                 ebbL_site_push(L, M, ": begun at ", M->begun_at));
    if (ebbL_frame_begin(M->head.state) == 0)
      break;
    if (attempt > 0)
      ebbL_nomem(L);
    ebbL_collect(L); /* any code may run: look again */
  }
  M->begun_at = ebbL_site_of(&M->sites, L);
  push_frame(L);
  return 1;
}

/* begin_frame() → f */
static int l_begin_frame(lua_State *L)
{
  return begin_frame(L, ebbL_M(L));
}

/* end_frame() */
static int l_end_frame(lua_State *L)
{
  ebbL_memory *M = ebbL_M(L);
  ebbL_frame_check(L, M);
  ebbL_frame_end(M->head.state);
  return 0;
}

/* frame() → f */
static int l_frame(lua_State *L)
{
  ebbL_frame_check(L, ebbL_M(L));
  push_frame(L);
  return 1;
}

static int in_frame_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  return lua_gettop(L) - 1;
}

/* in_frame(fn, …) → what fn(…, f) returns; the frame ends however it is left,
   by f's __close, so errors pass with their traceback whole. [yields] */
static int l_in_frame(lua_State *L)
{
  ebbL_checkcallable(L, 1);
  begin_frame(L, ebbL_M(L));
  lua_insert(L, 1); /* f, fn, … */
  lua_toclose(L, 1);
  lua_pushvalue(L, 1);
  lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, in_frame_k);
  return in_frame_k(L, LUA_OK, 0);
}

static size_t check_capacity(lua_State *L, int idx, const char *what)
{
  int is_integer;
  lua_Integer n = lua_tointegerx(L, idx, &is_integer);
  if (lua_type(L, idx) == LUA_TNUMBER && is_integer && n >= 1 &&
      (lua_Unsigned)n <= EBBL_MAX_BYTES)
    return (size_t)n;
  if (lua_type(L, idx) == LUA_TNUMBER) {
    lua_pushvalue(L, idx);
    lua_tostring(L, -1);
  } else {
    ebbL_typename(L, idx);
  }
  ebbL_argerror(
      L, 1,
      lua_pushfstring(L, "option '%s': a number of bytes expected, got %s",
                      what, lua_tostring(L, -1)));
  return 0;
}

/* [raises] EBB004 */
static void set_capacity(lua_State *L, ebbL_memory *M, size_t n_bytes)
{
  if (M->frame.is_open && n_bytes != M->frame.capacity)
    ebbL_error(L, "EBB004",
               "a frame is open%s: its size can be changed between frames only",
               ebbL_site_push(L, M, ", begun at ", M->begun_at));
  if (n_bytes != M->frame.capacity)
    ebb_frame_configure(&M->frame, n_bytes);
}

/* configure{frame = bytes} */
static int l_configure(lua_State *L)
{
  ebbL_memory *M = ebbL_M(L);
  if (!lua_istable(L, 1))
    ebbL_typeerror(L, 1, "table of options");
  lua_settop(L, 1);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING ||
        strcmp(lua_tostring(L, -1), "frame") != 0)
      ebbL_argerror(L, 1,
                    lua_pushfstring(L, "unknown option '%s'",
                                    luaL_tolstring(L, -1, NULL)));
  }
  ebbL_frame_not_in_task(L, M);
  if (lua_getfield(L, 1, "frame") != LUA_TNIL)
    set_capacity(L, M, check_capacity(L, -1, "frame"));
  return 0;
}

void ebbL_frame_option(lua_State *L, ebbL_rt *rt)
{
  ebbL_memory *M = rt->head.state->memory;
  size_t n_bytes = check_capacity(L, -1, "frame");
  if (n_bytes != M->frame.capacity)
    ebbL_frame_not_in_task(L, M);
  set_capacity(L, M, n_bytes);
}

/* --- the frame --- */

/* f:bytes(n, [{align = }]) */
static int l_frame_bytes(lua_State *L)
{
  ebbL_memory *M = check_frame(L);
  size_t n = ebbL_checkcount(L, 2, EBBL_U8, false);
  size_t align = ebbL_optalign(L, 3);
  ebbL_frame_span(L, M, &ebbL_bytes_type, EBBL_U8, n, n, align);
  return 1;
}

/* f:array(type, n, [{align = }]) */
static int l_frame_array(lua_State *L)
{
  ebbL_memory *M = check_frame(L);
  ebbL_elem elem = ebbL_checkelem(L, 2);
  size_t n = ebbL_checkcount(L, 3, elem, false);
  size_t align = ebbL_optalign(L, 4);
  ebbL_frame_span(L, M, &ebbL_array_type, elem, n, n, align);
  return 1;
}

/* f:vec(type, [reserve, [{align = }]]) */
static int l_frame_vec(lua_State *L)
{
  ebbL_memory *M = check_frame(L);
  ebbL_elem elem = ebbL_checkelem(L, 2);
  size_t cap = ebbL_checkcount(L, 3, elem, true);
  size_t align = ebbL_optalign(L, 4);
  ebbL_frame_span(L, M, &ebbL_vec_type, elem, 0, cap, align);
  return 1;
}

/* f:buffer([reserve, [{align = }]]) */
static int l_frame_buffer(lua_State *L)
{
  ebbL_memory *M = check_frame(L);
  size_t cap = ebbL_checkcount(L, 2, EBBL_U8, true);
  size_t align = ebbL_optalign(L, 3);
  ebbL_frame_span(L, M, &ebbL_buffer_type, EBBL_U8, 0, cap, align);
  return 1;
}

/* f:renew(x, [n]) → x: as new, of this frame. For vec and buffer n is what is
   reserved. */
static int l_frame_renew(lua_State *L)
{
  ebbL_memory *M = check_frame(L);
  ebbL_span *span = ebbL_tospan(L, 2);
  if (span == NULL || !span->is_frame || span->is_view || span->memory != M)
    ebbL_argerror(L, 2,
                  "frame memory expected (of frame:bytes, array, vec, buffer)");
  ebbL_elem elem = (ebbL_elem)span->elem;
  bool is_fixed = span->head.type == &ebbL_bytes_type ||
                  span->head.type == &ebbL_array_type;
  size_t n =
      lua_isnoneornil(L, 3) ? span->cap : ebbL_checkcount(L, 3, elem, false);
  ebbL_frame_renew(L, M, span, is_fixed ? n : 0, n);
  lua_settop(L, 2);
  return 1;
}

static int l_frame_checkpoint(lua_State *L)
{
  return ebbL_frame_checkpoint(L, check_frame(L));
}

static int l_frame_phase(lua_State *L)
{
  return ebbL_frame_phase(L, check_frame(L));
}

static void set_integer(lua_State *L, const char *name, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

/* f:summary() → {bytes, allocations, spilled, peak, phases}: of the open frame,
   else of the last one */
static int l_frame_summary(lua_State *L)
{
  ebbL_memory *M = ((frame_object *)ebbL_check(L, 1, &frame_type))->memory;
  ebbL_frame_not_in_task(L, M);
  lua_createtable(L, 0, 5);
  ebbL_phases_push(L, M);
  lua_setfield(L, -2, "phases");
  bool is_open = M->frame.is_open;
  const ebb_frame_count *count =
      is_open ? &M->frame.count : &M->last_frame.count;
  set_integer(L, "bytes", count->live_bytes);
  set_integer(L, "allocations", count->n_live);
  set_integer(L, "spilled", count->spilled_bytes);
  set_integer(L, "peak",
              is_open ? M->frame.frame_peak_bytes : M->last_frame.peak_bytes);
  return 1;
}

/* f:close(), __close: ends the frame, if one is open */
static int l_frame_close(lua_State *L)
{
  ebbL_memory *M = ((frame_object *)ebbL_check(L, 1, &frame_type))->memory;
  if (!M->frame.is_open)
    return 0;
  ebbL_frame_not_in_task(L, M);
  ebbL_frame_end(M->head.state);
  return 0;
}

static int l_frame_tostring(lua_State *L)
{
  const ebbL_memory *M =
      ((frame_object *)ebbL_check(L, 1, &frame_type))->memory;
  const ebb_frame *frame = &M->frame;
  lua_pushfstring(
      L, "ebb.frame: %I allocations, %I of %I bytes, %s",
      (LUAI_UACINT)frame->count.n_live, (LUAI_UACINT)frame->count.live_bytes,
      (LUAI_UACINT)frame->capacity, frame->is_open ? "open" : "closed");
  return 1;
}

void ebbL_frame_stats(lua_State *L, const ebbL_memory *M)
{
  const ebb_frame *frame = &M->frame;
  lua_createtable(L, 0, 8);
  set_integer(L, "live", frame->count.live_bytes);
  set_integer(L, "peak", frame->peak_bytes);
  set_integer(L, "total", frame->total_bytes);
  set_integer(L, "capacity", frame->capacity);
  set_integer(L, "spilled", frame->count.spilled_bytes);
  set_integer(L, "spills", frame->n_spills);
  set_integer(L, "needed", frame->high_bytes);
  set_integer(L, "frames", frame->n_frames);
}

static const luaL_Reg frame_methods[] = {
    {"bytes", l_frame_bytes}, {"array", l_frame_array},
    {"vec", l_frame_vec},     {"buffer", l_frame_buffer},
    {"renew", l_frame_renew}, {"checkpoint", l_frame_checkpoint},
    {"phase", l_frame_phase}, {"summary", l_frame_summary},
    {"close", l_frame_close}, {NULL, NULL},
};

static const luaL_Reg frame_meta[] = {
    {"__close", l_frame_close},
    {"__tostring", l_frame_tostring},
    {NULL, NULL},
};

static const luaL_Reg frame_functions[] = {
    {"begin_frame", l_begin_frame}, {"end_frame", l_end_frame},
    {"in_frame", l_in_frame},       {"frame", l_frame},
    {"configure", l_configure},     {NULL, NULL},
};

void ebbL_open_frame(lua_State *L, ebbL_state *S, ebbL_memory *M)
{
  ebbL_open_checkpoint(L, S);
  ebbL_open_phase(L, S);
  ebbL_newtype(L, S, &frame_type, frame_methods, frame_meta);
  lua_pop(L, 1);
  frame_object *object = ebbL_new(L, S, &frame_type, sizeof(*object), 0);
  object->memory = M;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &object_key);
  ebbL_mem_setfuncs(L, S, M, frame_functions);
}
