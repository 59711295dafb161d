/* SPDX-License-Identifier: MIT */
/* What the files behind ebb.h share: a C host's side of a runtime, of tasks and
   of scopes. Its callbacks never run within Lua: what ends or is posted is put
   in a list, which ebb_step, ebb_close or the end of the state empties.

   The host's objects are its own memory (malloc), counted, and outlive runtime
   and state: then they only know how it ended. They keep Lua's objects alive
   through slots. All of it belongs to the runtime's thread but promises and
   remotes, see api_promise.c and api_remote.c. */
#ifndef EBB_LUA_API_H
#define EBB_LUA_API_H

#include "lua/l_rt.h"

#include "ebb.h"

/* An ebb_runtime. */
typedef struct ebbL_host_rt {
  lua_State *L; /* NULL: closed */
  ebbL_state *S;
  ebbL_rt *rt;     /* NULL: closed */
  size_t n_refs;   /* 1 of the host until ebb_close, and of every object */
  ebb_list hosted; /* of ebbL_hosted.all, while there is a runtime */
  ebb_list scopes; /* of ebbL_host_scope.all, likewise */
  ebb_list ended;  /* of ebbL_hosted.link: whose callback is due */
  ebb_list calls;  /* of ebbL_call.link: posted, to be called */
  bool in_close;
} ebbL_host_rt;

/* An ebb_task. */
typedef struct ebbL_hosted {
  ebbL_host_rt *host;
  ebbL_handle *handle; /* NULL: the runtime is closed */
  uint32_t slot;       /* of the handle */
  uint8_t status;      /* EBBL_ALIVE … */
  bool is_released, in_callback;
  ebb_done_fn on_done;
  void *ud;
  ebb_list all, link;
} ebbL_hosted;

/* Something posted that has arrived in its thread. */
typedef struct ebbL_call {
  ebb_list link;
  /* L NULL: the state closes. Frees itself; or false: there was no memory, or
     no room on the stack, to call it, and nothing has happened. */
  bool (*run)(struct ebbL_call *self, lua_State *L);
} ebbL_call;

/* [-n_args, +n_results or +0, no-raise] Calls fn(L, ud) protected, with ebb's
   upvalues, the n_args values on top as its stack. How many values it has left
   (n_results may be LUA_MULTRET), or EBB_ENOMEM, or EBB_EINVAL for any other
   error, which is logged. */
int ebbL_host_call(lua_State *L, ebbL_state *S, int n_args, int n_results,
                   int (*fn)(lua_State *L, void *ud), void *ud);

/* The task has ended. [no-raise] */
void ebbL_hosted_ended(ebbL_hosted *hosted, int status);
/* The runtime is closed: no Lua object is the host's any more. [no-raise] */
void ebbL_host_closed(struct ebb_runtime *host);
/* Calls what is due of `ended`. [no-raise] */
void ebbL_host_callbacks(ebbL_host_rt *host);
void ebbL_host_release(ebbL_host_rt *host);
/* What is kept in that slot is no more; without stack the slot stays taken.
   [no-raise] */
void ebbL_host_give_slot(ebbL_host_rt *host, uint32_t slot);

/* The scopes' half of ebbL_host_closed (api_scope.c). */
void ebbL_host_scopes_closed(ebbL_host_rt *host, bool keeps_slots);

/* The runtime closes: nobody will wait for its promises. [no-raise] */
void ebbL_promises_abandon(ebbL_rt *rt);

/* [-0, +0, raises] */
void ebbL_open_host(lua_State *L, ebbL_state *S);
void ebbL_open_host_promise(lua_State *L, ebbL_state *S);
void ebbL_open_host_op(lua_State *L, ebbL_state *S);

#endif
