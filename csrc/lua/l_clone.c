/* SPDX-License-Identifier: MIT */
#include "lua/l_clone.h"

#include "lua/l_mem.h"
#include "lua/l_thread_chan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef ebbL_writer writer;

static void check(const writer *self, bool ok)
{
  if (EBB_UNLIKELY(!ok))
    ebbL_nomem(self->L);
}

static void put_byte(const writer *self, int byte)
{
  check(self, ebb_message_put_byte(self->message, (unsigned char)byte));
}

static void put_number(const writer *self, uint64_t n)
{
  check(self, ebb_message_put_number(self->message, n));
}

static void put_string(const writer *self, int idx)
{
  size_t n_bytes;
  const char *bytes = lua_tolstring(self->L, idx, &n_bytes);
  put_number(self, n_bytes);
  check(self, ebb_message_put(self->message, bytes, n_bytes));
}

/* --- objects -------------------------------------------------------------- */

static void need_objects(writer *self)
{
  lua_State *L = self->L;
  if (self->seen != 0)
    return;
  ebbL_names_refresh(L);
  lua_newtable(L);
  lua_replace(L, self->sent + 1);
  lua_newtable(L);
  lua_replace(L, self->sent + 2);
  self->seen = self->sent + 1;
  self->objects = self->sent + 2;
}

/* The object at idx gets the next number. */
static void number_object(writer *self, int idx)
{
  lua_State *L = self->L;
  self->n_objects++;
  lua_pushvalue(L, idx);
  lua_rawseti(L, self->objects, self->n_objects);
  lua_pushvalue(L, idx);
  lua_pushinteger(L, self->n_objects);
  lua_rawset(L, self->seen);
}

/* [-2, +0] Module and field on top. */
static void put_named(const writer *self)
{
  put_byte(self, EBBL_TAG_NAMED);
  put_string(self, -2);
  put_string(self, -1);
  lua_pop(self->L, 2);
}

#define COUNT_MAX 64

static void put_table(writer *self, int idx)
{
  lua_State *L = self->L;
  if (ebbL_names_module(L, idx)) {
    put_byte(self, EBBL_TAG_MODULE);
    put_string(self, -1);
    lua_pop(L, 1);
    return;
  }
  number_object(self, idx);
  size_t n_list = lua_rawlen(L, idx), n_others = 0;
  if (n_list == 0) {
    lua_pushnil(L);
    while (lua_next(L, idx)) {
      lua_pop(L, 1);
      if (++n_others == COUNT_MAX) {
        lua_pop(L, 1);
        break;
      }
    }
  }
  put_byte(self, EBBL_TAG_TABLE);
  put_number(self, n_list);
  put_number(self, n_others);
}

/* The bytes beside the message; on failure nothing is lost. */
static void attach_bytes(const writer *self, int kind, const void *bytes,
                         size_t n_bytes)
{
  void *copy = malloc(n_bytes > 0 ? n_bytes : 1);
  check(self, copy != NULL);
  if (n_bytes > 0)
    memcpy(copy, bytes, n_bytes);
  ebb_attachment attachment = {kind, copy, n_bytes, free};
  put_number(self, self->message->n_attached);
  if (!ebb_message_attach(self->message, attachment)) {
    free(copy);
    check(self, false);
  }
}

static void put_function(writer *self, int idx)
{
  lua_State *L = self->L;
  switch (ebbL_names_find(L, idx, self->message)) {
  case 0:
    ebbL_clone_refuse(self, idx, "C function");
    break;
  case 1: {
    size_t n_bytes;
    lua_Debug ar;
    const char *code = lua_tolstring(L, -1, &n_bytes);
    put_byte(self, EBBL_TAG_CODE);
    attach_bytes(self, EBBL_CLONE_CODE, code, n_bytes);
    lua_pop(L, 1);
    lua_pushvalue(L, idx);
    lua_getinfo(L, ">u", &ar);
    put_number(self, ar.nups);
    number_object(self, idx);
    break;
  }
  default:
    put_named(self);
    break;
  }
}

static void put_memory(writer *self, int idx, ebbL_span *span)
{
  lua_State *L = self->L;
  if (span->head.type != &ebbL_bytes_type &&
      span->head.type != &ebbL_array_type)
    ebbL_clone_refuse_userdata(self, idx);
  if (span->is_view)
    ebbL_clone_refuse(self, idx, "a view (send what it is a view of)");
  if (span->is_frame)
    ebbL_clone_refuse(self, idx, "memory of a frame (send a guard's)");
  if (!ebbL_span_is_live(span))
    ebbL_span_stale(L, span);
  put_byte(self, EBBL_TAG_MEMORY);
  attach_bytes(self, EBBL_CLONE_MEMORY, span->data,
               span->n * ebbL_elems[span->elem].n_bytes);
  put_byte(self, span->head.type == &ebbL_array_type);
  put_byte(self, span->elem);
  put_number(self, span->n);
  number_object(self, idx);
  if (self->n_sent == 0) {
    lua_newtable(L);
    lua_replace(L, self->sent);
  }
  lua_pushvalue(L, idx);
  lua_rawseti(L, self->sent, ++self->n_sent);
}

static void put_userdata(writer *self, int idx)
{
  lua_State *L = self->L;
  ebbL_span *span = ebbL_tospan(L, idx);
  ebbL_thread_chan *chan = ebbL_test(L, idx, &ebbL_thread_chan_type);
  if (span != NULL) {
    put_memory(self, idx, span);
  } else if (chan != NULL && chan->core != NULL) {
    put_byte(self, EBBL_TAG_CHANNEL);
    put_number(self, self->message->n_attached);
    ebb_attachment attachment = {EBBL_CLONE_CHANNEL, chan->core, 0,
                                 ebbL_thread_chan_drop};
    check(self, ebb_message_attach(self->message, attachment));
    ebb_thread_chan_retain(chan->core);
    number_object(self, idx);
  } else {
    ebbL_clone_refuse_userdata(self, idx);
  }
}

/* A table, function or userdata. */
static void put_object(writer *self, int idx)
{
  lua_State *L = self->L;
  need_objects(self);
  lua_pushvalue(L, idx);
  if (lua_rawget(L, self->seen) != LUA_TNIL) {
    put_byte(self, EBBL_TAG_REF);
    put_number(self, (uint64_t)lua_tointeger(L, -1));
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  switch (lua_type(L, idx)) {
  case LUA_TTABLE:
    put_table(self, idx);
    break;
  case LUA_TFUNCTION:
    put_function(self, idx);
    break;
  default:
    put_userdata(self, idx);
    break;
  }
}

static void put_value(writer *self, int idx)
{
  lua_State *L = self->L;
  switch (lua_type(L, idx)) {
  case LUA_TNIL:
    put_byte(self, EBBL_TAG_NIL);
    break;
  case LUA_TBOOLEAN:
    put_byte(self, lua_toboolean(L, idx) ? EBBL_TAG_TRUE : EBBL_TAG_FALSE);
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, idx)) {
      uint64_t n = (uint64_t)lua_tointeger(L, idx);
      put_byte(self, EBBL_TAG_INTEGER);
      put_number(self, n << 1 ^ (0 - (n >> 63)));
    } else {
      put_byte(self, EBBL_TAG_FLOAT);
      check(self, ebb_message_put_double(self->message, lua_tonumber(L, idx)));
    }
    break;
  case LUA_TSTRING:
    put_byte(self, EBBL_TAG_STRING);
    put_string(self, idx);
    break;
  case LUA_TLIGHTUSERDATA:
    put_byte(self, EBBL_TAG_LIGHT);
    put_number(self, (uintptr_t)lua_touserdata(L, idx));
    break;
  case LUA_TTHREAD:
    ebbL_clone_refuse(self, idx, "coroutine");
    break;
  default:
    put_object(self, idx);
    break;
  }
}

/* --- contents of objects -------------------------------------------------- */

static bool has_field(lua_State *L, int idx, const char *name)
{
  lua_pushstring(L, name);
  bool has = lua_rawget(L, idx) != LUA_TNIL;
  lua_pop(L, 1);
  return has;
}

/* The metatable on top; the table that has it is at idx. */
static void put_metatable(writer *self, int idx)
{
  lua_State *L = self->L;
  int meta = lua_gettop(L);
  if (has_field(L, meta, "__gc"))
    ebbL_clone_refuse(self, idx, "table with __gc");
  if (has_field(L, meta, "__close"))
    ebbL_clone_refuse(self, idx, "table with __close");
  put_byte(self, EBBL_TAG_META);
  lua_pushvalue(L, meta);
  bool met = lua_rawget(L, self->seen) != LUA_TNIL;
  lua_pop(L, 1);
  if (!met && !ebbL_names_module(L, meta)) {
    if (ebbL_names_find(L, meta, self->message) == 2) {
      put_named(self);
      return;
    }
    lua_pop(L, 1);
  } else if (!met) {
    lua_pop(L, 1);
  }
  put_object(self, meta);
}

static void put_contents(writer *self, int idx)
{
  lua_State *L = self->L;
  lua_Integer n_list = 0;
  if (lua_getmetatable(L, idx)) {
    put_metatable(self, idx);
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    int value = lua_gettop(L);
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == n_list + 1) {
      n_list++;
    } else {
      put_byte(self, EBBL_TAG_KEY);
      put_value(self, value - 1);
    }
    put_value(self, value);
    lua_settop(L, value - 1);
  }
  put_byte(self, EBBL_TAG_END);
}

#define UPVALUE_BITS 8

static void put_upvalues(writer *self, int idx, lua_Integer number)
{
  lua_State *L = self->L;
  const char *name;
  for (int i = 1; (name = lua_getupvalue(L, idx, i)) != NULL; i++) {
    int value = lua_gettop(L);
    void *id = lua_upvalueid(L, idx, i);
    lua_rawgetp(L, self->seen, id);
    lua_Integer owner = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (strcmp(name, "_ENV") == 0) {
      put_byte(self, EBBL_TAG_GLOBALS);
    } else if (owner != 0) {
      put_byte(self, EBBL_TAG_JOIN);
      put_number(self, (uint64_t)owner >> UPVALUE_BITS);
      put_number(self, (uint64_t)owner & ((1 << UPVALUE_BITS) - 1));
    } else {
      lua_pushinteger(L, number << UPVALUE_BITS | i);
      lua_rawsetp(L, self->seen, id);
      put_value(self, value);
    }
    lua_settop(L, value - 1);
  }
}

void ebbL_clone_write(lua_State *L, ebb_message *message, int first, int n,
                      const ebbL_label *label)
{
  writer self = {.L = L,
                 .message = message,
                 .label = label,
                 .first = lua_absindex(L, first),
                 .n = n};
  luaL_checkstack(L, 24, NULL);
  lua_pushnil(L);
  self.sent = lua_gettop(L);
  lua_pushnil(L); /* seen, objects */
  lua_pushnil(L);
  put_number(&self, (uint64_t)n);
  for (int i = 0; i < n; i++)
    put_value(&self, self.first + i);
  for (lua_Integer i = 1; i <= self.n_objects; i++) {
    int type = lua_rawgeti(L, self.objects, i);
    if (type == LUA_TTABLE)
      put_contents(&self, lua_gettop(L));
    else if (type == LUA_TFUNCTION)
      put_upvalues(&self, lua_gettop(L), i);
    lua_pop(L, 1);
  }
  lua_settop(L, self.sent);
}

void ebbL_clone_sent(lua_State *L, int idx)
{
  if (!lua_istable(L, idx))
    return;
  idx = lua_absindex(L, idx);
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, idx); i <= n; i++) {
    lua_rawgeti(L, idx, i);
    ebbL_span *span = ebbL_tospan(L, -1);
    if (span != NULL && ebbL_span_is_live(span))
      ebbL_block_free(span->block, NULL);
    lua_pop(L, 1);
  }
}
