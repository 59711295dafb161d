/* SPDX-License-Identifier: MIT */
/* array and vec: typed memory, fixed and growable, with arithmetic on all of it
   in one call. A view of a vec is an array, stale once the vec has grown. */
#include "lua/l_mem.h"

#include <limits.h>
#include <string.h>

/* The array or vec at 1. [raises] */
static ebbL_span *check_array(lua_State *L)
{
  ebbL_span *span = ebbL_tospan(L, 1);
  if (EBB_UNLIKELY(span == NULL || (span->head.type != &ebbL_array_type &&
                                    span->head.type != &ebbL_vec_type)))
    ebbL_typeerror(L, 1, "ebb.array or vec");
  if (EBB_UNLIKELY(!ebbL_span_is_live(span)))
    ebbL_span_stale(L, span);
  return span;
}

static int l_array_fill(lua_State *L)
{
  return ebbL_span_fill(L, check_array(L));
}

static int l_array_copy(lua_State *L)
{
  return ebbL_span_copy(L, check_array(L));
}

static int l_array_view(lua_State *L)
{
  return ebbL_span_slice(L, check_array(L));
}

static int l_array_sum(lua_State *L)
{
  const ebbL_span *span = check_array(L);
  ebbL_elem_sum(L, span->elem, span->data, span->n);
  return 1;
}

static int l_array_min(lua_State *L)
{
  const ebbL_span *span = check_array(L);
  ebbL_elem_extreme(L, span->elem, span->data, span->n, -1);
  return 1;
}

static int l_array_max(lua_State *L)
{
  const ebbL_span *span = check_array(L);
  ebbL_elem_extreme(L, span->elem, span->data, span->n, 1);
  return 1;
}

/* The number, or the array of the same length, at 2. [-0, +0 or 1, raises] */
static void check_operand(lua_State *L, const ebbL_span *span,
                          ebbL_operand *operand)
{
  memset(operand, 0, sizeof(*operand));
  if (lua_type(L, 2) == LUA_TNUMBER) {
    int is_integer;
    operand->integer = lua_tointegerx(L, 2, &is_integer);
    operand->is_integer = is_integer;
    operand->number = lua_tonumber(L, 2);
    return;
  }
  ebbL_span *with = ebbL_tospan(L, 2);
  if (with == NULL)
    ebbL_typeerror(L, 2, "number, ebb.array or vec");
  if (!ebbL_span_is_live(with))
    ebbL_span_stale(L, with);
  if (with->n != span->n)
    ebbL_argerror(L, 2,
                  lua_pushfstring(L, "%I elements expected, got %I",
                                  (LUAI_UACINT)span->n, (LUAI_UACINT)with->n));
  operand->elem = (ebbL_elem)with->elem;
  operand->data = with->data;
  /* Two views that overlap, but not exactly: combine with what was there
     before. */
  size_t n_bytes = with->n * ebbL_elems[with->elem].n_bytes;
  uintptr_t a = (uintptr_t)span->data, b = (uintptr_t)with->data;
  if (a != b && a < b + n_bytes &&
      b < a + span->n * ebbL_elems[span->elem].n_bytes)
    operand->data =
        memcpy(lua_newuserdatauv(L, n_bytes, 0), with->data, n_bytes);
}

static int combine_array(lua_State *L, char op)
{
  ebbL_span *span = check_array(L);
  ebbL_operand operand;
  check_operand(L, span, &operand);
  /* The temporary may have run the collector's finalisers. */
  if (!ebbL_span_is_live(span))
    ebbL_span_stale(L, span);
  ebbL_elem_combine(L, op, span->elem, span->data, span->n, &operand);
  lua_settop(L, 1);
  return 1;
}

static int l_array_add(lua_State *L)
{
  return combine_array(L, '+');
}

static int l_array_mul(lua_State *L)
{
  return combine_array(L, '*');
}

/* --- vec --- */

/* v:push(value, …) → v: all of them or, if one does not fit, none. */
static int l_vec_push(lua_State *L)
{
  ebbL_span *span = ebbL_span_check(L, 1, &ebbL_vec_type);
  size_t n_new = (size_t)lua_gettop(L) - 1;
  while (EBB_UNLIKELY(n_new > span->cap - span->n))
    ebbL_span_grow(L, span, span->n + n_new, false);
  size_t n = span->n;
  for (size_t i = 0; i < n_new; i++)
    ebbL_elem_store(L, (int)i + 2, span->elem, span->data, n + i);
  span->n = n + n_new;
  lua_settop(L, 1);
  return 1;
}

/* v:pop() → the last element, or nil */
static int l_vec_pop(lua_State *L)
{
  ebbL_span *span = ebbL_span_check(L, 1, &ebbL_vec_type);
  if (span->n == 0)
    lua_pushnil(L);
  else
    ebbL_elem_push(L, span->elem, span->data, --span->n);
  return 1;
}

/* v:reserve(n) → v: room for n elements in all */
static int l_vec_reserve(lua_State *L)
{
  ebbL_span *span = ebbL_span_check(L, 1, &ebbL_vec_type);
  size_t cap = (size_t)ebbL_checkinteger(L, 2, 0, LUA_MAXINTEGER);
  ebbL_span_grow(L, span, cap, true);
  lua_settop(L, 1);
  return 1;
}

static int l_vec_clear(lua_State *L)
{
  ebbL_span_check(L, 1, &ebbL_vec_type)->n = 0;
  lua_settop(L, 1);
  return 1;
}

static int l_vec_capacity(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)ebbL_span_check(L, 1, &ebbL_vec_type)->cap);
  return 1;
}

#define FEW 16

/* x:set(i, value, …) → x: x[i] and on, all of them or, if one does not fit,
   none */
static int l_array_set(lua_State *L)
{
  ebbL_span *span = check_array(L);
  ebbL_elem elem = (ebbL_elem)span->elem;
  lua_Integer i = ebbL_checkinteger(L, 2, LUA_MININTEGER, LUA_MAXINTEGER);
  int n_values = lua_gettop(L) - 2;
  if (EBB_UNLIKELY(i < 1 || (lua_Unsigned)i - 1 > span->n ||
                   (size_t)n_values > span->n - ((size_t)i - 1)))
    ebbL_error(L, "EBB013", "%d elements do not fit at %I of %I", n_values,
               (LUAI_UACINT)i, (LUAI_UACINT)span->n);
  unsigned char *at = span->data + (size_t)(i - 1) * ebbL_elems[elem].n_bytes;
  if (EBB_LIKELY(n_values <= FEW)) {
    double few[FEW]; /* as aligned as any element */
    for (int k = 0; k < n_values; k++)
      ebbL_elem_store(L, k + 3, elem, (unsigned char *)few, (size_t)k);
    memcpy(at, few, (size_t)n_values * ebbL_elems[elem].n_bytes);
  } else {
    for (int k = 0; k < n_values; k++)
      ebbL_elem_check(L, k + 3, elem);
    for (int k = 0; k < n_values; k++)
      ebbL_elem_store(L, k + 3, elem, at, (size_t)k);
  }
  lua_settop(L, 1);
  return 1;
}

/* x:unpack([i, j]) → x[i], …, x[j] */
static int l_array_unpack(lua_State *L)
{
  const ebbL_span *span = check_array(L);
  size_t n, at = ebbL_checkrange(L, 2, span, &n);
  if (EBB_UNLIKELY(n > FEW)) { /* for fewer there is always room */
    if (n > INT_MAX - 8 || !lua_checkstack(L, (int)n + 8))
      ebbL_throw(L, "too many elements to unpack");
    span = check_array(L); /* growing the stack may have run a finaliser */
    if (at + n > span->n)
      ebbL_error(L, "EBB013", "range %I to %I is not within 1 to %I",
                 (LUAI_UACINT)at + 1, (LUAI_UACINT)(at + n),
                 (LUAI_UACINT)span->n);
  }
  if (span->elem == EBBL_F64) {
    const double *from = (const double *)span->data + at;
    for (size_t k = 0; k < n; k++)
      lua_pushnumber(L, from[k]);
    return (int)n;
  }
  for (size_t k = 0; k < n; k++)
    ebbL_elem_push(L, (ebbL_elem)span->elem, span->data, at + k);
  return (int)n;
}

#define ARRAY_METHODS                                                          \
  {"set", l_array_set}, {"unpack", l_array_unpack}, {"fill", l_array_fill},    \
      {"copy", l_array_copy}, {"view", l_array_view}, {"sum", l_array_sum},    \
      {"min", l_array_min}, {"max", l_array_max},                              \
      {"compare", ebbL_span_compare}, {"checksum", ebbL_span_checksum},        \
      {"add", l_array_add},                                                    \
  {                                                                            \
    "mul", l_array_mul                                                         \
  }

static const luaL_Reg array_methods[] = {ARRAY_METHODS, {NULL, NULL}};

static const luaL_Reg vec_methods[] = {
    ARRAY_METHODS,          {"push", l_vec_push},
    {"pop", l_vec_pop},     {"reserve", l_vec_reserve},
    {"clear", l_vec_clear}, {"capacity", l_vec_capacity},
    {NULL, NULL},
};

void ebbL_open_array(lua_State *L, ebbL_state *S)
{
  ebbL_span_newtype(L, S, &ebbL_array_type, array_methods);
  ebbL_span_newtype(L, S, &ebbL_vec_type, vec_methods);
}
