/* SPDX-License-Identifier: MIT */
/* Byte streams as Lua has them: reading (l_reader.h), writing, half-closing,
   closing. One userdata for what is an input and an output at once: sockets,
   ends of a duplex pair. (Files, pipes and terminals: l_file.h.)

   To make one: ebbL_stream_new, then ebbL_stream_set or ebbL_stream_open. It is
   closed until then, and harmless. */
#ifndef EBB_LUA_STREAM_H
#define EBB_LUA_STREAM_H

#include "lua/l_reader.h"
#include "uv/output.h"

/* How the two ends below a userdata are closed and let go. [no-raise] */
typedef struct ebbL_streamclass {
  void (*close)(void *object);
  void (*release)(void *object); /* closes too */
} ebbL_streamclass;

typedef struct ebbL_stream {
  ebbL_reader reader; /* user value 1: the runtime */
  ebb_output *output; /* NULL as the reader's input */
  const ebbL_streamclass *cls;
  void *object; /* what cls works on, as ebb_stream */
} ebbL_stream;

/* In one row, so that "any stream" is one comparison. */
extern const ebbL_type ebbL_stream_types[2];
#define ebbL_socket_type (ebbL_stream_types[0]) /* "ebb.socket" */
#define ebbL_duplex_type (ebbL_stream_types[1]) /* "ebb.duplex" */

/* [raises] The stream at idx, of any kind. */
ebbL_stream *ebbL_check_stream(lua_State *L, int idx);
/* [no-raise] Is there one at idx, of this state? */
bool ebbL_is_stream(lua_State *L, int idx);
static inline bool ebbL_stream_is_closed(const ebbL_stream *self)
{
  return self->reader.input == NULL || self->reader.input->closed;
}

/* [-0, +1, raises] A new userdata of the current runtime, closed. */
ebbL_stream *ebbL_stream_new(lua_State *L, ebbL_state *S,
                             const ebbL_type *type);
/* Gives it its ends. [no-raise] */
void ebbL_stream_set(ebbL_stream *self, ebb_input *input, ebb_output *output,
                     const ebbL_streamclass *cls, void *object);
/* Opens the descriptor on it, with flags of uv/stream.h: 0, or libuv's code;
   the descriptor is the caller's still then. May collect garbage. */
int ebbL_stream_open(lua_State *L, ebbL_stream *self, int fd, unsigned flags);
/* The descriptor, or -1: closed, or of another kind. [no-raise] */
int ebbL_stream_fd(const ebbL_stream *self);
/* [no-raise] */
void ebbL_stream_close(ebbL_stream *self);

/* [-0, +0, raises] Adds write, flush, shutdown, written, close, lines and the
   methods of reading to the table on top. */
void ebbL_addstreammethods(lua_State *L, ebbL_state *S);

/* Adds _copy to the table on top: ebb.copy between two of these. */
void ebbL_open_copy(lua_State *L, ebbL_state *S);
/* Adds the table _stream to the table on top: its methods by type. */
void ebbL_open_streams(lua_State *L, ebbL_state *S);

#endif
