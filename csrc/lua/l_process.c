/* SPDX-License-Identifier: MIT */
#include "lua/l_process.h"

#include "lua/l_file.h"
#include "lua/l_fs.h"
#include "lua/l_op.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/process.h"
#include "uv/signal.h"

#include <errno.h>
#include <string.h>

static const char *const stdio_names[] = {"stdin", "stdout", "stderr"};

enum { STREAMS = 2 }; /* user values STREAMS + 0, 1, 2: stdin, stdout, stderr */

typedef struct ebbL_process {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  ebb_process *process; /* NULL until it is complete, and once collected */
} ebbL_process;

static const ebbL_opclass wait_class;
static void process_fini(void *object);
EBBL_OWNING_TYPE(process_type, "ebb.child", &wait_class, process_fini);

static ebbL_process *check_process(lua_State *L)
{
  return ebbL_check(L, 1, &process_type);
}

static bool is_closed(const ebbL_process *self)
{
  return self->process == NULL || self->process->closed;
}

/* --- wait ----------------------------------------------------------------- */

static int push_end(lua_State *L, const ebb_process *process)
{
  if (process->signal == 0) {
    lua_pushinteger(L, (lua_Integer)process->code);
    return 1;
  }
  if (process->signal < 0)
    return ebbL_pushuverror(L, ebb_uv_error_code(ECHILD));
  const char *name = ebb_signal_name(process->signal);
  lua_pushnil(L);
  if (name != NULL)
    lua_pushstring(L, name);
  else
    lua_pushfstring(L, "signal %d", process->signal);
  return 2;
}

static int wait_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_process *self = object;
  ebb_process *process = self->process;
  if (is_closed(self) && (process == NULL || !process->ended))
    return ebbL_pushoutcome(L, "closed");
  if (process->ended)
    return push_end(L, process);
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this process belongs to another runtime");
  return EBBL_WAIT;
}

static void wait_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_process_link(&task->core, i, ((ebbL_process *)object)->process);
}

static int wait_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)at, (void)payload;
  ebbL_process *self = object;
  if (task->core.status == EBB_ECLOSED || self->process == NULL)
    return ebbL_pushoutcome(L, "closed");
  return push_end(L, self->process);
}

static const ebbL_opclass wait_class = {.name = "process wait",
                                        .attempt = wait_attempt,
                                        .link = wait_link,
                                        .settle = wait_settle};

static int l_process_wait(lua_State *L)
{
  ebbL_process *self = check_process(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &wait_class, self, l_process_wait);
}

/* It is itself the op of its wait. */
static int l_process_wait_op(lua_State *L)
{
  check_process(L);
  lua_settop(L, 1);
  return 1;
}

/* --- kill, detach, close -------------------------------------------------- */

static int check_signal(lua_State *L, int arg)
{
  if (lua_type(L, arg) == LUA_TSTRING) {
    int number = ebb_signal_sent_number(lua_tostring(L, arg));
    if (number == 0)
      ebbL_argerror(
          L, arg,
          lua_pushfstring(L, "unknown signal '%s'", lua_tostring(L, arg)));
    return number;
  }
  if (lua_type(L, arg) != LUA_TNUMBER)
    ebbL_typeerror(L, arg, "name or number of a signal");
  return (int)ebbL_checkinteger(L, arg, 0, 64);
}

static int l_process_kill(lua_State *L)
{
  ebbL_process *self = check_process(L);
  int number = lua_isnoneornil(L, 2) ? ebb_signal_sent_number("term")
                                     : check_signal(L, 2);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return ebbL_pushdone(L, ebb_process_kill(self->process, number));
}

static int l_process_detach(lua_State *L)
{
  ebbL_process *self = check_process(L);
  if (!is_closed(self))
    ebb_process_detach(self->process);
  lua_settop(L, 1);
  return 1;
}

static int l_process_close(lua_State *L)
{
  ebbL_process *self = check_process(L);
  for (int i = 0; i < 3; i++) {
    lua_getiuservalue(L, 1, STREAMS + i);
    ebbL_file_close(L, -1);
    lua_pop(L, 1);
  }
  if (self->process != NULL)
    ebb_process_close(self->process);
  return 0;
}

static void process_fini(void *object)
{
  ebbL_process *self = object;
  ebb_process *process = self->process;
  self->process = NULL;
  if (process != NULL)
    ebb_process_release(process);
}

static int process_tostring(lua_State *L)
{
  ebbL_process *self = check_process(L);
  const ebb_process *process = self->process;
  if (process == NULL) {
    lua_pushliteral(L, "ebb.child: closed");
    return 1;
  }
  const char *name =
      process->signal > 0 ? ebb_signal_name(process->signal) : NULL;
  if (process->ended && process->signal == 0)
    lua_pushfstring(L, "ebb.child: %d ended with %d", process->pid,
                    (int)process->code);
  else if (process->ended && name != NULL)
    lua_pushfstring(L, "ebb.child: %d ended by \"%s\"", process->pid, name);
  else
    lua_pushfstring(L, "ebb.child: %d %s", process->pid,
                    process->ended      ? "ended"
                    : process->closed   ? "closed"
                    : process->detached ? "runs, detached"
                                        : "runs");
  return 1;
}

/* [process, key]; upvalue 3: the methods. */
static int process_index(lua_State *L)
{
  ebbL_process *self = check_process(L);
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL ||
      lua_type(L, 2) != LUA_TSTRING)
    return 1;
  const char *key = lua_tostring(L, 2);
  for (int i = 0; i < 3; i++) {
    if (strcmp(key, stdio_names[i]) == 0) {
      lua_getiuservalue(L, 1, STREAMS + i);
      return 1;
    }
  }
  if (strcmp(key, "pid") == 0 && self->process != NULL)
    lua_pushinteger(L, self->process->pid);
  return 1;
}

/* --- spawn ---------------------------------------------------------------- */

/* [-0, +1] The strings of the list at arg as an array that ends with NULL, in a
   userdata; the list keeps them alive. NULL for nil. */
static char **push_strings(lua_State *L, int arg)
{
  if (lua_isnil(L, arg)) {
    lua_pushnil(L);
    return NULL;
  }
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Integer n = luaL_len(L, arg);
  char **strings = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof(char *), 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, arg, i + 1);
    strings[i] = (char *)luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  strings[n] = NULL;
  return strings;
}

static int spawn(lua_State *L, ebbL_process *self, const ebb_process_call *call)
{
  ebb_process_pipes pipes;
  int error = 0;
  int at = lua_gettop(L);
  ebb_driver *driver = ebbL_rt_driver(L, self->rt);
  luaL_checkstack(L, 8, NULL);
  ebbL_file *files[3] = {NULL, NULL, NULL};
  for (int i = 0; i < 3; i++) {
    if (call->stdio[i] != EBB_PROCESS_PIPE)
      continue;
    lua_pushstring(L, stdio_names[i]);
    files[i] = ebbL_newfile(L, ebbL_S(L), self->rt);
    lua_setiuservalue(L, at, STREAMS + i);
  }
  self->process =
      ebb_process_spawn(driver, &ebbL_S(L)->alloc, call, &pipes, &error);
  for (int i = 0; i < 3; i++) {
    if (pipes.fds[i] < 0)
      continue;
    unsigned flags = i == 0 ? EBB_FILE_WRITE : EBB_FILE_READ;
    int file_error = ebbL_file_take(L, files[i], pipes.fds[i], flags);
    error = error == 0 ? file_error : error;
  }
  return error;
}

/* _process.spawn(args, env, cwd, stdin, stdout, stderr, group, uid, gid), as
   checked by process.lua: lists of strings, descriptors. */
static int l_process_spawn(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_settop(L, 9);
  ebb_process_call call = {.args = push_strings(L, 1),
                           .env = push_strings(L, 2),
                           .cwd = lua_tostring(L, 3),
                           .is_group = lua_toboolean(L, 7),
                           .uid = luaL_optinteger(L, 8, -1),
                           .gid = luaL_optinteger(L, 9, -1)};
  for (int i = 0; i < 3; i++)
    call.stdio[i] = (int)luaL_checkinteger(L, 4 + i);
  ebbL_process *self =
      ebbL_newlinked(L, S, &process_type, sizeof *self, STREAMS + 2, 0);
  self->rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->rt);
  int error = spawn(L, self, &call);
  if (self->process == NULL && error == ebb_uv_error_code(ENOMEM)) {
    ebbL_collect(L);
    error = spawn(L, self, &call);
  }
  if (error == 0)
    return 1;
  if (self->process != NULL)
    ebb_process_close(self->process);
  return ebbL_pushuverror(L, error);
}

/* _process.signal_number(name) */
static int l_signal_number(lua_State *L)
{
  lua_pushinteger(L, ebb_signal_sent_number(luaL_checkstring(L, 1)));
  return 1;
}

void ebbL_open_process(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {
      {"wait", l_process_wait},   {"wait_op", l_process_wait_op},
      {"kill", l_process_kill},   {"detach", l_process_detach},
      {"close", l_process_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_process_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", process_tostring},
                                  {NULL, NULL}};
  lua_createtable(L, 0, 2);
  ebbL_pushfunction(L, S, l_process_spawn);
  lua_setfield(L, -2, "spawn");
  ebbL_pushfunction(L, S, l_signal_number);
  lua_setfield(L, -2, "signal_number");
  ebbL_newtype(L, S, &process_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "methods");
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_rotate(L, -3, 2); /* S, slots, methods */
  lua_pushcclosure(L, process_index, 3);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_setfield(L, -2, "_process");
}
