// SPDX-License-Identifier: MIT
// A host in C++: 60 frames, a post from another thread, a quota, an exception that
// becomes an error of Lua's at the border (R136).
extern "C" {
#include <ebb.h>
#include <lauxlib.h>
#include <lualib.h>
}
#include <cstdio>
#include <stdexcept>
#include <thread>

static void posted(lua_State *L, void *)
{
  if (L != nullptr && luaL_dostring(L, "posted = true") != LUA_OK)
    lua_error(L);
}

static void work()
{
  throw std::runtime_error("thrown in C++");
}

// Nothing with a destructor is alive when lua_error leaves it.
static int l_work(lua_State *L)
{
  try {
    work();
    return 0;
  } catch (const std::exception &e) {
    lua_pushstring(L, e.what());
  }
  return lua_error(L);
}

static ebb_task *spawn(ebb_runtime *rt, const char *code)
{
  lua_State *L = ebb_lua(rt);
  return luaL_loadstring(L, code) == LUA_OK ? ebb_spawn(rt, L, 0) : nullptr;
}

int main()
{
  lua_State *L = ebb_newstate(nullptr);
  luaL_openlibs(L);
  ebb_config config = ebb_config();
  config.size = sizeof config;
  config.seed = 7;
  config.slice_ns = 500000000;
  config.on_slice = EBB_SLICE_THROW;
  ebb_runtime *rt = ebb_open(L, &config);
  if (rt == nullptr)
    return 1;
  ebb_task *task = spawn(rt, "local ebb = require 'ebb' local n = 0 "
                             "while n < 60 do ebb.next_frame() n = n + 1 end "
                             "return n");
  lua_register(L, "work", l_work);
  ebb_task *caught = spawn(rt, "local ok, err = pcall(work) "
                               "return not ok and err == 'thrown in C++'");
  ebb_task *endless = spawn(rt, "while true do end");
  ebb_remote *remote = ebb_remote_new(rt);
  std::thread([remote] { ebb_post(remote, posted, nullptr); }).join();
  for (int frame = 0; frame < 62; frame++)
    ebb_step(rt, EBB_UNLIMITED, 16666667, nullptr);
  int n = ebb_task_results(task, L);
  lua_getglobal(L, "posted");
  int n_caught = ebb_task_results(caught, L);
  bool is_caught = n_caught == 1 && lua_toboolean(L, -1);
  lua_pop(L, n_caught);
  std::printf("%s: %d result, %d, posted %d, failed %d, caught %d\n",
              EBB_VERSION, n,
              (int)lua_tointeger(L, -2), lua_toboolean(L, -1),
              ebb_task_status(endless) == EBB_TASK_FAILED, is_caught);
  ebb_task_results(endless, L);
  ebb_task_release(endless);
  ebb_task_release(caught);
  ebb_task_release(task);
  ebb_remote_release(remote);
  ebb_close(rt);
  lua_close(L);
}
