/* SPDX-License-Identifier: MIT */
/* Copying Lua values from one state to another, through a message.

   Exact: nil, booleans, integers, floats (every bit of them), strings with any
   bytes, light userdata; tables with whatever they contain, shared and circular
   references kept. A table's metatable is copied with it (one with __gc or
   __close is refused: what it closes would be closed twice). What a loaded
   module *is* travels by its name and is required there: the module, a function
   in it, a metatable in it. Any other Lua function travels as its code and a
   copy of its upvalues; upvalues that functions of one message share are shared
   by their copies, and _ENV becomes the globals of the other state. Channels of
   ebb.thread are the same channel there. bytes and arrays move: what is sent is
   what they were, and once the message is on its way the handles that were sent
   are stale (EBB012).

   The message is a list of values, then the contents of the objects in them in
   the order in which they were first met, so that depth costs nothing: no
   recursion, no limit. Code, channels and memory lie beside the bytes, which
   therefore may be anything at all: reading them never goes past the end, makes
   no larger table than there are bytes, and calls nothing but require. */
#ifndef EBB_LUA_CLONE_H
#define EBB_LUA_CLONE_H

#include "base/message.h"
#include "lua/l_state.h"

/* What the values are called when one of them cannot be copied. */
typedef struct ebbL_label {
  const char *name;  /* "argument": the next is "argument 1" */
  const char *first; /* what comes before those, or NULL: "function" */
} ebbL_label;

/* [-0, +1, raises] Writes the n values from `first` on to the empty message.
   Pushes the list of what has to be let go once the message is sent, for
   ebbL_clone_sent, or nil. EBB071 names the path to what cannot be copied,
   EBB012 a stale handle; the message may then be part written and nothing has
   been moved. O(what is copied), and the loaded modules are looked through. */
void ebbL_clone_write(lua_State *L, ebb_message *message, int first, int n,
                      const ebbL_label *label);
/* The message is on its way: the handles in the list at idx are stale from now
   on. idx may be a nil. [no-raise] */
void ebbL_clone_sent(lua_State *L, int idx);

/* [-0, +n, raises] Pushes the values and returns how many. EBB073 when the
   bytes are no such message; errors of require; out of memory. What lies beside
   the bytes stays the message's, so that it can be read again. */
int ebbL_clone_read(lua_State *L, ebb_message *message);

/* --- between the files of this -------------------------------------------- */

/* Kinds of attachments. */
enum { EBBL_CLONE_CODE = 1, EBBL_CLONE_MEMORY, EBBL_CLONE_CHANNEL };

/* What a value begins with. Objects get numbers, from 1, as they are met; the
   contents of tables and code follow in that order. */
enum {
  EBBL_TAG_NIL,
  EBBL_TAG_FALSE,
  EBBL_TAG_TRUE,
  EBBL_TAG_INTEGER, /* zigzag number */
  EBBL_TAG_FLOAT,   /* 8 bytes */
  EBBL_TAG_STRING,  /* number of bytes, bytes */
  EBBL_TAG_LIGHT,   /* number */
  EBBL_TAG_REF,     /* number of an object met before */
  EBBL_TAG_MODULE,  /* string */
  EBBL_TAG_NAMED,   /* string (module), string (field) */
  EBBL_TAG_TABLE,   /* object; hints: list items, others */
  EBBL_TAG_CODE,    /* object; attachment, number of upvalues */
  EBBL_TAG_MEMORY,  /* object; attachment, 0 bytes or 1 array, elem, elements */
  EBBL_TAG_CHANNEL, /* object; attachment */
  /* In a table's contents: what is no tagged value is the list's next item. */
  EBBL_TAG_META, /* the metatable */
  EBBL_TAG_KEY,  /* key, value */
  EBBL_TAG_END,
  /* Instead of an upvalue's value. */
  EBBL_TAG_GLOBALS,
  EBBL_TAG_JOIN, /* object (code) met before, number of its upvalue */
};

/* What writes a message. Stack indices are 0 until there is something in it.
   `seen` has the number of an object by the object, and by the address of an
   upvalue its first owner; `objects` the object by its number. */
typedef struct ebbL_writer {
  lua_State *L;
  ebb_message *message;
  const ebbL_label *label;
  int first, n;
  int seen, objects, sent;
  lua_Integer n_objects, n_sent;
} ebbL_writer;

/* What cannot be copied (l_clone_refuse.c). */

/* [raises] EBB071 with the path to the value at idx; `what` says why. */
int ebbL_clone_refuse(const ebbL_writer *self, int idx, const char *what);
/* [raises] The same for a kind of userdata that stays where it is. */
int ebbL_clone_refuse_userdata(const ebbL_writer *self, int idx);

/* Things known by name (l_clone_names.c). */

/* [-0, +0, raises] Once per message, before the two that follow: notices
   that modules have been loaded since the last one. */
void ebbL_names_refresh(lua_State *L);
/* [-0, +1 if true, raises] Pushes the name if the table at idx is a loaded
   module. */
bool ebbL_names_module(lua_State *L, int idx);
/* [-0, +1 or +2, raises] For the function, or the metatable, at idx: module and
   field if a loaded module has it (returns 2), else its code (1; any string for
   a table), else (0, nothing is pushed) it is a C function. `scratch` is used
   for the code, and is as it was afterwards. */
int ebbL_names_find(lua_State *L, int idx, ebb_message *scratch);

#endif
