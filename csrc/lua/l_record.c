/* SPDX-License-Identifier: MIT */
#include "lua/l_record.h"

#include <string.h>

enum { PAGE_BYTES = 4096 - 64 };

void *ebbL_record_get_slow(lua_State *L, ebbL_state *S, ebbL_records *records)
{
  size_t n_bytes = records->record_bytes;
  luaL_checkstack(L, 4, NULL);
  char *page = lua_newuserdatauv(L, PAGE_BYTES, 1);
  memset(page, 0, PAGE_BYTES);
  /* a chain, so that one slot keeps them all */
  ebbL_pushslots(L, S);
  lua_rawgeti(L, -1, EBBL_PAGES_SLOT);
  lua_setiuservalue(L, -3, 1);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, EBBL_PAGES_SLOT);
  lua_pop(L, 2);
  for (size_t at = 0; at + n_bytes <= PAGE_BYTES; at += n_bytes) {
    *(void **)(page + at) = records->free;
    records->free = page + at;
  }
  return ebbL_record_get(L, S, records);
}
