/* SPDX-License-Identifier: MIT */
/* luaopen_ebb_core: makes the state's ebb and lists what is in the module. */
#include "lua/l_chan.h"
#include "lua/l_coro.h"
#include "lua/l_loop.h"
#include "lua/l_mem.h"
#include "lua/l_op.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_scope.h"
#include "lua/l_time.h"
#include "lua/l_token.h"

#define EBB_VERSION "0.1.0"

/* The state was opened first, so at lua_close it is finalised last: what user
   code in later finalisers does with ebb still finds it. */
static int state_gc(lua_State *L)
{
  ebbL_state *S = lua_touserdata(L, 1);
  if (S == NULL || S->closing)
    return 0;
  S->closing = true;
  ebbL_rt_close_all(L, S);
  ebbL_state_close(S);
  return 0;
}

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
  ebbL_open_op(L, S);
  ebbL_open_combine(L, S);
  ebbL_open_report(L, S);
  ebbL_open_task(L, S);
  ebbL_open_region(L, S);
  ebbL_open_scope(L, S);
  ebbL_open_chan(L, S);
  ebbL_open_time(L, S);
  ebbL_open_token(L, S);
  ebbL_open_coro(L, S);
  ebbL_open_rt(L, S);
  ebbL_open_mem(L, S);
  return 1;
}
