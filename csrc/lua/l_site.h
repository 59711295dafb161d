/* SPDX-License-Identifier: MIT */
/* Lines of Lua code, each kept once: so that a handle can tell where it was
   made for the price of a pointer.

   A site lives as long as the state's memory. There are at most EBBL_SITES_MAX
   (a program that makes its code at run time has no end of lines); what comes
   after those has none. Looking one up costs lua_getinfo and a probe of a hash
   table, O(1). */
#ifndef EBB_LUA_SITE_H
#define EBB_LUA_SITE_H

#include "alloc/slab.h"
#include "lua/l_compat.h"

#define EBBL_SITES_MAX     8192
#define EBBL_SITES_BUCKETS 256

typedef struct ebbL_site {
  struct ebbL_site *next;
  const char *source; /* only compared, never read: it may be gone */
  int line;
  char name[LUA_IDSIZE];
} ebbL_site;

typedef struct ebbL_sites {
  ebb_slab slab;
  ebbL_site *buckets[EBBL_SITES_BUCKETS];
} ebbL_sites;

void ebbL_sites_init(ebbL_sites *sites, ebb_alloc *alloc);
void ebbL_sites_fini(ebbL_sites *sites);
/* The line of Lua code that has called the C function in which `at` is (a
   state, maybe a suspended one); NULL when there is no Lua code on its stack,
   no memory, or no room. [no-raise] */
const ebbL_site *ebbL_site_of(ebbL_sites *sites, lua_State *at);

#endif
