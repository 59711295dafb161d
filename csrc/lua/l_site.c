/* SPDX-License-Identifier: MIT */
#include "lua/l_site.h"

#include <string.h>

void ebbL_sites_init(ebbL_sites *sites, ebb_alloc *alloc)
{
  memset(sites, 0, sizeof(*sites));
  ebb_slab_init(&sites->slab, alloc, sizeof(ebbL_site));
}

void ebbL_sites_fini(ebbL_sites *sites)
{
  memset(sites->buckets, 0, sizeof(sites->buckets));
  ebb_slab_fini(&sites->slab);
}

/* Level 0 is ebb's own function, or the one that the task waits in: C both. */
static bool find_line(lua_State *at, lua_Debug *ar)
{
  for (int level = 1; lua_getstack(at, level, ar); level++) {
    lua_getinfo(at, "Sl", ar);
    if (EBB_LIKELY(ar->currentline > 0))
      return true;
  }
  return false;
}

const ebbL_site *ebbL_site_of(ebbL_sites *sites, lua_State *at)
{
  lua_Debug ar;
  if (EBB_UNLIKELY(!find_line(at, &ar)))
    return NULL;
  uintptr_t hash = ((uintptr_t)ar.source >> 4) + (unsigned)ar.currentline * 31u;
  ebbL_site **bucket = &sites->buckets[hash % EBBL_SITES_BUCKETS];
  /* The text may lie where that of a chunk lay that is gone: names decide. */
  for (ebbL_site *site = *bucket; site != NULL; site = site->next)
    if (site->source == ar.source && site->line == ar.currentline &&
        strcmp(site->name, ar.short_src) == 0)
      return site;
  if (sites->slab.n_live >= EBBL_SITES_MAX)
    return NULL;
  ebbL_site *site = ebb_slab_get(&sites->slab);
  if (site == NULL)
    return NULL;
  site->source = ar.source;
  site->line = ar.currentline;
  memcpy(site->name, ar.short_src, sizeof(site->name));
  site->next = *bucket;
  return *bucket = site;
}
