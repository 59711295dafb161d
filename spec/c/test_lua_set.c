/* SPDX-License-Identifier: MIT */
/* What is waited for may happen while a wait is prepared (what is allocated for
   it makes the collector run, and that a finaliser): it is then not waited for.
   Here an op stands for such a finaliser, whose prepare sends to a channel. */
#include "check.h"
#include "lua/l_op.h"

#include <lauxlib.h>
#include <lualib.h>

int luaopen_ebb_core(lua_State *L);

static int late_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)L, (void)task, (void)object, (void)at;
  return EBBL_WAIT;
}

/* channel:try_send("late") */
static void late_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)object;
  lua_getiuservalue(L, at, 1);
  lua_getfield(L, -1, "try_send");
  lua_insert(L, -2);
  lua_pushliteral(L, "late");
  lua_call(L, 2, 1);
}

static const ebb_wait_class late_wait = {"late", false, NULL};

static void late_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  ebb_wait_link(&task->core, i, &late_wait, NULL, NULL, (uint32_t)payload);
}

static int late_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)L, (void)task, (void)object, (void)at, (void)payload;
  return 0;
}

static const ebbL_opclass late_class = {"late",    late_attempt, late_prepare,
                                        late_link, late_settle,  0};

/* An op that happens while it is itself prepared. */
static bool has_happened;

static int own_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)object, (void)at;
  if (!has_happened)
    return EBBL_WAIT;
  lua_pushliteral(L, "happened");
  return 1;
}

static void own_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)object, (void)at;
  has_happened = true;
  lua_pushnil(L);
}

static const ebbL_opclass own_class = {"own",     own_attempt, own_prepare,
                                       late_link, late_settle, 0};

static int l_own(lua_State *L)
{
  has_happened = false;
  ebbL_newop(L, ebbL_state_find(L), &own_class, 0, 0);
  return 1;
}

/* late(channel) → the op */
static int l_late(lua_State *L)
{
  ebbL_newop(L, ebbL_state_find(L), &late_class, 1, 0);
  return 1;
}

/* Runs the body in a task of a runtime on virtual time: `ebb`, `ch` (with room
   for one) and `late` (the op) are what it sees. */
static bool passes(const char *body)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_setglobal(L, "ebb");
  lua_pushcfunction(L, l_late);
  lua_setglobal(L, "new_late");
  lua_pushcfunction(L, l_own);
  lua_setglobal(L, "new_own");
  lua_pushfstring(L,
                  "local rt = ebb.runtime { clock = 'virtual' }\n"
                  "rt:run(function()\n"
                  "  local ch = ebb.channel(1)\n"
                  "  local late = new_late(ch)\n"
                  "  %s\n"
                  "end)\n"
                  "rt:close()",
                  body);
  bool ok = luaL_dostring(L, lua_tostring(L, -1)) == LUA_OK;
  if (!ok)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return ok;
}

TEST(what_happens_meanwhile_is_not_waited_for)
{
  CHECK(passes("local i, v = ebb.select(ch, late)"
               "  assert(i == 1 and v == 'late')"));
  CHECK(passes("local i, v = ebb.select_first(late, ch)"
               "  assert(i == 2 and v == 'late')"));
  CHECK(passes("local k, v = ebb.select { got = ch, other = late }"
               "  assert(k == 'got' and v == 'late')"));
  CHECK(passes("local i, v = ebb.await(ebb.choice(late, ch))"
               "  assert(i == 2 and v == 'late')"));
  CHECK(passes("local i, v = ebb.await(ebb.choice(late, ch:recv_op():map("
               "    function(v) return v .. '!' end)))"
               "  assert(i == 2 and v == 'late!')"));
}

TEST(nor_is_an_op_by_itself)
{
  CHECK(passes("assert(ebb.await(new_own()) == 'happened')"));
  CHECK(passes("assert(ebb.timeout(1, new_own()) == 'happened')"));
  CHECK(passes("assert(ebb.select(ebb.never(), new_own()) == 2)"));
}

/* The set has committed once: nothing of it is left in any queue. */
TEST(and_is_taken_once)
{
  CHECK(passes("ebb.select(ch, late)"
               "  local receivers, senders = ch:waiters()"
               "  assert(#ch == 0 and receivers == 0 and senders == 0)"
               "  assert(ch:try_send(1) and #ch == 1)"));
}

int main(void)
{
  RUN(what_happens_meanwhile_is_not_waited_for);
  RUN(nor_is_an_op_by_itself);
  RUN(and_is_taken_once);
  return check_report();
}
