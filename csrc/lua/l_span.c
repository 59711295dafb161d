/* SPDX-License-Identifier: MIT */
/* What all handles of memory have in common: making and freeing them, the
   checks of generation and bounds, x[i], #x, tostring. */
#include "lua/l_budget.h"
#include "lua/l_frame.h"

#include <string.h>

const ebbL_type ebbL_span_types[4] = {
    {"ebb.bytes", NULL, NULL},
    {"ebb.array", NULL, NULL},
    {"ebb.vec", NULL, NULL},
    {"ebb.buffer", NULL, NULL},
};

/* --- description and errors --- */

const char *ebbL_span_label(lua_State *L, const ebbL_span *span)
{
  const ebbL_type *type = span->head.type;
  if (type == &ebbL_bytes_type || type == &ebbL_buffer_type)
    return lua_pushfstring(L, "%s: %I bytes", type->name, (LUAI_UACINT)span->n);
  return lua_pushfstring(L, "%s: %s x %I", type->name,
                         ebbL_elems[span->elem].name, (LUAI_UACINT)span->n);
}

int ebbL_span_stale(lua_State *L, ebbL_span *span)
{
  if (span->is_frame)
    return ebbL_frame_stale(L, span);
  const char *label = ebbL_span_label(L, span);
  const ebbL_places *places = span->places;
  if (span->is_view)
    return ebbL_error(L, "EBB012",
                      "used after what it is a view of was freed or has grown: "
                      "%s%s",
                      label, ebbL_places_push(L, places));
  return ebbL_error(L, "EBB012", "used after it was freed: %s%s", label,
                    ebbL_places_push(L, places));
}

ebbL_span *ebbL_span_checkany(lua_State *L, int idx)
{
  ebbL_span *span = ebbL_tospan(L, idx);
  if (EBB_UNLIKELY(span == NULL))
    ebbL_typeerror(L, idx, "ebb.bytes, array, vec or buffer");
  if (EBB_UNLIKELY(!ebbL_span_is_live(span)))
    ebbL_span_stale(L, span);
  return span;
}

/* [raises] EBB013 */
static void index_outside(lua_State *L, int idx, const ebbL_span *span)
{
  const char *label = ebbL_span_label(L, span);
  if (lua_type(L, idx) == LUA_TNUMBER) {
    lua_pushvalue(L, idx);
    ebbL_error(L, "EBB013", "index %s is outside of 1 to %I (%s)",
               lua_tostring(L, -1), (LUAI_UACINT)span->n, label);
  }
  ebbL_error(L, "EBB013", "an index must be an integer, got %s (%s)",
             ebbL_typename(L, idx), label);
}

size_t ebbL_checkindex(lua_State *L, int arg, const ebbL_span *span)
{
  int is_integer = 0;
  lua_Integer i = 0;
  if (EBB_LIKELY(lua_type(L, arg) == LUA_TNUMBER))
    i = lua_tointegerx(L, arg, &is_integer);
  if (EBB_UNLIKELY(!is_integer || (lua_Unsigned)i - 1 >= span->n))
    index_outside(L, arg, span);
  return (size_t)i;
}

size_t ebbL_checkrange(lua_State *L, int arg, const ebbL_span *span, size_t *n)
{
  lua_Integer first = 1, last = (lua_Integer)span->n;
  if (!lua_isnoneornil(L, arg))
    first = ebbL_checkinteger(L, arg, LUA_MININTEGER, LUA_MAXINTEGER);
  if (!lua_isnoneornil(L, arg + 1))
    last = ebbL_checkinteger(L, arg + 1, LUA_MININTEGER, LUA_MAXINTEGER);
  /* 1 <= first <= n + 1 and first - 1 <= last <= n: a range in the span, or an
     empty one at its edge. */
  if (first < 1 || first > (lua_Integer)span->n + 1 || last < first - 1 ||
      last > (lua_Integer)span->n)
    ebbL_error(L, "EBB013", "range %I to %I is not within 1 to %I (%s)",
               (LUAI_UACINT)first, (LUAI_UACINT)last, (LUAI_UACINT)span->n,
               ebbL_span_label(L, span));
  *n = (size_t)(last - first + 1);
  return (size_t)(first - 1);
}

/* --- making and freeing --- */

size_t ebbL_elem_bytes(ebbL_elem elem, size_t n)
{
  size_t size = ebbL_elems[elem].n_bytes;
  return n > EBBL_MAX_BYTES / size ? SIZE_MAX : n * size;
}

/* A block without data, for a span that is stale until it has some. [raises] */
static void new_block(lua_State *L, ebbL_span *span)
{
  ebbL_memory *M = span->memory;
  span->block = &M->gone.block;
  span->gen_at = &span->block->gen;
  span->gen = 1; /* stale */
  ebbL_block *block = ebbL_record_get(L, M->head.state, &M->blocks);
  block->type = span->head.type;
  block->places = NULL;
  span->block = &block->block;
  span->gen_at = &block->block.gen;
  span->gen = block->block.gen - 1;
}

ebbL_span *ebbL_span_new(lua_State *L, int guard_idx, const ebbL_type *type,
                         ebbL_elem elem, size_t n, size_t cap, size_t align)
{
  ebbL_guard *guard = ebbL_checkguard(L, guard_idx);
  ebbL_memory *M = guard->memory;
  size_t n_bytes = ebbL_elem_bytes(elem, cap);
  guard_idx = lua_absindex(L, guard_idx);
  ebbL_memory_charge(L, M, n_bytes);
  ebbL_span *span = ebbL_new(L, M->head.state, type, sizeof(*span), 1);
  span->elem = (uint8_t)elem;
  span->memory = M;
  new_block(L, span);
  lua_pushvalue(L, guard_idx);
  lua_setiuservalue(L, -2, 1);
  bool passes = false;
  for (int attempt = 0;; attempt++) {
    if (!ebbL_budget_admit(L, guard->guard.budget, n_bytes, &passes)) {
      lua_pushnil(L);
      ebbL_budget_message(L, guard->guard.budget);
      return NULL;
    }
    /* The collector may have run, and with it any code: look again. */
    ebbL_checkguard(L, guard_idx);
    if (ebb_block_get(&guard->guard, span->block, n_bytes, align))
      break;
    if (attempt > 0)
      ebbL_nomem(L);
    ebbL_collect(L);
  }
  span->gen = span->block->gen;
  span->data = span->block->data;
  span->n = n;
  span->cap = cap;
  span->places = ebbL_block_of(span->block)->places = ebbL_places_new(L, M);
  return span;
}

ebbL_span *ebbL_span_loose(lua_State *L, ebbL_memory *M, const ebbL_type *type,
                           ebbL_elem elem, size_t n, const void *from)
{
  size_t n_bytes = ebbL_elem_bytes(elem, n);
  ebbL_memory_charge(L, M, n_bytes);
  ebbL_span *span = ebbL_new(L, M->head.state, type, sizeof(*span), 1);
  span->elem = (uint8_t)elem;
  span->memory = M;
  new_block(L, span);
  if (!ebb_block_get(&M->loose, span->block, n_bytes, 0)) {
    ebbL_collect(L);
    if (!ebb_block_get(&M->loose, span->block, n_bytes, 0))
      ebbL_nomem(L);
  }
  span->gen = span->block->gen;
  span->data = span->block->data;
  span->n = span->cap = n;
  if (n_bytes > 0)
    memcpy(span->data, from, n_bytes);
  span->places = ebbL_block_of(span->block)->places = ebbL_places_new(L, M);
  return span;
}

ebbL_span *ebbL_span_view(lua_State *L, int idx, unsigned char *data, size_t n)
{
  idx = lua_absindex(L, idx);
  ebbL_span *of = ebbL_span_checkany(L, idx);
  if (of->is_frame)
    return ebbL_frame_view(L, of, data, n);
  const ebbL_type *type =
      of->head.type == &ebbL_vec_type ? &ebbL_array_type : of->head.type;
  uint64_t gen = of->gen;
  ebbL_span *view =
      ebbL_new(L, of->head.state, type, offsetof(ebbL_span, block), 1);
  /* Should the collector's finalisers have freed it meanwhile, the view is born
     stale. */
  view->gen_at = of->gen_at;
  view->gen = gen;
  view->elem = of->elem;
  view->memory = of->memory;
  view->is_view = true;
  view->data = data;
  view->n = view->cap = n;
  lua_pushvalue(L, idx);
  lua_setiuservalue(L, -2, 1);
  view->places = ebbL_places_new(L, view->memory);
  return view;
}

/* How many elements the block may grow to: cap, or only `need` if the budget
   has no room for more; 0 if there is room by now. Any code may have run, but
   the span is live. [raises] EBB012, EBB032 */
static size_t admit_growth(lua_State *L, ebbL_span *span, size_t need,
                           size_t cap, bool *passes)
{
  if (!ebbL_span_is_live(span))
    ebbL_span_stale(L, span);
  if (span->cap >= need)
    return 0;
  ebb_budget *budget = ebbL_span_budget(span);
  if (EBB_LIKELY(budget == NULL))
    return cap > span->cap ? cap : need;
  size_t have = span->block->n_bytes;
  if (cap < need ||
      !ebb_budget_fits(budget, ebbL_elem_bytes(span->elem, cap) - have))
    cap = need;
  if (!ebbL_budget_admit(L, budget, ebbL_elem_bytes(span->elem, cap) - have,
                         passes))
    ebbL_error(L, "EBB032", "%s (%s)", ebbL_budget_message(L, budget),
               ebbL_span_label(L, span));
  if (!ebbL_span_is_live(span))
    ebbL_span_stale(L, span);
  return span->cap < need ? cap : 0;
}

void ebbL_span_grow(lua_State *L, ebbL_span *span, size_t cap, bool exact)
{
  size_t need = cap;
  if (cap <= span->cap)
    return;
  if (span->is_frame) {
    ebbL_frame_grow(L, span, cap, exact);
    return;
  }
  if (ebbL_elem_bytes(span->elem, need) == SIZE_MAX)
    ebbL_nomem(L);
  if (!exact) {
    size_t more = span->cap + span->cap / 2;
    if (cap < more)
      cap = more;
    if (cap < 16)
      cap = 16;
  }
  ebbL_memory_charge(L, span->memory,
                     ebbL_elem_bytes(span->elem, cap) - span->block->n_bytes);
  bool passes = false;
  for (int attempt = 0;; attempt++) {
    cap = admit_growth(L, span, need, cap, &passes);
    size_t offset = (size_t)(span->data - span->block->data);
    if (cap == 0)
      return;
    if (ebb_block_resize(span->block, ebbL_elem_bytes(span->elem, cap))) {
      span->gen = span->block->gen;
      span->data = span->block->data + offset;
      span->cap = cap;
      return;
    }
    if (attempt > 0)
      ebbL_nomem(L);
    ebbL_collect(L);
  }
}

void ebbL_block_free(ebb_block *block, const char *place)
{
  ebbL_places *places = ebbL_block_of(block)->places;
  if (place != NULL && places != NULL)
    memcpy(places->freed, place, sizeof(places->freed));
  ebb_block_put(block);
}

/* --- metamethods --- */

static int l_span_gc(lua_State *L)
{
  ebbL_span *span = ebbL_tospan(L, 1);
  if (span == NULL || span->memory == NULL || span->memory->is_closed ||
      span->is_frame)
    return 0;
  if (!span->is_view && span->block != &span->memory->gone.block) {
    ebbL_block *block = ebbL_block_of(span->block);
    ebb_block_put(&block->block);
    block->places = NULL;
    span->block = &span->memory->gone.block;
    ebbL_record_put(&span->memory->blocks, block);
  }
  ebb_slab_put(&span->memory->places, span->places);
  span->places = NULL;
  return 0;
}

static int l_span_tostring(lua_State *L)
{
  ebbL_span *span = ebbL_tospan(L, 1);
  if (span == NULL)
    return ebbL_typeerror(L, 1, "ebb.bytes, array, vec or buffer");
  lua_pushfstring(L, "%s, %s%s", ebbL_span_label(L, span),
                  ebbL_span_is_live(span) ? "live" : "freed",
                  span->is_view ? " (view)" : "");
  return 1;
}

static int l_span_len(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)ebbL_span_checkany(L, 1)->n);
  return 1;
}

/* x[i] and x.method: upvalue 3 is the table of methods. */
static int l_span_index(lua_State *L)
{
  ebbL_span *span = ebbL_tospan(L, 1);
  if (EBB_UNLIKELY(span == NULL))
    return ebbL_typeerror(L, 1, "ebb.bytes, array, vec or buffer");
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(3));
    return 1;
  }
  if (EBB_UNLIKELY(!ebbL_span_is_live(span)))
    return ebbL_span_stale(L, span);
  size_t i = ebbL_checkindex(L, 2, span);
  ebbL_elem_push(L, span->elem, span->data, i - 1);
  return 1;
}

static int l_span_newindex(lua_State *L)
{
  ebbL_span *span = ebbL_tospan(L, 1);
  if (EBB_UNLIKELY(span == NULL))
    return ebbL_typeerror(L, 1, "ebb.bytes, array, vec or buffer");
  if (EBB_UNLIKELY(!ebbL_span_is_live(span)))
    return ebbL_span_stale(L, span);
  size_t i = ebbL_checkindex(L, 2, span);
  ebbL_elem_store(L, 3, span->elem, span->data, i - 1);
  return 0;
}

/* pairs(x): 1, x[1] … #x, x[#x] */
static int l_span_next(lua_State *L)
{
  ebbL_span *span = ebbL_span_checkany(L, 1);
  lua_Integer i = ebbL_checkinteger(L, 2, 0, LUA_MAXINTEGER);
  if ((lua_Unsigned)i >= span->n)
    return 0;
  lua_pushinteger(L, i + 1);
  ebbL_elem_push(L, span->elem, span->data, (size_t)i);
  return 2;
}

static int l_span_pairs(lua_State *L)
{
  ebbL_span_checkany(L, 1);
  lua_pushcfunction(L, l_span_next);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

static const luaL_Reg span_meta[] = {
    {"__gc", l_span_gc},       {"__tostring", l_span_tostring},
    {"__len", l_span_len},     {"__newindex", l_span_newindex},
    {"__pairs", l_span_pairs}, {NULL, NULL},
};

void ebbL_span_newtype(lua_State *L, ebbL_state *S, const ebbL_type *type,
                       const luaL_Reg *methods)
{
  ebbL_newtype(L, S, type, methods, span_meta);
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_getfield(L, -3, "__index");
  lua_pushcclosure(L, l_span_index, 3);
  lua_setfield(L, -2, "__index");
  /* what owns nothing costs the collector no finaliser */
  ebbL_newretired(L, S, type);
  lua_pop(L, 1);
}

ebbL_span *ebbL_span_lean(lua_State *L, ebbL_state *S, const ebbL_type *type,
                          size_t n_bytes)
{
  ebbL_span *span = lua_newuserdatauv(L, n_bytes, 0);
  memset(span, 0, n_bytes);
  span->head = (ebbL_header){type, S};
  ebbL_retire(L, S, lua_gettop(L), type);
  return span;
}

void ebbL_open_spans(lua_State *L, ebbL_state *S)
{
  ebbL_open_bytes(L, S);
  ebbL_open_array(L, S);
  ebbL_open_buffer(L, S);
}
