/* SPDX-License-Identifier: MIT */
/* The options of ebb.runtime{}: one row each. A part of ebb that has an option
   of its own defines its function and adds its row here. */
#include "lua/l_rt_options.h"

#include "lua/l_frame.h"
#include "lua/l_luv.h"
#include "lua/l_preempt.h"
#include "uv/signal.h"

#include <limits.h>
#include <string.h>

int ebbL_option_error(lua_State *L, const char *name, const char *expected)
{
  const char *got = ebbL_typename(L, -1);
  return ebbL_argerror(L, 1,
                       lua_pushfstring(L, "option '%s': %s expected, got %s",
                                       name, expected, got));
}

/* --- the runtime's own --- */

static void option_seed(lua_State *L, ebbL_rt *rt)
{
  int is_integer;
  lua_Integer seed = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer)
    ebbL_option_error(L, "seed", "integer");
  ebb_rt_seed(&rt->core, (uint64_t)seed);
}

static void option_cleanup_timeout(lua_State *L, ebbL_rt *rt)
{
  double seconds = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || !(seconds >= 0))
    ebbL_option_error(L, "cleanup_timeout", "seconds >= 0");
  rt->core.cleanup_timeout_ns = ebb_due_in(0, seconds);
}

static void option_on_task_error(lua_State *L, ebbL_rt *rt)
{
  (void)rt;
  if (!lua_isfunction(L, -1))
    ebbL_option_error(L, "on_task_error", "function");
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 2, 1);
}

static void option_name(lua_State *L, ebbL_rt *rt)
{
  if (lua_type(L, -1) != LUA_TSTRING)
    ebbL_option_error(L, "name", "string");
  const char *name = lua_tostring(L, -1);
  size_t n_bytes = strlen(name);
  if (n_bytes >= sizeof rt->name)
    n_bytes = sizeof rt->name - 1;
  memcpy(rt->name, name, n_bytes);
}

static void option_handle_sigint(lua_State *L, ebbL_rt *rt)
{
  rt->handle_sigint = lua_toboolean(L, -1);
}

/* Only noted here: the collector is taken over when all options are right. */
static void option_gc(lua_State *L, ebbL_rt *rt)
{
  if (lua_type(L, -1) != LUA_TSTRING ||
      strcmp(lua_tostring(L, -1), "frame") != 0)
    ebbL_option_error(L, "gc", "\"frame\"");
  rt->gc_frames = true;
}

/* --- code that computes for too long --- */

static void option_slice(lua_State *L, ebbL_rt *rt)
{
  double seconds = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || !(seconds >= 0.0001 && seconds <= 3600))
    ebbL_option_error(L, "slice", "seconds from 0.0001 to 3600");
  rt->slice_us = (unsigned)(seconds * 1e6);
}

static void option_on_slice(lua_State *L, ebbL_rt *rt)
{
  static const char *const words[] = {"report", "yield", "throw"};
  const char *word = lua_tostring(L, -1);
  if (rt->slice_us == 0)
    ebbL_argerror(L, 1, "option 'on_slice' needs option 'slice'");
  for (uint8_t i = 0; i < 3; i++)
    if (lua_type(L, -1) == LUA_TSTRING && strcmp(words[i], word) == 0) {
      rt->on_slice = i;
      return;
    }
  ebbL_option_error(L, "on_slice", "\"report\", \"yield\" or \"throw\"");
}

static void option_slice_signal(lua_State *L, ebbL_rt *rt)
{
  ebbL_slices *slice = &rt->head.state->slice;
  lua_Integer number = 0;
  if (lua_isinteger(L, -1))
    number = lua_tointeger(L, -1);
  else if (lua_type(L, -1) == LUA_TSTRING)
    number = ebb_signal_number(lua_tostring(L, -1));
  if (number <= 0 || number > INT_MAX)
    ebbL_option_error(L, "slice_signal", "name or number of a signal");
  if (slice->dog != NULL && slice->signal_number != number)
    ebbL_argerror(L, 1, "option 'slice_signal': another one is in use already");
  slice->signal_number = (int)number;
}

static void option_slice_hook(lua_State *L, ebbL_rt *rt)
{
  rt->counts = lua_toboolean(L, -1);
}

/* --- all of them --- */

static const struct {
  const char *name;
  ebbL_option apply; /* NULL: ebbL_options_check has seen to it */
} options[] = {
    {"clock", NULL},
    {"seed", option_seed},
    {"name", option_name},
    {"on_task_error", option_on_task_error},
    {"cleanup_timeout", option_cleanup_timeout},
    {"handle_sigint", option_handle_sigint},
    {"loop", ebbL_option_loop},
    {"gc", option_gc},
    {"memory", ebbL_option_memory},
    {"slice", option_slice},
    {"on_slice", option_on_slice},
    {"frame", ebbL_frame_option},
    {"slice_signal", option_slice_signal},
    {"slice_hook", option_slice_hook},
};

#define N_OPTIONS (sizeof options / sizeof options[0])

/* Only names that exist: a misspelt option would be ignored for ever. */
static void check_names(lua_State *L)
{
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    bool known = false;
    if (lua_type(L, -1) == LUA_TSTRING)
      for (size_t i = 0; i < N_OPTIONS && !known; i++)
        known = strcmp(options[i].name, lua_tostring(L, -1)) == 0;
    if (!known)
      ebbL_argerror(L, 1,
                    lua_pushfstring(L, "unknown option '%s'",
                                    luaL_tolstring(L, -1, NULL)));
  }
}

bool ebbL_options_check(lua_State *L)
{
  check_names(L);
  bool is_virtual = false;
  if (lua_getfield(L, 1, "clock") != LUA_TNIL) {
    const char *clock = lua_tostring(L, -1);
    if (lua_type(L, -1) != LUA_TSTRING ||
        (strcmp(clock, "system") != 0 && strcmp(clock, "virtual") != 0))
      ebbL_option_error(L, "clock", "\"system\" or \"virtual\"");
    is_virtual = strcmp(clock, "virtual") == 0;
  }
  lua_pop(L, 1);
  return is_virtual;
}

void ebbL_options_apply(lua_State *L, ebbL_rt *rt)
{
  for (size_t i = 0; i < N_OPTIONS; i++) {
    if (options[i].apply != NULL &&
        lua_getfield(L, 1, options[i].name) != LUA_TNIL)
      options[i].apply(L, rt);
    lua_settop(L, 2);
  }
  if (rt->slice_us != 0 && !rt->counts)
    ebbL_slice_start(L, rt->head.state);
}
