/* SPDX-License-Identifier: MIT */
#include "lua/l_file.h"

#include "lua/l_fs.h"
#include "lua/l_stream.h"
#include "lua/l_time.h"
#include "uv/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void file_fini(void *object);
EBBL_OWNING_TYPE(file_type, "ebb.file", &ebbL_reader_class, file_fini);

static ebbL_file *check_file(lua_State *L)
{
  return ebbL_check(L, 1, &file_type);
}

static bool is_closed(const ebbL_file *self)
{
  return self->file == NULL || self->file->closed;
}

/* --- writing -------------------------------------------------------------- */

/* A call that writes or waits for what is written goes through these steps;
   its task is file->writer as long as it waits. */
typedef enum step { WRITE, FLUSH, SEEK } step;

/* On top of the arguments lie the next argument and how many of its bytes are
   buffered: see advance(). */
static int run(lua_State *L, ebbL_task *task, step what);

static int run_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), run_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_file *self = ebbL_touserdata(L, 1);
  if (self->file != NULL)
    self->file->writer = NULL;
  ebbL_check_woken(L, task);
  return run(L, task, (step)ctx);
}

static int wait_for_room(lua_State *L, ebbL_task *task, ebb_file *file,
                         step what)
{
  ebbL_check_waiting(L, task);
  file->writer = &task->core;
  ebb_file_link(&task->core, 0, file);
  return ebbL_park(L, task, 1, run_k, (lua_KContext)what);
}

static int tell_write_error(lua_State *L, ebb_file *file)
{
  int error = file->write_error;
  file->write_error = 0;
  return ebbL_pushuverror(L, error);
}

/* Buffers what there is room for of the arguments that are left. True when all
   of them are. */
static bool advance(lua_State *L, ebb_file *file)
{
  int arg = (int)lua_tointeger(L, -2);
  size_t done = (size_t)lua_tointeger(L, -1);
  int n_args = lua_gettop(L) - 2;
  while (arg <= n_args) {
    size_t n;
    const char *bytes = lua_tolstring(L, arg, &n);
    done += ebb_file_put(file, bytes + done, n - done);
    if (done < n)
      break;
    arg++;
    done = 0;
  }
  lua_pop(L, 2);
  lua_pushinteger(L, arg);
  lua_pushinteger(L, (lua_Integer)done);
  return arg > n_args;
}

static bool has_line(const ebb_file *file)
{
  return memchr(file->out, '\n', file->n_out) != NULL;
}

/* Must what is buffered go out now? */
static bool is_due(const ebb_file *file, step what)
{
  if (what != WRITE || file->n_out == 0)
    return true;
  return file->buffering == EBB_FILE_UNBUFFERED ||
         (file->buffering == EBB_FILE_BY_LINE && has_line(file));
}

static int push_result(lua_State *L, ebb_file *file, step what)
{
  if (what == SEEK) {
    static const char *const names[] = {"set", "cur", "end", NULL};
    int whence = luaL_checkoption(L, 2, "cur", names);
    int64_t at = ebb_file_seek(file, whence, luaL_optinteger(L, 3, 0));
    if (at < 0)
      return ebbL_pushuverror(L, (int)at);
    lua_pushinteger(L, (lua_Integer)at);
  } else if (what == FLUSH) {
    lua_pushboolean(L, 1);
  } else {
    lua_pushvalue(L, 1);
  }
  return 1;
}

static int run(lua_State *L, ebbL_task *task, step what)
{
  ebbL_file *self = ebbL_touserdata(L, 1);
  bool all_in = what != WRITE;
  for (;;) {
    ebb_file *file = self->file;
    if (is_closed(self))
      return ebbL_pushoutcome(L, "closed");
    if (file->write_error != 0)
      return tell_write_error(L, file);
    all_in = all_in || advance(L, file);
    bool due = !all_in || is_due(file, what);
    if (file->n_out == 0 || !due) {
      /* unbuffered, or to be flushed: what is on its way has to arrive */
      bool done = what == WRITE && file->buffering != EBB_FILE_UNBUFFERED;
      if (all_in && (done || !ebb_file_is_sending(file)))
        return push_result(L, file, what);
    }
    if (due && file->n_out > 0 && !ebb_file_is_sending(file)) {
      ebb_file_send(file);
      continue;
    }
    return wait_for_room(L, task, file, what);
  }
}

/* [raises] The file is this task's to be written. */
static int begin(lua_State *L, step what, lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_file *self = check_file(L);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->reader.rt)
    ebbL_error(L, "EBB052", "this stream belongs to another runtime");
  ebb_file *file = self->file;
  if (file->writer != NULL && file->writer != &task->core)
    ebbL_error(L, "EBB046", "another task writes to this stream");
  file->writer = NULL;
  if (what == WRITE) {
    if ((file->flags & EBB_FILE_WRITE) == 0)
      return ebbL_pushuverror(L, ebb_uv_error_code(EBADF));
    int error = ebb_file_begin_write(file);
    if (EBB_UNLIKELY(error == ebb_uv_error_code(ENOMEM))) {
      ebbL_collect(L);
      if (is_closed(self)) /* by a finaliser */
        return ebbL_pushoutcome(L, "closed");
      error = ebb_file_begin_write(file);
    }
    if (error != 0)
      return ebbL_pushuverror(L, error);
    luaL_checkstack(L, 6, NULL);
    lua_pushinteger(L, 2);
    lua_pushinteger(L, 0);
  }
  return run(L, task, what);
}

#if LUA_VERSION_NUM < 505
/* As Lua's own files write floats: 1.0 is "1". */
static void convert_float(lua_State *L, int arg)
{
  char text[64];
  snprintf(text, sizeof text, LUA_NUMBER_FMT, lua_tonumber(L, arg));
  lua_pushstring(L, text);
  lua_replace(L, arg);
}
#endif

static int l_file_write(lua_State *L)
{
  int n_args = lua_gettop(L);
  check_file(L);
  for (int arg = 2; arg <= n_args; arg++) {
    if (EBB_UNLIKELY(!lua_isstring(L, arg)))
      ebbL_typeerror(L, arg, "string");
#if LUA_VERSION_NUM < 505
    if (lua_type(L, arg) == LUA_TNUMBER && !lua_isinteger(L, arg))
      convert_float(L, arg);
#endif
    lua_tostring(L, arg);
  }
  return begin(L, WRITE, l_file_write);
}

static int l_file_flush(lua_State *L)
{
  check_file(L);
  lua_settop(L, 1);
  return begin(L, FLUSH, l_file_flush);
}

static int l_file_seek(lua_State *L)
{
  static const char *const names[] = {"set", "cur", "end", NULL};
  check_file(L);
  lua_settop(L, 3);
  luaL_checkoption(L, 2, "cur", names);
  luaL_optinteger(L, 3, 0);
  return begin(L, SEEK, l_file_seek);
}

static int l_file_setvbuf(lua_State *L)
{
  static const char *const names[] = {"no", "line", "full", NULL};
  static const int modes[] = {EBB_FILE_UNBUFFERED, EBB_FILE_BY_LINE,
                              EBB_FILE_BUFFERED};
  ebbL_file *self = check_file(L);
  int mode = modes[luaL_checkoption(L, 2, NULL, names)];
  size_t limit = EBB_FILE_CHUNK;
  if (!lua_isnoneornil(L, 3))
    limit = (size_t)ebbL_checkinteger(L, 3, 1, LUA_MAXINTEGER);
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  self->file->buffering = mode;
  self->file->limit = limit < EBB_FILE_CHUNK ? limit : EBB_FILE_CHUNK;
  lua_pushboolean(L, 1);
  return 1;
}

/* --- making and closing --------------------------------------------------- */

ebbL_file *ebbL_newfile(lua_State *L, ebbL_state *S, ebbL_rt *rt)
{
  ebbL_file *self = ebbL_newlinked(L, S, &file_type, sizeof *self, 2, 0);
  self->reader.rt = rt;
  ebbL_pushrt(L, rt);
  lua_setiuservalue(L, -2, 1);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 2);
  return self;
}

int ebbL_file_take(lua_State *L, ebbL_file *self, int fd, unsigned flags)
{
  int error;
  ebbL_rt *rt = self->reader.rt;
  ebb_alloc *alloc = &ebbL_S(L)->alloc;
  self->file = ebb_file_new(rt->driver, alloc, fd, flags, &error);
  if (EBB_UNLIKELY(error == ebb_uv_error_code(ENOMEM))) {
    ebbL_collect(L);
    self->file = ebb_file_new(rt->driver, alloc, fd, flags, &error);
  }
  if (self->file == NULL) {
    ebb_file_drop_fd(fd, flags);
    return error;
  }
  self->reader.input = &self->file->input;
  return 0;
}

unsigned ebbL_file_flags(const char *mode)
{
  bool both = strchr(mode, '+') != NULL;
  unsigned flags = mode[0] == 'a' ? EBB_FILE_APPEND : 0;
  if (mode[0] == 'r' || both)
    flags |= EBB_FILE_READ;
  if (mode[0] != 'r' || both)
    flags |= EBB_FILE_WRITE;
  return flags;
}

int ebbL_file_fd(lua_State *L, int idx)
{
  const ebbL_file *self = ebbL_test(L, idx, &file_type);
  return self == NULL || is_closed(self) ? -1 : self->file->fd;
}

void ebbL_file_close(lua_State *L, int idx)
{
  const ebbL_file *self = ebbL_test(L, idx, &file_type);
  if (self != NULL && !is_closed(self))
    (void)ebb_file_close(self->file);
}

/* _file.standard(n, name): descriptor 0, 1 or 2 of the process. */
static int l_file_standard(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  int fd = (int)ebbL_checkinteger(L, 1, 0, 2);
  luaL_checkstring(L, 2);
  lua_settop(L, 2);
  ebbL_rt *rt = ebbL_current_rt(L, S);
  ebbL_rt_driver(L, rt);
  ebbL_file *self = ebbL_newfile(L, S, rt);
  unsigned access = fd == 0 ? EBB_FILE_READ : EBB_FILE_WRITE;
  int error = ebbL_file_take(L, self, fd, access | EBB_FILE_STANDARD);
  return error != 0 ? ebbL_pushuverror(L, error) : 1;
}

static int l_file_close(lua_State *L)
{
  ebbL_file *self = check_file(L);
  if (is_closed(self)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if ((self->file->flags & EBB_FILE_STANDARD) != 0) {
    lua_pushnil(L);
    lua_pushliteral(L, "cannot close standard file");
    return 2;
  }
  return ebbL_pushdone(L, ebb_file_close(self->file));
}

static void file_fini(void *object)
{
  ebbL_file *self = object;
  ebb_file *file = self->file;
  self->file = NULL;
  self->reader.input = NULL;
  if (file != NULL)
    ebb_file_release(file);
}

static int file_tostring(lua_State *L)
{
  ebbL_file *self = check_file(L);
  lua_getiuservalue(L, 1, 2);
  const char *name = lua_tostring(L, -1);
  lua_pushfstring(L, "ebb.file: \"%s\" %s", name != NULL ? name : "?",
                  is_closed(self) ? "closed" : "open");
  return 1;
}

/* _file.only_writes(file): is it one of ours that cannot be read? */
static int l_file_only_writes(lua_State *L)
{
  const ebbL_file *self = check_file(L);
  unsigned other = EBB_FILE_READ | EBB_FILE_STANDARD;
  lua_pushboolean(L, !is_closed(self) && (self->file->flags & other) == 0);
  return 1;
}

/* _file.state(x): "open", "closed", or nil for what is no file. */
static int l_file_state(lua_State *L)
{
  const ebbL_file *self = ebbL_test(L, 1, &file_type);
  if (self == NULL)
    lua_pushnil(L);
  else if (is_closed(self))
    lua_pushliteral(L, "closed");
  else
    lua_pushliteral(L, "open");
  return 1;
}

/* The descriptor of an open file or socket, or -1. */
static int descriptor(lua_State *L, int idx)
{
  int fd = ebbL_file_fd(L, idx);
  ebbL_header *socket = ebbL_test(L, idx, &ebbL_socket_type);
  return socket != NULL ? ebbL_stream_fd((ebbL_stream *)socket) : fd;
}

/* _file.fd(stream): its descriptor, or nil. */
static int l_file_fd(lua_State *L)
{
  int fd = descriptor(L, 1);
  if (fd < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, fd);
  return 1;
}

void ebbL_open_file(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"standard", l_file_standard},
                                   {"state", l_file_state},
                                   {"fd", l_file_fd},
                                   {"only_writes", l_file_only_writes},
                                   {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"write", l_file_write}, {"flush", l_file_flush},
      {"seek", l_file_seek},   {"setvbuf", l_file_setvbuf},
      {"close", l_file_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_file_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", file_tostring},
                                  {NULL, NULL}};
  lua_newtable(L);
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &file_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  ebbL_addreadmethods(L, S);
  lua_setfield(L, -3, "methods");
  lua_pop(L, 1);
  lua_setfield(L, -2, "_file");
}
