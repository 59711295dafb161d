/* SPDX-License-Identifier: MIT */
/* The other half of l_clone.h. Every number is checked before it is used; a
   size is only believed as far as there are bytes left to fill it. */
#include "lua/l_clone.h"

#include "lua/l_mem.h"
#include "lua/l_thread_chan.h"

#include <string.h>

typedef struct reader {
  lua_State *L;
  ebb_message *message;
  ebb_reader in;
  int objects;       /* stack index of the list of objects, by number */
  uint64_t n_hinted; /* items that tables may still be made for */
  lua_Integer n_objects;
} reader;

static int bad(const reader *self)
{
  return ebbL_error(self->L, "EBB073",
                    "this is no message from another thread");
}

static void check(const reader *self, bool ok)
{
  if (EBB_UNLIKELY(!ok))
    bad(self);
}

static uint64_t number(reader *self)
{
  uint64_t n = ebb_reader_number(&self->in);
  check(self, !self->in.is_bad);
  return n;
}

/* [-0, +1] */
static void push_string(reader *self)
{
  uint64_t n_bytes = number(self);
  const unsigned char *bytes = ebb_reader_bytes(&self->in, n_bytes);
  check(self, bytes != NULL);
  lua_pushlstring(self->L, (const char *)bytes, (size_t)n_bytes);
}

/* As many as there are bytes for, in all tables together. */
static int hint(reader *self)
{
  uint64_t n = number(self);
  if (n > self->n_hinted)
    n = self->n_hinted;
  if (n > 1 << 24)
    n = 1 << 24;
  self->n_hinted -= n;
  return (int)n;
}

static const ebb_attachment *attachment(reader *self, int kind)
{
  uint64_t i = number(self);
  check(self, i < self->message->n_attached);
  const ebb_attachment *found = &self->message->attached[i];
  check(self, found->kind == kind && found->object != NULL);
  return found;
}

/* The object on top gets the next number. */
static void number_object(reader *self)
{
  lua_pushvalue(self->L, -1);
  lua_rawseti(self->L, self->objects, ++self->n_objects);
}

/* The module named by the string on top, which is required. */
static void replace_by_module(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 2);
    lua_getglobal(L, "require");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
  } else {
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
}

static void push_named(reader *self)
{
  lua_State *L = self->L;
  push_string(self);
  lua_pushvalue(L, -1);
  replace_by_module(L);
  push_string(self);
  bool found = false;
  if (lua_istable(L, -2)) {
    lua_pushvalue(L, -1);
    lua_gettable(L, -3);
    found = !lua_isnil(L, -1);
  }
  if (!found)
    ebbL_error(L, "EBB073", "module '%s' has no '%s' in this thread",
               lua_tostring(L, !lua_istable(L, -2) ? -3 : -4),
               lua_tostring(L, !lua_istable(L, -2) ? -1 : -2));
  lua_replace(L, -4);
  lua_pop(L, 2);
}

static void push_code(reader *self)
{
  lua_State *L = self->L;
  const ebb_attachment *code = attachment(self, EBBL_CLONE_CODE);
  uint64_t n_upvalues = number(self);
  lua_Debug ar;
  if (luaL_loadbufferx(L, code->object, code->n_bytes, "=code", "b") != LUA_OK)
    lua_error(L);
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">u", &ar);
  check(self, ar.nups == n_upvalues);
  /* a loaded function's first upvalue is set to the globals */
  if (n_upvalues > 0) {
    lua_pushnil(L);
    lua_setupvalue(L, -2, 1);
  }
  number_object(self);
}

/* [-0, +0] ebb is opened, if it is not yet: some objects are its own. */
static ebbL_state *open_ebb(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  if (S == NULL) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "ebb");
    lua_call(L, 1, 0);
    S = ebbL_state_find(L);
  }
  if (S == NULL || S->memory == NULL)
    ebbL_throw(L, "ebb cannot be loaded in this thread");
  return S;
}

static void push_memory(reader *self)
{
  lua_State *L = self->L;
  const ebb_attachment *memory = attachment(self, EBBL_CLONE_MEMORY);
  unsigned char kind = ebb_reader_byte(&self->in);
  unsigned char elem = ebb_reader_byte(&self->in);
  uint64_t n = number(self);
  check(self, kind <= 1 && elem < EBBL_N_ELEMS &&
                  n <= memory->n_bytes / ebbL_elems[elem].n_bytes &&
                  n * ebbL_elems[elem].n_bytes == memory->n_bytes);
  ebbL_state *S = open_ebb(L);
  ebbL_span_loose(L, S->memory, kind == 1 ? &ebbL_array_type : &ebbL_bytes_type,
                  (ebbL_elem)elem, (size_t)n, memory->object);
  number_object(self);
}

static void push_channel(reader *self)
{
  const ebb_attachment *chan = attachment(self, EBBL_CLONE_CHANNEL);
  ebbL_thread_chan_push(self->L, open_ebb(self->L), chan->object);
  number_object(self);
}

/* [-0, +1] The value that begins with `tag`. */
static void push_value(reader *self, unsigned char tag)
{
  lua_State *L = self->L;
  switch (tag) {
  case EBBL_TAG_NIL:
    lua_pushnil(L);
    break;
  case EBBL_TAG_FALSE:
  case EBBL_TAG_TRUE:
    lua_pushboolean(L, tag == EBBL_TAG_TRUE);
    break;
  case EBBL_TAG_INTEGER: {
    uint64_t n = number(self);
    lua_pushinteger(L, (lua_Integer)(n >> 1 ^ (0 - (n & 1))));
    break;
  }
  case EBBL_TAG_FLOAT:
    lua_pushnumber(L, ebb_reader_double(&self->in));
    break;
  case EBBL_TAG_STRING:
    push_string(self);
    break;
  case EBBL_TAG_LIGHT:
    lua_pushlightuserdata(L, (void *)(uintptr_t)number(self)); // NOLINT
    break;
  case EBBL_TAG_REF: {
    uint64_t i = number(self);
    check(self, i >= 1 && i <= (uint64_t)self->n_objects);
    lua_rawgeti(L, self->objects, (lua_Integer)i);
    break;
  }
  case EBBL_TAG_MODULE:
    push_string(self);
    replace_by_module(L);
    break;
  case EBBL_TAG_NAMED:
    push_named(self);
    break;
  case EBBL_TAG_TABLE: {
    int n_list = hint(self), n_others = hint(self);
    lua_createtable(L, n_list, n_others);
    number_object(self);
    break;
  }
  case EBBL_TAG_CODE:
    push_code(self);
    break;
  case EBBL_TAG_MEMORY:
    push_memory(self);
    break;
  case EBBL_TAG_CHANNEL:
    push_channel(self);
    break;
  default:
    bad(self);
  }
  check(self, !self->in.is_bad);
}

static unsigned char next_tag(reader *self)
{
  unsigned char tag = ebb_reader_byte(&self->in);
  check(self, !self->in.is_bad);
  return tag;
}

/* --- contents of objects -------------------------------------------------- */

/* Is the value on top fit to be a key? */
static bool is_key(lua_State *L)
{
  if (lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1)) {
    lua_Number n = lua_tonumber(L, -1);
    return n == n;
  }
  return !lua_isnil(L, -1);
}

static void read_contents(reader *self, int idx)
{
  lua_State *L = self->L;
  lua_Integer n_list = 0;
  unsigned char tag;
  while ((tag = next_tag(self)) != EBBL_TAG_END) {
    if (tag == EBBL_TAG_META) {
      push_value(self, next_tag(self));
      check(self, lua_istable(L, -1));
      /* nothing is finalised that came from elsewhere */
      lua_pushliteral(L, "__gc");
      check(self, lua_rawget(L, -2) == LUA_TNIL);
      lua_pop(L, 1);
      lua_setmetatable(L, idx);
    } else if (tag == EBBL_TAG_KEY) {
      push_value(self, next_tag(self));
      check(self, is_key(L));
      push_value(self, next_tag(self));
      lua_rawset(L, idx);
    } else {
      push_value(self, tag);
      lua_rawseti(L, idx, ++n_list);
    }
  }
}

static void read_upvalues(reader *self, int idx)
{
  lua_State *L = self->L;
  lua_Debug ar, owner_ar;
  lua_pushvalue(L, idx);
  lua_getinfo(L, ">u", &ar);
  for (int i = 1; i <= ar.nups; i++) {
    unsigned char tag = next_tag(self);
    if (tag == EBBL_TAG_JOIN) {
      uint64_t owner = number(self), n = number(self);
      check(self, owner >= 1 && owner <= (uint64_t)self->n_objects && n >= 1);
      lua_rawgeti(L, self->objects, (lua_Integer)owner);
      check(self, lua_isfunction(L, -1) && !lua_iscfunction(L, -1));
      lua_pushvalue(L, -1);
      lua_getinfo(L, ">u", &owner_ar);
      check(self, n <= owner_ar.nups);
      lua_upvaluejoin(L, idx, i, -1, (int)n);
      lua_pop(L, 1);
      continue;
    }
    if (tag == EBBL_TAG_GLOBALS)
      lua_pushglobaltable(L);
    else
      push_value(self, tag);
    lua_setupvalue(L, idx, i);
  }
}

int ebbL_clone_read(lua_State *L, ebb_message *message)
{
  reader self = {.L = L, .message = message};
  ebb_reader_init(&self.in, message);
  luaL_checkstack(L, 24, NULL);
  uint64_t n = ebb_reader_number(&self.in);
  if (self.in.is_bad || n > ebb_reader_left(&self.in) || n > INT32_MAX / 2)
    bad(&self);
  luaL_checkstack(L, (int)n + 24, "too many values");
  self.n_hinted = ebb_reader_left(&self.in);
  lua_newtable(L);
  self.objects = lua_gettop(L);
  for (uint64_t i = 0; i < n; i++)
    push_value(&self, next_tag(&self));
  for (lua_Integer i = 1; i <= self.n_objects; i++) {
    int type = lua_rawgeti(L, self.objects, i);
    if (type == LUA_TTABLE)
      read_contents(&self, lua_gettop(L));
    else if (type == LUA_TFUNCTION)
      read_upvalues(&self, lua_gettop(L));
    lua_pop(L, 1);
  }
  check(&self, ebb_reader_left(&self.in) == 0);
  lua_remove(L, self.objects);
  return (int)n;
}
