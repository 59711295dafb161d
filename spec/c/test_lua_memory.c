/* SPDX-License-Identifier: MIT */
/* Guards and typed memory in a Lua state whose allocator fails: at request k
   alone (Lua collects and tries again), at k and its retry, and at all from k
   on. Whatever fails, the only error is "not enough memory", everything works
   again afterwards, and the state gives back every byte (R165, R169, R171). */
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"

int luaopen_ebb_core(lua_State *L);

typedef struct failing {
  long n_asked, fail_at, n_fail;
  size_t live_bytes;
} failing;

static void *failing_alloc(void *ud, void *ptr, size_t old_bytes,
                           size_t new_bytes)
{
  failing *f = ud;
  if (ptr == NULL)
    old_bytes = 0; /* Lua tells the kind of object here */
  if (new_bytes == 0) {
    f->live_bytes -= old_bytes;
    free(ptr);
    return NULL;
  }
  if (f->fail_at != 0 && new_bytes > old_bytes) {
    f->n_asked++;
    if (f->n_asked >= f->fail_at && f->n_asked < f->fail_at + f->n_fail)
      return NULL;
  }
  void *block = realloc(ptr, new_bytes);
  if (block != NULL)
    f->live_bytes += new_bytes - old_bytes;
  return block;
}

static const char scenario[] =
    "local core, closer = core, setmetatable({}, {__close = function() end})\n"
    "core.alloc.debug(true)\n"
    "local function scope()\n"
    "  local g <close> = core.guard()\n"
    "  local b = g:bytes(1000)\n"
    "  local a = g:array('f64', 5000):fill(2)\n"
    "  local v = g:vec('i32')\n"
    "  for i = 1, 300 do v:push(i) end\n"
    "  v:add(v:view(1, #v)):view(2):add(v:view(1, 299))\n"
    "  local view = b:view(2, 5)\n"
    "  local buf = g:buffer():put('hello', 1.5):pack('s4', 'x')\n"
    "  buf:append_from(a):append_from(view)\n"
    "  buf:unpack('c5')\n"
    "  g:defer(function() view[1] = 1 end)\n"
    "  local x = g:own(closer)\n"
    "  g:box({})\n"
    "  local child = g:guard()\n"
    "  child:defer(function() child:stats() end)\n"
    "  local kept = child:promote(child:bytes(40000))\n"
    "  child:promote(child:own({close = function() end}), g)\n"
    "  g:release(x)\n"
    "  g:release(a)\n"
    "  local s = tostring(v) .. tostring(core.alloc.stats().pool.live)\n"
    "  pcall(function() return a[1] end)\n"
    "  return kept\n"
    "end\n"
    "scope()\n"
    "core.alloc.leaks()\n";

static const char afterwards[] =
    "collectgarbage() collectgarbage()\n"
    "local stats = core.alloc.stats()\n"
    "assert(stats.pool.live == 0 and stats.heap.live == 0)\n"
    "for _, class in ipairs(stats.pool.classes) do assert(class.live == 0) "
    "end\n"
    "assert(#core.alloc.leaks() == 0)\n"
    "local g <close> = core.guard()\n"
    "assert(#g:bytes(100) == 100)\n";

static void check_run_ok(lua_State *L, const char *code, long k)
{
  if (luaL_dostring(L, code) != LUA_OK) {
    fprintf(stderr, "request %ld: %s\n", k, lua_tostring(L, -1));
    CHECK(!"an error");
  }
}

/* Runs the scenario with request k failing. True when it made no such. */
static int sweep_one(failing *f, long k, long n_fail)
{
  *f = (failing){.n_fail = n_fail};
  lua_State *L = lua_newstate(failing_alloc, f);
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_setglobal(L, "core");
  CHECK_EQ(luaL_loadstring(L, scenario), LUA_OK);
  f->fail_at = k;
  int status = lua_pcall(L, 0, 0, 0);
  f->fail_at = 0;
  if (status != LUA_OK) {
    const char *message = lua_tostring(L, -1);
    CHECK(message != NULL && strstr(message, "not enough memory") != NULL);
  }
  lua_settop(L, 0);
  check_run_ok(L, afterwards, k);
  lua_close(L);
  CHECK_EQ(f->live_bytes, 0);
  return f->n_asked < k;
}

static void sweep(long n_fail)
{
  failing f;
  long k = 1;
  while (check_failures_here == 0 && !sweep_one(&f, k, n_fail))
    k++;
  CHECK(k > 100);
}

TEST(one_request_fails)
{
  sweep(1);
}

TEST(a_request_and_its_retry_fail)
{
  sweep(2);
}

TEST(all_requests_from_one_on_fail)
{
  sweep(1000000);
}

int main(void)
{
  RUN(one_request_fails);
  RUN(a_request_and_its_retry_fail);
  RUN(all_requests_from_one_on_fail);
  return check_report();
}
