/* SPDX-License-Identifier: MIT */
/* Errors never pass silently: what happens to a task's failure that nobody
   has taken yet, and how it is reported. */
#ifndef EBB_LUA_REPORT_H
#define EBB_LUA_REPORT_H

#include "lua/l_rt.h"

/* A failed task's error (user value 1) and traceback (user value 2); its body
   keeps the runtime. Collected together with its handle; on that occasion an
   untaken one is reported. */
typedef struct ebbL_failure {
  ebbL_header head;
  ebb_list link; /* in rt->unobserved while nobody has taken it */
  ebbL_rt *rt;
  uint64_t id;
  uint64_t failed_ns; /* real time */
} ebbL_failure;

#define ebbL_failure_type (ebbL_linked_types[EBBL_LINKED_FAILURE])

/* [-1, +0] The task has failed with the error on top; keeps or reports it, as
   its handle and owner demand. [no-raise] */
void ebbL_failed(lua_State *L, ebbL_task *task, bool owned);

/* Calls the handler with (handle or nil, error, traceback): indices on L, any
   may be 0. Errors of the handler go to standard error. [no-raise] */
void ebbL_report(lua_State *L, ebbL_state *S, ebbL_rt *rt, int handle_idx,
                 int error_idx, int traceback_idx);
/* A line for standard error, or the runtime's log: things that have no error
   value (EBB025, EBB053). [no-raise] */
void ebbL_warn(ebbL_state *S, const char *fmt, ...);

/* Reports the untaken failures of rt that are a second old, or all. */
void ebbL_report_due(lua_State *L, ebbL_rt *rt, bool all);
/* The result of the handle at idx has been taken. [no-raise] */
void ebbL_taken(lua_State *L, int idx);

/* The message handler of task bodies and regions: remembers the traceback of
   the place that failed; keeps the first error when cleanups fail. */
int ebbL_msgh(lua_State *L);
/* [-0, +1] The traceback remembered for the error at idx, or a new one. */
void ebbL_pushtrace(lua_State *L, ebbL_task *task, int error_idx);
/* [-2, +1] [error, traceback of another thread] → error, which is about to be
   thrown: its traceback begins with that one. [raises] */
void ebbL_trace_foreign(lua_State *L, ebbL_task *task);
void ebbL_trace_drop(lua_State *L, ebbL_task *task);

void ebbL_open_report(lua_State *L, ebbL_state *S);

#endif
