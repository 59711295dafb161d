/* SPDX-License-Identifier: MIT */
/* The frame arena and the memory of handles, for C hosts: see ebb.h. */
#include "lua/l_frame.h"

#include "ebb.h"

int ebb_frame_begin(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  return S != NULL ? ebbL_frame_begin(S) : EBB_EINVAL;
}

int ebb_frame_end(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  return S != NULL ? ebbL_frame_end(S) : EBB_EINVAL;
}

void *ebb_frame_alloc(lua_State *L, size_t n_bytes, size_t align)
{
  ebbL_state *S = ebbL_state_find(L);
  return S != NULL ? ebbL_frame_alloc(S, n_bytes, align) : NULL;
}

void *ebb_buffer_ptr(lua_State *L, int idx, size_t *n_bytes)
{
  return ebbL_buffer_ptr(L, idx, n_bytes);
}
