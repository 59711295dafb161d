/* SPDX-License-Identifier: MIT */
/* Waiting in C functions (ebb_await) and awaitables written in C. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"

static lua_State *open_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "ebb", luaopen_ebb, 1);
  lua_settop(L, 0);
  return L;
}

static void run(lua_State *L, const char *code)
{
  lua_pushfstring(L, "ebb.run(function() %s end)", code);
  if (luaL_dostring(L, lua_tostring(L, -1)) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"an error");
  }
  lua_settop(L, 0);
}

/* --- ebb_await --- */

/* second(op) → "second", the first result, the context */
static int second_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  int n = lua_gettop(L);
  lua_pushliteral(L, "second");
  if (n >= 3)
    lua_pushvalue(L, 3); /* below: op, "kept" */
  else
    lua_pushnil(L);
  lua_pushinteger(L, ctx);
  lua_pushvalue(L, 2);
  return 4;
}

static int l_second(lua_State *L)
{
  lua_settop(L, 1);
  lua_pushliteral(L, "kept");
  return ebb_await(L, 1, 77, second_k);
}

static int l_all(lua_State *L)
{
  return ebb_await(L, -1, 0, NULL);
}

TEST(await_in_c)
{
  lua_State *L = open_state();
  lua_register(L, "second", l_second);
  lua_register(L, "all", l_all);
  run(L, "local ch = ebb.channel(1) "
         "ebb.spawn(function() ebb.sleep(0.01) ch:send('v') end) "
         "local s, v, c, k = second(ch) "
         "assert(s == 'second' and v == 'v' and c == 77 and k == 'kept') "
         "ch:send('w') s, v = second(ch) assert(v == 'w') "
         "local a, b = all(ebb.spawn(function() return 1, 2 end)) "
         "assert(a == 1 and b == 2) "
         "assert(select('#', all(ebb.after(0.001))) <= 1)");
  run(L, "local ok, e = pcall(all, 5) assert(not ok) "
         "local r, why = ebb.timeout(0.01, second, ebb.channel(0)) "
         "assert(r == nil and why == 'timeout')");
  /* outside of a task it drives, like ebb.await */
  if (luaL_dostring(L, "assert(all(ebb.spawn(function() return 5 end)) == 5)"))
    CHECK_STR(lua_tostring(L, -1), "");
  lua_close(L);
}

/* --- a latch: a count that goes down by taking --- */

typedef struct gate {
  int n_tokens, n_wanted, n_idle;
} gate;

static int n_gates_gone;

static int gate_attempt(lua_State *L, void *object)
{
  gate *g = object;
  if (g->n_tokens == 0)
    return EBB_WAIT;
  lua_pushinteger(L, g->n_tokens--);
  return 1;
}

static int gate_settle(lua_State *L, void *object, int value)
{
  (void)object;
  if (value == 99)
    return luaL_error(L, "gate is broken");
  lua_pushinteger(L, value);
  lua_pushliteral(L, "woken");
  return 2;
}

static void gate_wanted(void *object)
{
  ((gate *)object)->n_wanted++;
}

static void gate_idle(void *object)
{
  ((gate *)object)->n_idle++;
}

static void gate_drop(void *object)
{
  (void)object;
  n_gates_gone++;
}

static const ebb_op_class gate_class = {
    sizeof(ebb_op_class), "gate",    gate_attempt, gate_settle,
    gate_wanted,          gate_idle, gate_drop,    EBB_OP_TAKES};

static int l_gate(lua_State *L)
{
  gate *g = ebb_op_new(L, &gate_class, sizeof *g);
  CHECK_EQ(g->n_tokens, 0);
  return 1;
}

/* open(gate, value): to the one who waits longest, else a token. */
static int l_open(lua_State *L)
{
  gate *g = ebb_op_test(L, 1, &gate_class);
  if (g == NULL)
    return luaL_argerror(L, 1, "gate expected");
  int was_woken = ebb_op_wake(g, (int)luaL_checkinteger(L, 2));
  if (!was_woken)
    g->n_tokens++;
  lua_pushboolean(L, was_woken);
  return 1;
}

static int l_open_all(lua_State *L)
{
  lua_pushinteger(
      L, (lua_Integer)ebb_op_wake_all(ebb_op_test(L, 1, &gate_class), 1));
  return 1;
}

static int l_counts(lua_State *L)
{
  gate *g = ebb_op_test(L, 1, &gate_class);
  lua_pushinteger(L, (lua_Integer)ebb_op_waiting(g));
  lua_pushinteger(L, g->n_wanted);
  lua_pushinteger(L, g->n_idle);
  return 3;
}

TEST(ops_in_c)
{
  lua_State *L = open_state();
  n_gates_gone = 0;
  lua_register(L, "gate", l_gate);
  lua_register(L, "open", l_open);
  lua_register(L, "open_all", l_open_all);
  lua_register(L, "counts", l_counts);
  run(L, "g = gate() assert(not pcall(open, ebb.channel(1), 1)) "
         "assert(not open(g, 5)) assert(ebb.await(g) == 1) "
         "ebb.spawn(function() ebb.sleep(0.01) assert(open(g, 7)) end) "
         "local v, w = ebb.await(g) assert(v == 7 and w == 'woken') "
         "local n, wanted, idle = counts(g) "
         "assert(n == 0 and wanted == 1 and idle == 1)");
  /* selectable: one arm wins, the other has not happened */
  run(L, "local ch = ebb.channel(1) "
         "local t = ebb.spawn(function() return ebb.select(ch, g) end) "
         "ebb.yield() ebb.yield() assert((counts(g)) == 1) "
         "assert(tostring(g):find '1 waiting') "
         "ch:send('c') local i, v = t:await() assert(i == 1 and v == 'c') "
         "assert((counts(g)) == 0 and not open(g, 1)) "
         "i, v = ebb.select(ch, g) assert(i == 2 and v == 1) "
         "local r, why = ebb.timeout(0.01, ebb.await, g) "
         "assert(r == nil and why == 'timeout' and (counts(g)) == 0) ");
  /* a wake that takes is never lost to a cancel */
  run(L, "local got local t = ebb.spawn(function() got = ebb.await(g) "
         "ebb.sleep(0) end) ebb.yield() ebb.yield() "
         "assert(open(g, 3)) t:cancel() pcall(ebb.await, t) assert(got == 3) "
         "local n = 0 for i = 1, 4 do ebb.spawn(function() "
         "local v = ebb.await(g) n = n + v end) end ebb.sleep(0.001) "
         "assert(open_all(g) == 4) ebb.sleep(0.001) assert(n == 4) "
         "t = ebb.spawn(function() return pcall(ebb.await, g) end) "
         "ebb.sleep(0.001) open(g, 99) local ok, e = t:await() "
         "assert(not ok and e:find 'broken', e)");
  run(L, "local t = ebb.spawn(function() ebb.await(g) end) ebb.sleep(0.001) "
         "assert(tostring(t):find('gate', 1, true), tostring(t)) t:cancel()");
  run(L, "g = nil collectgarbage() collectgarbage()");
  CHECK_EQ(n_gates_gone, 1);
  run(L, "kept = gate() ebb.spawn(function() ebb.await(kept) end) "
         "ebb.sleep(0.001)");
  lua_close(L);
  CHECK_EQ(n_gates_gone, 2);
}

int main(void)
{
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
  RUN(await_in_c);
  RUN(ops_in_c);
  return check_report();
}
