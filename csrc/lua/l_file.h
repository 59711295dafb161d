/* SPDX-License-Identifier: MIT */
/* Open files, pipes and terminals as Lua has them; lua/ebb/io.lua is their
   surface. */
#ifndef EBB_LUA_FILE_H
#define EBB_LUA_FILE_H

#include "lua/l_reader.h"
#include "uv/file.h"

typedef struct ebbL_file {
  ebbL_reader reader; /* user value 2: the path, or what it is called */
  ebb_file *file;     /* NULL until it is complete, and once collected */
} ebbL_file;

/* [-1, +1, raises] A file without a descriptor; the name is on top. */
ebbL_file *ebbL_newfile(lua_State *L, ebbL_state *S, ebbL_rt *rt);
/* It takes the descriptor over, also when it fails: libuv's code. [no-raise] */
int ebbL_file_take(lua_State *L, ebbL_file *self, int fd, unsigned flags);
/* What fs.open calls "r", "w+" and so on. */
unsigned ebbL_file_flags(const char *mode);
/* The descriptor of the file at idx if it is an open one, else -1. [no-raise]
 */
int ebbL_file_fd(lua_State *L, int idx);
/* Closes the value at idx if it is a file; errors are dropped. [no-raise] */
void ebbL_file_close(lua_State *L, int idx);

/* Adds the table _file to the table on top: standard, and the methods. */
void ebbL_open_file(lua_State *L, ebbL_state *S);

#endif
