/* SPDX-License-Identifier: MIT */
/* luaopen_ebb_core: makes the state's ebb and lists what is in the module. */
#include "lua/api.h"
#include "lua/l_census.h"
#include "lua/l_chan.h"
#include "lua/l_coro.h"
#include "lua/l_descriptor.h"
#include "lua/l_fence.h"
#include "lua/l_file.h"
#include "lua/l_fs.h"
#include "lua/l_fs_watch.h"
#include "lua/l_join_set.h"
#include "lua/l_local.h"
#include "lua/l_lock.h"
#include "lua/l_loop.h"
#include "lua/l_mem.h"
#include "lua/l_net.h"
#include "lua/l_op.h"
#include "lua/l_preempt.h"
#include "lua/l_process.h"
#include "lua/l_promise.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_scope.h"
#include "lua/l_set.h"
#include "lua/l_shake.h"
#include "lua/l_signal.h"
#include "lua/l_stream.h"
#include "lua/l_sync.h"
#include "lua/l_threads.h"
#include "lua/l_time.h"
#include "lua/l_token.h"
#include "lua/l_udp.h"

#include "ebb.h"

/* The state was opened first, so at lua_close it is finalised last: what user
   code in later finalisers does with ebb still finds it. */
static int state_gc(lua_State *L)
{
  ebbL_state *S = lua_touserdata(L, 1);
  if (S == NULL || S->closing)
    return 0;
  S->closing = true;
  ebbL_rt_close_all(L, S);
  ebbL_slice_close(S);
  ebbL_threads_close(L, S);
  if (S->nobody != NULL)
    ebbL_locks_forget(S->nobody);
  ebbL_fini_owners(L, S);
  ebbL_state_close(S);
  return 0;
}

/* --- for ebb's own Lua files: not part of the surface --- */

static int l_is_op(lua_State *L)
{
  lua_pushboolean(L, ebbL_isop(L, 1));
  return 1;
}

static int l_typename(lua_State *L)
{
  ebbL_typename(L, 1);
  return 1;
}

static int l_in_task(lua_State *L)
{
  lua_pushboolean(L, ebbL_S(L)->current != NULL);
  return 1;
}

/* _report(task): the failure of an owned task is nobody's result. */
static int l_report(lua_State *L)
{
  ebbL_handle *handle = ebbL_check(L, 1, &ebbL_task_type);
  if (handle->status != EBBL_FAILED)
    return 0;
  lua_settop(L, 1);
  ebbL_pusherror(L, 1);
  lua_pushnil(L);
  ebbL_rt *rt = NULL;
  if (handle->kind == EBBL_RESULT_FAILURE) {
    lua_getiuservalue(L, 1, 1);
    rt = ((ebbL_failure *)ebbL_touserdata(L, -1))->rt;
    lua_getiuservalue(L, -1, 2);
    lua_replace(L, 3);
  }
  ebbL_report(L, handle->head.state, rt, 1, 2, 3);
  return 0;
}

static const luaL_Reg internal[] = {{"_is_op", l_is_op},
                                    {"_typename", l_typename},
                                    {"_in_task", l_in_task},
                                    {"_report", l_report},
                                    {NULL, NULL}};

EBB_EXPORT int luaopen_ebb_core(lua_State *L);

int luaopen_ebb_core(lua_State *L)
{
  luaL_checkversion(L);
  ebbL_state *S = ebbL_state_find(L);
  bool is_new = S == NULL;
  if (is_new)
    S = ebbL_state_open(L, state_gc);
  lua_newtable(L);
  lua_pushliteral(L, EBB_VERSION);
  lua_setfield(L, -2, "version");
  ebbL_setfuncs(L, S, internal);
  ebbL_open_op(L, S);
  ebbL_open_set(L, S);
  ebbL_open_select(L, S);
  ebbL_open_combine(L, S);
  ebbL_open_report(L, S);
  ebbL_open_fence(L, S);
  ebbL_open_task(L, S);
  ebbL_open_preempt(L, S);
  ebbL_open_region(L, S);
  ebbL_open_timeout(L, S);
  ebbL_open_scope(L, S);
  ebbL_open_join_set(L, S);
  ebbL_open_local(L, S);
  ebbL_open_promise(L, S);
  ebbL_open_chan(L, S);
  ebbL_open_sem(L, S);
  ebbL_open_lock(L, S);
  ebbL_open_notify(L, S);
  ebbL_open_oneshot(L, S);
  ebbL_open_watch(L, S);
  ebbL_open_broadcast(L, S);
  ebbL_open_barrier(L, S);
  ebbL_open_once(L, S);
  ebbL_open_time(L, S);
  ebbL_open_token(L, S);
  ebbL_open_coro(L, S);
  ebbL_open_rt(L, S);
  ebbL_open_loop(L, S);
  ebbL_open_mem(L, S);
  ebbL_open_census(L, S);
  ebbL_open_shake(L, S);
  ebbL_open_fs(L, S);
  ebbL_open_file(L, S);
  ebbL_open_fs_watch(L, S);
  ebbL_open_process(L, S);
  ebbL_open_signal(L, S);
  ebbL_open_streams(L, S);
  ebbL_open_net(L, S);
  ebbL_open_udp(L, S);
  ebbL_open_copy(L, S);
  ebbL_open_descriptor(L, S);
  ebbL_open_threads(L, S);
  ebbL_open_host(L, S);
  return 1;
}
