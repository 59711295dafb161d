/* SPDX-License-Identifier: MIT */
/* Between l_coro.c, l_coro_drive.c and l_coro_body.c: resuming a coroutine so
   that its awaits pass to the task. */
#ifndef EBB_LUA_CORO_DRIVE_H
#define EBB_LUA_CORO_DRIVE_H

#include "lua/l_coro.h"

/* Upvalue 3 of everything that resumes. */
typedef struct ebbL_coros {
  ebbL_header head;
  int depth;           /* resumes on the C stack now */
  lua_State *resuming; /* the coroutine about to go on by one of them */
} ebbL_coros;

enum { EBBL_CO_RESUME, EBBL_CO_WRAP, EBBL_CO_CLOSE };
enum { EBBL_CO_SUSPENDED, EBBL_CO_RUNNING, EBBL_CO_NORMAL, EBBL_CO_DEAD };

/* One of EBBL_CO_SUSPENDED …, as coroutine.status has it; one that waits in an
   await is normal. [no-raise] */
int ebbL_coro_state(lua_State *L, ebbL_state *S, lua_State *co);

/* --- inside the coroutine --- */

/* coroutine.yield. A coroutine that waits in it throws when it is resumed with
   one of these addresses as light userdata: that it may not yield there, or the
   nil that lets close unwind it. */
int ebbL_coro_yield(lua_State *L);
extern const char ebbL_coro_refuse, ebbL_coro_kill;
/* The same refusal for one that yielded otherwise: at its next instruction. */
void ebbL_coro_refuse_hook(lua_State *L, lua_Debug *ar);

/* The coroutine's main function: (xpcall, function, ebbL_coro_msgh,
   arguments…). */
int ebbL_coro_body(lua_State *L);
int ebbL_coro_msgh(lua_State *L);

/* --- outside --- */

/* [coroutine, arguments…] is the whole stack of the C function, which returns
   the result: resumes it until it yields values or ends. `mode` says what
   becomes of them (EBBL_CO_RESUME or EBBL_CO_WRAP). [raises, yields] */
int ebbL_coro_drive(lua_State *L, int mode);

/* [coroutine] The same for one that is to be closed. [raises, yields] */
int ebbL_coro_unwind(lua_State *L);

#endif
