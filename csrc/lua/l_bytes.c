/* SPDX-License-Identifier: MIT */
/* bytes: fixed memory as integers from 0 to 255 and as strings. The methods
   that arrays share (fill, copy, view) are here too. */
#include "lua/l_mem.h"

#include "base/crc32.h"

#include <string.h>

/* x:fill(v, [i, j]) → x */
int ebbL_span_fill(lua_State *L, ebbL_span *span)
{
  size_t n, at;
  ebbL_checkvalue(L, 2);
  at = ebbL_checkrange(L, 3, span, &n);
  ebbL_elem_fill(L, 2, span->elem,
                 span->data + at * ebbL_elems[span->elem].n_bytes, n);
  lua_settop(L, 1);
  return 1;
}

/* [raises] at argument 2 */
static void check_same_elem(lua_State *L, const ebbL_span *span,
                            const ebbL_span *other)
{
  if (other->elem != span->elem)
    ebbL_argerror(L, 2,
                  lua_pushfstring(L, "elements of type %s expected, got %s",
                                  ebbL_elems[span->elem].name,
                                  ebbL_elems[other->elem].name));
}

/* x:copy(from, [i, j, at]) → x: from[i..j] to x[at…]; they may overlap. */
int ebbL_span_copy(lua_State *L, ebbL_span *span)
{
  ebbL_span *from = ebbL_span_checkany(L, 2);
  size_t n, at, to = 0;
  check_same_elem(L, span, from);
  at = ebbL_checkrange(L, 3, from, &n);
  if (!lua_isnoneornil(L, 5))
    to = (size_t)ebbL_checkinteger(L, 5, 1, LUA_MAXINTEGER) - 1;
  if (to > span->n || n > span->n - to)
    ebbL_error(L, "EBB013", "%I elements do not fit at %I of %I",
               (LUAI_UACINT)n, (LUAI_UACINT)to + 1, (LUAI_UACINT)span->n);
  size_t size = ebbL_elems[span->elem].n_bytes;
  memmove(span->data + to * size, from->data + at * size, n * size);
  lua_settop(L, 1);
  return 1;
}

/* x:view([i, j]) → the same memory, as bytes or array of its own */
int ebbL_span_slice(lua_State *L, ebbL_span *span)
{
  size_t n, at = ebbL_checkrange(L, 2, span, &n);
  ebbL_span_view(L, 1, span->data + at * ebbL_elems[span->elem].n_bytes, n);
  return 1;
}

/* x:compare(other) → -1, 0 or 1; bytes and buffers also with a string */
int ebbL_span_compare(lua_State *L)
{
  const ebbL_span *span = ebbL_span_checkany(L, 1);
  const unsigned char *data;
  size_t n;
  if (lua_type(L, 2) == LUA_TSTRING && span->elem == EBBL_U8) {
    data = (const unsigned char *)lua_tolstring(L, 2, &n);
  } else {
    const ebbL_span *with = ebbL_span_checkany(L, 2);
    check_same_elem(L, span, with);
    data = with->data;
    n = with->n;
  }
  int order =
      ebbL_elem_compare((ebbL_elem)span->elem, span->data, span->n, data, n);
  lua_pushinteger(L, order < 0 ? -1 : order > 0);
  return 1;
}

/* x:checksum([i, j]) → the CRC-32 of the elements as they lie in memory */
int ebbL_span_checksum(lua_State *L)
{
  const ebbL_span *span = ebbL_span_checkany(L, 1);
  size_t n, at = ebbL_checkrange(L, 2, span, &n);
  size_t size = ebbL_elems[span->elem].n_bytes;
  lua_pushinteger(L, ebb_crc32(0, span->data + at * size, n * size));
  return 1;
}

void *ebbL_buffer_ptr(lua_State *L, int idx, size_t *n_bytes)
{
  const ebbL_span *span = ebbL_tospan(L, idx);
  *n_bytes = 0;
  if (span == NULL || !ebbL_span_is_live(span))
    return NULL;
  *n_bytes = span->n * ebbL_elems[span->elem].n_bytes;
  return span->data;
}

/* b:sub(i, [j]) → string; i and j as in string.sub */
static int l_bytes_sub(lua_State *L)
{
  const ebbL_span *span = ebbL_span_check(L, 1, &ebbL_bytes_type);
  lua_Integer n = (lua_Integer)span->n;
  lua_Integer first = ebbL_checkinteger(L, 2, LUA_MININTEGER, LUA_MAXINTEGER);
  lua_Integer last = -1;
  if (!lua_isnoneornil(L, 3))
    last = ebbL_checkinteger(L, 3, LUA_MININTEGER, LUA_MAXINTEGER);
  if (first < 0)
    first = first < -n ? 1 : n + first + 1;
  else if (first == 0)
    first = 1;
  if (last < 0)
    last = last < -n ? 0 : n + last + 1;
  else if (last > n)
    last = n;
  if (first > last)
    lua_pushliteral(L, "");
  else
    lua_pushlstring(L, (const char *)span->data + first - 1,
                    (size_t)(last - first + 1));
  return 1;
}

/* b:string() → all of it */
static int l_bytes_string(lua_State *L)
{
  const ebbL_span *span = ebbL_span_check(L, 1, &ebbL_bytes_type);
  lua_pushlstring(L, (const char *)span->data, span->n);
  return 1;
}

/* b:set(i, s) → b */
static int l_bytes_set(lua_State *L)
{
  ebbL_span *span = ebbL_span_check(L, 1, &ebbL_bytes_type);
  lua_Integer i = ebbL_checkinteger(L, 2, LUA_MININTEGER, LUA_MAXINTEGER);
  size_t n;
  if (lua_type(L, 3) != LUA_TSTRING && lua_type(L, 3) != LUA_TNUMBER)
    ebbL_typeerror(L, 3, "string");
  const char *s = lua_tolstring(L, 3, &n);
  if (i < 1 || (lua_Unsigned)i - 1 > span->n || n > span->n - ((size_t)i - 1))
    ebbL_error(L, "EBB013", "a string of %I bytes does not fit at %I of %I",
               (LUAI_UACINT)n, (LUAI_UACINT)i, (LUAI_UACINT)span->n);
  memcpy(span->data + i - 1, s, n);
  lua_settop(L, 1);
  return 1;
}

static int l_bytes_fill(lua_State *L)
{
  return ebbL_span_fill(L, ebbL_span_check(L, 1, &ebbL_bytes_type));
}

static int l_bytes_copy(lua_State *L)
{
  return ebbL_span_copy(L, ebbL_span_check(L, 1, &ebbL_bytes_type));
}

static int l_bytes_view(lua_State *L)
{
  return ebbL_span_slice(L, ebbL_span_check(L, 1, &ebbL_bytes_type));
}

static const luaL_Reg bytes_methods[] = {
    {"sub", l_bytes_sub},
    {"set", l_bytes_set},
    {"fill", l_bytes_fill},
    {"copy", l_bytes_copy},
    {"view", l_bytes_view},
    {"string", l_bytes_string},
    {"compare", ebbL_span_compare},
    {"checksum", ebbL_span_checksum},
    {NULL, NULL},
};

void ebbL_open_bytes(lua_State *L, ebbL_state *S)
{
  ebbL_span_newtype(L, S, &ebbL_bytes_type, bytes_methods);
}
