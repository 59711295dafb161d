/* SPDX-License-Identifier: MIT */
/* A Lua module that torments the state it is loaded into, by an allocator put
   before the state's own:

   - it refuses requests, so that Lua collects in the middle of whatever it does
     and asks again (which is granted always: nothing fails for good);
   - a block that grows or shrinks always moves;
   - what is new is filled with 0xAB, what was freed with 0xDD, and small blocks
     are kept a while to see that nobody writes to them any more.

   Which requests are refused follows from a seed alone: the first `n_dense`
   ones after start, then some at random distances that grow by `growth` each
   time, so that short programs and long ones cost about the same.

     local torture = load()              the state's allocator is replaced
     torture.start(seed, n_dense, growth, refuses_ebb)
     torture.stop()
     torture.stats() → table

   Requests that ebb makes itself, not through Lua, come to another function
   (whoever opens ebb before `torture.ready()` gets it): ebb collects by itself
   and then tries again all blocks that it needs, so that only one in some can
   be refused. The auxiliary library's buffers are never refused: they do not
   ask again. One state a process, one thread. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#define N_KEPT         4096
#define KEPT_MAX_BYTES 512
#define N_SITES        8
#define FIRST_GAP      4.0
#define DIRECT_GAP     8

typedef struct kept {
  unsigned char *ptr;
  size_t n_bytes;
} kept;

typedef struct torture {
  lua_Alloc base;
  void *base_ud;
  bool is_on;
  bool is_retry; /* the next request is granted: it was refused before */
  uint64_t rng;
  uint64_t until;  /* requests until one is refused */
  uint64_t direct; /* the same for ebb's own */
  bool refuses_ebb;
  uint64_t n_dense;
  double gap, growth;
  /* whoever calls from here does not ask again */
  void *sites[N_SITES];
  int n_sites;
  size_t looked_for; /* bytes: who asks for these is such a one; 0: none */
  kept ring[N_KEPT];
  size_t at;
  uint64_t n_asked, n_refused, n_refused_direct, n_moved, n_checked;
} torture;

static torture the;

int luaopen_torture(lua_State *L);

/* --- when --- */

static uint64_t next_random(torture *self)
{
  uint64_t z = self->rng += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void next_gap(torture *self)
{
  if (self->n_dense > 0) {
    self->n_dense--;
    self->until = 1;
    return;
  }
  self->until = 1 + next_random(self) % (uint64_t)(2 * self->gap);
  self->gap *= self->growth;
}

static bool is_due(torture *self)
{
  if (!self->is_on)
    return false;
  if (self->is_retry) {
    self->is_retry = false;
    return false;
  }
  self->n_asked++;
  if (--self->until > 0)
    return false;
  next_gap(self);
  self->is_retry = true;
  self->n_refused++;
  return true;
}

static bool is_due_directly(torture *self)
{
  if (!self->is_on || !self->refuses_ebb || --self->direct > 0)
    return false;
  self->direct = DIRECT_GAP + next_random(self) % (uint64_t)(2 * self->gap);
  self->n_refused_direct++;
  return true;
}

/* --- blocks --- */

static void check_kept(const kept *old)
{
  for (size_t i = 0; i < old->n_bytes; i++) {
    if (old->ptr[i] != 0xDD) {
      fprintf(stderr,
              "torture: byte %zu of %zu at %p was written after it was freed\n",
              i, old->n_bytes, (void *)old->ptr);
      abort();
    }
  }
}

static void release(torture *self, void *ptr, size_t n_bytes)
{
  if (ptr == NULL)
    return;
  memset(ptr, 0xDD, n_bytes);
  if (n_bytes > KEPT_MAX_BYTES) {
    self->base(self->base_ud, ptr, n_bytes, 0);
    return;
  }
  kept *place = &self->ring[self->at++ % N_KEPT];
  if (place->ptr != NULL) {
    check_kept(place);
    self->n_checked++;
    self->base(self->base_ud, place->ptr, place->n_bytes, 0);
  }
  *place = (kept){ptr, n_bytes};
}

static void *provide(torture *self, void *ptr, size_t old_bytes,
                     size_t new_bytes)
{
  size_t kind = ptr == NULL ? old_bytes : 0;
  unsigned char *block = self->base(self->base_ud, NULL, kind, new_bytes);
  if (block == NULL)
    return NULL;
  size_t n_same = 0;
  if (ptr != NULL) {
    n_same = old_bytes < new_bytes ? old_bytes : new_bytes;
    memcpy(block, ptr, n_same);
    self->n_moved++;
  }
  memset(block + n_same, 0xAB, new_bytes - n_same);
  if (ptr != NULL)
    release(self, ptr, old_bytes);
  return block;
}

static bool grows(const void *ptr, size_t old_bytes, size_t new_bytes)
{
  return ptr == NULL || new_bytes > old_bytes;
}

static void *direct_alloc(void *ud, void *ptr, size_t old_bytes,
                          size_t new_bytes)
{
  torture *self = ud;
  if (new_bytes == 0) {
    release(self, ptr, old_bytes);
    return NULL;
  }
  if (grows(ptr, old_bytes, new_bytes) && is_due_directly(self))
    return NULL;
  return provide(self, ptr, old_bytes, new_bytes);
}

static bool is_site(const torture *self, const void *site)
{
  for (int i = 0; i < self->n_sites; i++)
    if (self->sites[i] == site)
      return true;
  return false;
}

static void *lua_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  torture *self = ud;
  if (new_bytes == 0) {
    release(self, ptr, old_bytes);
    return NULL;
  }
  void *site = __builtin_return_address(0);
  if (new_bytes == self->looked_for && !is_site(self, site) &&
      self->n_sites < N_SITES)
    self->sites[self->n_sites++] = site;
  if (grows(ptr, old_bytes, new_bytes) && !is_site(self, site) && is_due(self))
    return NULL;
  return provide(self, ptr, old_bytes, new_bytes);
}

/* --- for Lua --- */

static int l_start(lua_State *L)
{
  torture *self = &the;
  self->rng = (uint64_t)luaL_checkinteger(L, 1);
  self->n_dense = (uint64_t)luaL_checkinteger(L, 2);
  self->growth = luaL_checknumber(L, 3);
  self->refuses_ebb = lua_toboolean(L, 4);
  self->gap = FIRST_GAP;
  self->direct = DIRECT_GAP;
  self->is_retry = false;
  luaL_argcheck(L, self->growth >= 1, 3, "less than 1");
  next_gap(self);
  self->is_on = true;
  return 0;
}

static int l_stop(lua_State *L)
{
  (void)L;
  the.is_on = false;
  return 0;
}

/* From now on it is Lua that asks. */
static int l_ready(lua_State *L)
{
  lua_setallocf(L, lua_alloc, &the);
  /* sizes that nothing else asks for */
  luaL_Buffer b;
  the.looked_for = 20011;
  luaL_buffinitsize(L, &b, the.looked_for);
  the.looked_for = 40022;
  luaL_addsize(&b, 20011);
  luaL_prepbuffsize(&b, 20011);
  luaL_pushresult(&b);
  the.looked_for = 0;
  lua_pop(L, 1);
  lua_pushinteger(L, the.n_sites);
  return 1;
}

static int l_stats(lua_State *L)
{
  for (int i = 0; i < N_KEPT; i++)
    if (the.ring[i].ptr != NULL)
      check_kept(&the.ring[i]);
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, (lua_Integer)the.n_asked);
  lua_setfield(L, -2, "asked");
  lua_pushinteger(L, (lua_Integer)the.n_refused);
  lua_setfield(L, -2, "collections");
  lua_pushinteger(L, (lua_Integer)the.n_refused_direct);
  lua_setfield(L, -2, "refused_to_ebb");
  lua_pushinteger(L, (lua_Integer)the.n_moved);
  lua_setfield(L, -2, "moved");
  lua_pushinteger(
      L, (lua_Integer)(the.n_checked + (the.at < N_KEPT ? the.at : N_KEPT)));
  lua_setfield(L, -2, "checked");
  return 1;
}

__attribute__((visibility("default"))) int luaopen_torture(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"start", l_start}, {"stop", l_stop}, {"ready", l_ready},
      {"stats", l_stats}, {NULL, NULL},
  };
  the.base = lua_getallocf(L, &the.base_ud);
  if (the.base == direct_alloc || the.base == lua_alloc)
    return luaL_error(L, "torture: it is in this state already");
  lua_setallocf(L, direct_alloc, &the);
  luaL_newlib(L, functions);
  return 1;
}
