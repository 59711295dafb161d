/* SPDX-License-Identifier: MIT */
/* Scopes: children that have ended before the block is left. Both forms, the
   function's and the object's, are one struct and one way of closing. */
#ifndef EBB_LUA_SCOPE_H
#define EBB_LUA_SCOPE_H

#include "lua/l_region.h"

struct ebbL_scope {
  ebbL_header head;
  ebb_scope core;
  ebbL_rt *rt;     /* current when it was made: for reports only */
  ebbL_body *body; /* function form: the body's region while it runs */
  uint8_t mode;    /* who waits for it: see l_scope.c */
  uint8_t phase;
  struct ebbL_join_set *set; /* whose children these are, or NULL */
  bool isolate;        /* a failed child is reported, its siblings go on */
  bool collect;        /* failures are left to the owner: groups */
  bool failed;         /* the first failure is kept in the table of errors */
  bool lost;           /* … but there was no memory to keep it */
  bool cancelled;      /* s:cancel was called; user value 1: the cancel error */
  bool hard;           /* the wait goes on whatever strikes */
  bool struck;         /* something struck while it waited */
  bool body_failed;    /* the body's own error is on the stack */
  bool body_cancelled; /* the body was ended by the scope's own region */
  bool closing;        /* its close asks all to end: new children never run */
  bool of_cleanup;     /* made at the end of the run, when only cleanups run */
  bool ended;          /* nothing can be spawned any more */
  /* user value 2: list of defers, or nil */
};

#define ebbL_scope_type (ebbL_linked_types[EBBL_LINKED_SCOPE])

/* [-0, +1, raises] */
ebbL_scope *ebbL_scope_new(lua_State *L, ebbL_state *S);
/* s:wait() and s:close() with the scope at 1. [raises, yields] */
int ebbL_scope_wait(lua_State *L);
int ebbL_scope_close(lua_State *L);
/* Asks the children to end, for the reason at reason_idx. [raises] */
void ebbL_scope_cancel_children(lua_State *L, ebbL_scope *scope,
                                int reason_idx);

/* A child has ended: what its failure means. Before it leaves. [no-raise] */
void ebbL_scope_child_ended(lua_State *L, ebbL_scope *scope, ebbL_task *task,
                            int slots);
void ebbL_scope_child_left(ebbL_scope *scope, ebbL_task *task);
void ebbL_scope_adopt(ebbL_scope *scope, ebbL_task *task);
/* The coroutine with its body is killed. [no-raise] */
void ebbL_scope_body_gone(void *scope);

/* --- between the files of this -------------------------------------------- */

/* Asks every child to end, newest first; error_idx: the shared cancel error, or
   0. [no-raise] */
void ebbL_scope_strike_children(lua_State *L, ebbL_scope *scope, int error_idx);
/* … and the body, for that reason; out of memory without it. [no-raise] */
void ebbL_scope_cancel_for(lua_State *L, ebbL_scope *scope, const char *reason);
/* [-0, +1, no-raise] The same; pushes the shared error, nil if there is none.
 */
void ebbL_scope_cancel_told(lua_State *L, ebbL_scope *scope,
                            const char *reason);
/* [-0, +0, no-raise] The value at idx is the scope's first failure. */
void ebbL_scope_record(lua_State *L, ebbL_scope *scope, int idx);
/* [-0, +1] The first failure; forgets it. */
void ebbL_scope_take_failure(lua_State *L, ebbL_scope *scope);
bool ebbL_scope_is_first_failure(lua_State *L, ebbL_scope *scope, int idx);
/* handle_idx may be 0. */
void ebbL_scope_report_child(lua_State *L, ebbL_task *task, int error_idx,
                             int handle_idx);

void ebbL_open_scope(lua_State *L, ebbL_state *S);

#endif
