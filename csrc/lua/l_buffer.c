/* SPDX-License-Identifier: MIT */
/* buffer: a growable queue of bytes; what is put at the end is taken from the
   front. data points at the first byte not taken yet, cap counts from the start
   of the block; what was taken in front is used again before the block grows.
 */
#include "lua/l_mem.h"

#include <string.h>

#include <lualib.h>

static ebbL_span *check_buffer(lua_State *L)
{
  return ebbL_span_check(L, 1, &ebbL_buffer_type);
}

static size_t free_bytes(const ebbL_span *span)
{
  return span->cap - (size_t)(span->data - span->block->data) - span->n;
}

/* Has its budget no room for n_bytes in all? */
static bool is_tight(const ebbL_span *span, size_t n_bytes)
{
  if (span->is_frame)
    return false;
  const ebb_budget *budget = ebbL_span_budget(span);
  return budget != NULL && !ebb_budget_fits(budget, n_bytes - span->cap);
}

/* Where the next n_more bytes go; they are not counted yet. Any code may have
   run, if it had to grow. [raises] */
static unsigned char *make_room(lua_State *L, ebbL_span *span, size_t n_more)
{
  if (span->n == 0)
    span->data = span->block->data;
  while (EBB_UNLIKELY(n_more > free_bytes(span))) {
    size_t taken = (size_t)(span->data - span->block->data);
    if (n_more > SIZE_MAX / 4)
      ebbL_nomem(L);
    if (taken > 0 &&
        (taken >= span->n || is_tight(span, taken + span->n + n_more))) {
      /* Moving pays for itself where at least as much was taken as is left, and
         where there is no more memory to be had. */
      memmove(span->block->data, span->data, span->n);
      span->data = span->block->data;
      continue;
    }
    ebbL_span_grow(L, span, taken + span->n + n_more, false);
  }
  return span->data + span->n;
}

void ebbL_buffer_append(lua_State *L, ebbL_span *span, const void *bytes,
                        size_t n)
{
  unsigned char *to = make_room(L, span, n);
  if (n > 0)
    memcpy(to, bytes, n);
  span->n += n;
}

static void buffer_drop(ebbL_span *span, size_t n)
{
  span->data += n;
  span->n -= n;
}

/* Has somebody taken or put? */
static bool has_changed(const ebbL_span *span, const unsigned char *data,
                        size_t n)
{
  return span->data != data || span->n != n;
}

/* buf:put(…) → buf: strings and numbers, all of them or none */
static int l_buffer_put(lua_State *L)
{
  ebbL_span *span = check_buffer(L);
  int top = lua_gettop(L);
  size_t n, n_all = 0;
  /* All are looked at, and room is made, before the first is written. */
  for (int i = 2; i <= top; i++) {
    if (lua_type(L, i) != LUA_TSTRING && lua_type(L, i) != LUA_TNUMBER)
      ebbL_typeerror(L, i, "string");
    (void)lua_tolstring(L, i, &n);
    n_all += n;
  }
  span = check_buffer(L); /* numbers as strings may have run a finaliser */
  unsigned char *to = make_room(L, span, n_all);
  for (int i = 2; i <= top; i++) {
    const char *s = lua_tolstring(L, i, &n);
    memcpy(to, s, n);
    to += n;
  }
  span->n += n_all;
  lua_settop(L, 1);
  return 1;
}

/* The optional count at 2, at most what is there. */
static size_t opt_count(lua_State *L, const ebbL_span *span)
{
  if (lua_isnoneornil(L, 2))
    return span->n;
  lua_Integer n = ebbL_checkinteger(L, 2, 0, LUA_MAXINTEGER);
  return (lua_Unsigned)n < span->n ? (size_t)n : span->n;
}

/* buf:get([n]) → the first n bytes (or what there is), taken out */
static int l_buffer_get(lua_State *L)
{
  ebbL_span *span;
  const unsigned char *data;
  size_t n, n_there;
  do { /* pushing may run a finaliser, which may free, take or put */
    lua_settop(L, 2);
    span = check_buffer(L);
    n = opt_count(L, span);
    data = span->data;
    n_there = span->n;
    lua_pushlstring(L, (const char *)data, n);
  } while (ebbL_span_is_live(span) && has_changed(span, data, n_there));
  if (ebbL_span_is_live(span))
    buffer_drop(span, n);
  return 1;
}

/* buf:peek([n]) → the same, left in */
static int l_buffer_peek(lua_State *L)
{
  const ebbL_span *span = check_buffer(L);
  lua_pushlstring(L, (const char *)span->data, opt_count(L, span));
  return 1;
}

/* buf:skip([n]) → how many bytes were dropped */
static int l_buffer_skip(lua_State *L)
{
  ebbL_span *span = check_buffer(L);
  size_t n = opt_count(L, span);
  buffer_drop(span, n);
  lua_pushinteger(L, (lua_Integer)n);
  return 1;
}

static int l_buffer_clear(lua_State *L)
{
  ebbL_span *span = check_buffer(L);
  buffer_drop(span, span->n);
  lua_settop(L, 1);
  return 1;
}

/* buf:tostring() → all of it, left in */
static int l_buffer_string(lua_State *L)
{
  const ebbL_span *span = check_buffer(L);
  lua_pushlstring(L, (const char *)span->data, span->n);
  return 1;
}

/* buf:append_from(x, [i, j]) → buf: the elements of a bytes, array, vec or
   buffer as they lie in memory */
static int l_buffer_append_from(lua_State *L)
{
  ebbL_span *span = check_buffer(L);
  ebbL_span *from = ebbL_span_checkany(L, 2);
  size_t n, n_now, at = ebbL_checkrange(L, 3, from, &n);
  size_t size = ebbL_elems[from->elem].n_bytes;
  unsigned char *to = make_room(L, span, n * size);
  /* Growing may have moved it, if it is the buffer itself, or freed it, or run
     code that has shortened it. */
  from = ebbL_span_checkany(L, 2);
  at = ebbL_checkrange(L, 3, from, &n_now);
  if (n_now < n)
    n = n_now;
  memcpy(to, from->data + at * size, n * size);
  span->n += n * size;
  lua_settop(L, 1);
  return 1;
}

/* --- pack and unpack: string.pack's formats --- */

/* [-0, +1, raises] Pushes a function of the string library. */
static void push_string_function(lua_State *L, const char *name)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_STRLIBNAME) != LUA_TTABLE) {
    lua_pop(L, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
  }
  lua_getfield(L, -1, name);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

static void check_format(lua_State *L)
{
  if (lua_type(L, 2) != LUA_TSTRING)
    ebbL_typeerror(L, 2, "format string");
}

/* [-1, raises] Throws string.pack's or unpack's error as the caller's. */
static int throw_as_own(lua_State *L)
{
  const char *message = lua_tostring(L, -1);
  return message == NULL ? lua_error(L) : ebbL_throw(L, "%s", message);
}

/* buf:pack(fmt, …) → buf */
static int l_buffer_pack(lua_State *L)
{
  check_buffer(L);
  check_format(L);
  push_string_function(L, "pack");
  lua_insert(L, 2);
  if (lua_pcall(L, lua_gettop(L) - 2, 1, 0) != LUA_OK)
    return throw_as_own(L);
  size_t n;
  const char *s = lua_tolstring(L, 2, &n);
  ebbL_buffer_append(L, check_buffer(L), s, n);
  lua_settop(L, 1);
  return 1;
}

/* buf:unpack(fmt) → values, taken out; or nil, "short" with nothing taken when
   there are not enough bytes yet. Tried on a short head first, so that reading
   small records from a large buffer does not copy all of it. */
static int l_buffer_unpack(lua_State *L)
{
  ebbL_span *span = check_buffer(L);
  check_format(L);
  lua_settop(L, 2);
  push_string_function(L, "unpack");
  for (size_t n = 256;; n *= 8) {
    if (n > span->n)
      n = span->n;
    lua_settop(L, 3);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 2);
    const unsigned char *data = span->data;
    size_t n_there = span->n;
    lua_pushlstring(L, (const char *)data, n);
    int status = lua_pcall(L, 2, LUA_MULTRET, 0);
    span = check_buffer(L);
    if (has_changed(span, data, n_there)) { /* by a finaliser */
      n = 256 / 8;
      continue;
    }
    if (status == LUA_OK) {
      lua_Integer next = lua_tointeger(L, -1);
      lua_pop(L, 1);
      buffer_drop(span, (size_t)next - 1);
      return lua_gettop(L) - 3;
    }
    const char *message = lua_tostring(L, -1);
    if (message == NULL || (strstr(message, "too short") == NULL &&
                            strstr(message, "unfinished string") == NULL))
      return throw_as_own(L);
    if (n == span->n)
      return ebbL_pushoutcome(L, "short");
  }
}

static const luaL_Reg buffer_methods[] = {
    {"put", l_buffer_put},
    {"get", l_buffer_get},
    {"peek", l_buffer_peek},
    {"skip", l_buffer_skip},
    {"pack", l_buffer_pack},
    {"unpack", l_buffer_unpack},
    {"append_from", l_buffer_append_from},
    {"clear", l_buffer_clear},
    {"compare", ebbL_span_compare},
    {"checksum", ebbL_span_checksum},
    {"tostring", l_buffer_string},
    {"string", l_buffer_string},
    {NULL, NULL},
};

void ebbL_open_buffer(lua_State *L, ebbL_state *S)
{
  ebbL_span_newtype(L, S, &ebbL_buffer_type, buffer_methods);
}
