/* SPDX-License-Identifier: MIT */
/* Reading as Lua's files do it, and more, from any byte stream: what all of
   them have in common. A stream's userdata begins with an ebbL_reader, and its
   type's op is ebbL_reader_class. */
#ifndef EBB_LUA_READER_H
#define EBB_LUA_READER_H

#include "lua/l_op.h"
#include "lua/l_rt.h"
#include "uv/input.h"

typedef struct ebbL_reader {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  ebb_input *input; /* NULL until it is complete, and once collected */
} ebbL_reader;

/* A stream is itself the op that reads some bytes, as s:read_some(). */
extern const ebbL_opclass ebbL_reader_class;

/* [-0, +0, raises] Adds read, read_op, read_some, peek, try_read,
   read_exactly, read_until and read_into to the table on top. (`lines` is
   written in Lua.) */
void ebbL_addreadmethods(lua_State *L, ebbL_state *S);

/* [-0, +0, raises] Is the argument a format of `read` (or none or nil)? */
void ebbL_check_format(lua_State *L, int arg);

#endif
