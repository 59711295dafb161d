/* SPDX-License-Identifier: MIT */
/* A write goes on from where it was: the strings stay on the task's stack, and
   the continuation's context counts the bytes that the output has taken. */
#include "lua/l_stream.h"

#include "lua/l_fs.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/stream.h"

#include <errno.h>

static void stream_fini(void *object);
static const ebbL_owning owning[2] = {
    {stream_fini, {"ebb.socket", &ebbL_reader_class, &owning[0]}},
    {stream_fini, {"ebb.duplex", &ebbL_reader_class, &owning[1]}}};
const ebbL_type ebbL_stream_types[2] = {
    {"ebb.socket", &ebbL_reader_class, &owning[0]},
    {"ebb.duplex", &ebbL_reader_class, &owning[1]}};

static ebbL_stream *test_stream(lua_State *L, int idx)
{
  ebbL_header *header = ebbL_object(L, idx);
  bool is_one =
      header != NULL && (uintptr_t)header->type - (uintptr_t)ebbL_stream_types <
                            sizeof(ebbL_stream_types);
  return is_one ? ebbL_touserdata(L, idx) : NULL;
}

bool ebbL_is_stream(lua_State *L, int idx)
{
  const ebbL_stream *self = test_stream(L, idx);
  return self != NULL && self->reader.head.state == ebbL_S(L);
}

ebbL_stream *ebbL_check_stream(lua_State *L, int idx)
{
  ebbL_stream *self = test_stream(L, idx);
  if (EBB_UNLIKELY(self == NULL))
    ebbL_typeerror(L, idx, "stream");
  return self;
}

/* --- write ---------------------------------------------------------------- */

/* After this many bytes the others have their turn. */
#define TURN_BYTES ((lua_KContext)1 << 20)

static int push_failed(lua_State *L, ebbL_stream *self, int error,
                       lua_KContext n_done)
{
  luaL_checkstack(L, 4, NULL);
  if (error == EBB_ECLOSED || ebbL_stream_is_closed(self)) {
    ebbL_pushoutcome(L, "closed");
    lua_pushinteger(L, (lua_Integer)n_done);
    return 3;
  }
  ebbL_pushuverror(L, error);
  lua_pushinteger(L, (lua_Integer)n_done);
  return 4;
}

/* What is left of the strings from index 2 on, n_done bytes into them. */
static int collect_pieces(lua_State *L, lua_KContext n_done,
                          struct iovec *pieces)
{
  int n = 0, top = lua_gettop(L);
  size_t n_skip = (size_t)n_done;
  for (int i = 2; i <= top && n < EBB_MAX_PIECES; i++) {
    size_t n_bytes;
    const char *bytes = lua_tolstring(L, i, &n_bytes);
    if (n_skip >= n_bytes) {
      n_skip -= n_bytes;
      continue;
    }
    pieces[n++] = (struct iovec){(void *)(bytes + n_skip), n_bytes - n_skip};
    n_skip = 0;
  }
  return n;
}

static int write_k(lua_State *L, int status, lua_KContext ctx);

static int write_on(lua_State *L, ebbL_task *task, ebbL_stream *self,
                    lua_KContext n_done)
{
  ebb_output *output = self->output;
  lua_KContext n_begun = n_done;
  struct iovec pieces[EBB_MAX_PIECES];
  int n;
  while ((n = collect_pieces(L, n_done, pieces)) > 0) {
    ptrdiff_t n_bytes = ebb_output_write(output, pieces, n);
    if (n_bytes == EBB_EAGAIN) {
      ebbL_check_waiting(L, task);
      ebb_output_link(&task->core, 0, output, &ebb_write_class);
      return ebbL_park(L, task, 1, write_k, n_done);
    }
    if (n_bytes < 0)
      return push_failed(L, self, (int)n_bytes, n_done);
    n_done += n_bytes;
    if (n_done - n_begun >= TURN_BYTES) {
      ebbL_check_waiting(L, task);
      output->writer = &task->core;
      return ebbL_let_others(L, task, write_k, n_done);
    }
  }
  lua_settop(L, 1);
  return 1;
}

static int write_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), write_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_stream *self = ebbL_touserdata(L, 1);
  if (EBB_LIKELY(self->output != NULL))
    self->output->writer = NULL;
  ebbL_check_woken(L, task);
  if (ebbL_stream_is_closed(self))
    return push_failed(L, self, EBB_ECLOSED, ctx);
  return write_on(L, task, self, ctx);
}

/* The end that this task may write to now; NULL: the outcome is pushed. */
static ebb_output *enter(lua_State *L, ebbL_task *task, ebbL_stream *self)
{
  if (ebbL_stream_is_closed(self)) {
    ebbL_pushoutcome(L, "closed");
    return NULL;
  }
  if (ebbL_rt_of(task->core.rt) != self->reader.rt)
    ebbL_error(L, "EBB052", "this stream belongs to another runtime");
  if (ebb_output_is_busy(self->output, &task->core))
    ebbL_error(L, "EBB046", "another task writes to this stream");
  self->output->writer = NULL;
  return self->output;
}

static int l_stream_write(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_stream *self = ebbL_check_stream(L, 1);
  int top = lua_gettop(L);
  for (int i = 2; i <= top; i++) {
    if (EBB_UNLIKELY(!lua_isstring(L, i)))
      ebbL_typeerror(L, i, "string");
    (void)lua_tolstring(L, i, NULL); /* a number becomes a string */
  }
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_stream_write);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_stream_write);
  if (ebbL_stream_is_closed(self))
    return push_failed(L, self, EBB_ECLOSED, 0);
  if (enter(L, task, self)->ended)
    return push_failed(L, self, ebb_uv_error_code(EPIPE), 0);
  return write_on(L, task, self, 0);
}

/* try_write(data): how many bytes were taken at once; never waits, never
   switches. */
static int l_stream_try_write(lua_State *L)
{
  size_t n_bytes;
  ebbL_stream *self = ebbL_check_stream(L, 1);
  if (EBB_UNLIKELY(!lua_isstring(L, 2)))
    ebbL_typeerror(L, 2, "string");
  const char *bytes = lua_tolstring(L, 2, &n_bytes);
  const ebbL_task *task = ebbL_S(L)->current;
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebb_output_is_busy(self->output, task != NULL ? &task->core : NULL))
    ebbL_error(L, "EBB046", "another task writes to this stream");
  if (self->output->ended)
    return ebbL_pushuverror(L, ebb_uv_error_code(EPIPE));
  struct iovec piece = {(void *)bytes, n_bytes};
  ptrdiff_t n = n_bytes == 0 ? 0 : ebb_output_write(self->output, &piece, 1);
  if (n == EBB_EAGAIN)
    return ebbL_pushoutcome(L, "full");
  if (n < 0)
    return ebbL_pushuverror(L, (int)n);
  lua_pushinteger(L, n);
  return 1;
}

/* writable_op(): there is room for something, or an error to be told. */

static int writable_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_stream *self = ((ebbL_op *)object)->target;
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->reader.rt)
    ebbL_error(L, "EBB052", "this stream belongs to another runtime");
  if (ebb_output_is_busy(self->output, &task->core))
    ebbL_error(L, "EBB046", "another task writes to this stream");
  self->output->writer = NULL;
  if (!self->output->ended && !self->output->cls->is_ready(self->output))
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void writable_link(ebbL_task *task, uint32_t i, void *object,
                          int payload)
{
  (void)payload;
  ebb_output_link(&task->core, i,
                  ((ebbL_stream *)((ebbL_op *)object)->target)->output,
                  &ebb_write_class);
}

static int writable_settle(lua_State *L, ebbL_task *task, void *object, int at,
                           int payload)
{
  (void)at, (void)payload;
  ebbL_stream *self = ((ebbL_op *)object)->target;
  if (self->output != NULL)
    self->output->writer = NULL;
  if (task->core.status != EBB_OK || ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  lua_pushboolean(L, 1);
  return 1;
}

static const ebbL_opclass writable_class = {.name = "write",
                                            .attempt = writable_attempt,
                                            .link = writable_link,
                                            .settle = writable_settle};

static int l_stream_writable_op(lua_State *L)
{
  ebbL_check_stream(L, 1);
  ebbL_newop(L, ebbL_S(L), &writable_class, 1, 0);
  return 1;
}

/* --- flush, shutdown ------------------------------------------------------ */

enum { FLUSH, SHUTDOWN };

static int finish_k(lua_State *L, int status, lua_KContext ctx);

/* What was written has got where it belongs; then, it may be, the end. */
static int finish_on(lua_State *L, ebbL_task *task, ebbL_stream *self,
                     lua_KContext what)
{
  ebb_output *output = self->output;
  int error = output->cls->flush != NULL ? output->cls->flush(output) : 0;
  if (error == EBB_EAGAIN) {
    ebbL_check_waiting(L, task);
    ebb_output_link(&task->core, 0, output, &ebb_write_class);
    return ebbL_park(L, task, 1, finish_k, what);
  }
  if (error == 0 && what == SHUTDOWN && !output->ended) {
    error = output->cls->shutdown(output);
    output->ended = error == 0;
  }
  return ebbL_pushdone(L, error);
}

static int finish_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), finish_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_stream *self = ebbL_touserdata(L, 1);
  if (EBB_LIKELY(self->output != NULL))
    self->output->writer = NULL;
  ebbL_check_woken(L, task);
  if (ebbL_stream_is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  return finish_on(L, task, self, ctx);
}

static int finish(lua_State *L, int what, lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_stream *self = ebbL_check_stream(L, 1);
  lua_settop(L, 1);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  if (enter(L, task, self) == NULL)
    return 2;
  return finish_on(L, task, self, what);
}

static int l_stream_flush(lua_State *L)
{
  return finish(L, FLUSH, l_stream_flush);
}

static int l_stream_shutdown(lua_State *L)
{
  return finish(L, SHUTDOWN, l_stream_shutdown);
}

/* --- lines ---------------------------------------------------------------- */

/* The iterator's upvalues after ebb's two: read, the stream, the formats. */
enum { UP_READ = 3, UP_STREAM, UP_FORMATS };

static int lines_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  if (!lua_isnil(L, 1) || lua_gettop(L) < 3)
    return lua_gettop(L); /* values, or nil and a word: the end */
  return ebbL_throw(L, "%s", lua_tostring(L, 2));
}

static int lines_next(lua_State *L)
{
  int n = (int)lua_tointeger(L, lua_upvalueindex(UP_FORMATS));
  lua_settop(L, 0);
  luaL_checkstack(L, n + 2, NULL);
  lua_pushvalue(L, lua_upvalueindex(UP_READ));
  lua_pushvalue(L, lua_upvalueindex(UP_STREAM));
  for (int i = 1; i <= n; i++)
    lua_pushvalue(L, lua_upvalueindex(UP_FORMATS + i));
  lua_callk(L, n + 1, LUA_MULTRET, 0, lines_k);
  return lines_k(L, LUA_OK, 0);
}

static int l_stream_lines(lua_State *L)
{
  ebbL_check_stream(L, 1);
  int n = lua_gettop(L) - 1;
  if (n > 200)
    ebbL_argerror(L, 202, "too many formats");
  for (int i = 1; i <= n; i++)
    ebbL_check_format(L, i + 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushvalue(L, EBBL_SLOTS);
  lua_insert(L, 2);
  lua_getfield(L, 3, "read");
  lua_insert(L, 3);
  lua_pushinteger(L, n);
  lua_insert(L, 5);
  lua_pushcclosure(L, lines_next, UP_FORMATS + n);
  return 1;
}

/* --- making and closing --------------------------------------------------- */

ebbL_stream *ebbL_stream_new(lua_State *L, ebbL_state *S, const ebbL_type *type)
{
  ebbL_stream *self = ebbL_newlinked(L, S, type, sizeof *self, 1, 0);
  self->reader.rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->reader.rt);
  return self;
}

void ebbL_stream_set(ebbL_stream *self, ebb_input *input, ebb_output *output,
                     const ebbL_streamclass *cls, void *object)
{
  self->reader.input = input;
  self->output = output;
  self->cls = cls;
  self->object = object;
}

static void close_fd(void *object)
{
  ebb_stream_close(object);
}

static void release_fd(void *object)
{
  ebb_stream_release(object);
}

static const ebbL_streamclass fd_class = {close_fd, release_fd};

int ebbL_stream_open(lua_State *L, ebbL_stream *self, int fd, unsigned flags)
{
  ebbL_state *S = self->reader.head.state;
  ebbL_rt *rt = self->reader.rt;
  int error = rt->driver == NULL ? ebbL_rt_try_driver(L, rt) : 0;
  if (error != 0)
    return error;
  ebb_driver *driver = rt->driver;
  ebb_stream *stream = ebb_stream_open(driver, &S->alloc, fd, flags, &error);
  if (EBB_UNLIKELY(stream == NULL)) {
    if (error != ebb_uv_error_code(ENOMEM))
      return error;
    ebbL_collect(L);
    stream = ebb_stream_open(driver, &S->alloc, fd, flags, &error);
    if (stream == NULL)
      return error;
  }
  ebbL_stream_set(self, &stream->input, &stream->output, &fd_class, stream);
  return 0;
}

int ebbL_stream_fd(const ebbL_stream *self)
{
  return self->cls == &fd_class ? ((const ebb_stream *)self->object)->fd : -1;
}

void ebbL_stream_close(ebbL_stream *self)
{
  if (self->reader.input != NULL)
    self->cls->close(self->object);
}

static int l_stream_close(lua_State *L)
{
  ebbL_stream_close(ebbL_check_stream(L, 1));
  return 0;
}

/* How many bytes have been written so far: what a write that was cancelled or
   timed out had come to. */
static int l_stream_written(lua_State *L)
{
  ebbL_stream *self = ebbL_check_stream(L, 1);
  lua_pushinteger(
      L, self->output == NULL ? 0 : (lua_Integer)self->output->n_written);
  return 1;
}

/* Nobody waits for it any more, or they go down with the state. */
static void stream_fini(void *object)
{
  ebbL_stream *self = object;
  if (self->reader.input == NULL)
    return;
  self->reader.input = NULL;
  self->output = NULL;
  self->cls->release(self->object);
}

static int stream_tostring(lua_State *L)
{
  ebbL_stream *self = ebbL_check_stream(L, 1);
  const char *name = self->reader.head.type->name;
  if (ebbL_stream_is_closed(self)) {
    lua_pushfstring(L, "%s: closed", name);
    return 1;
  }
  lua_pushfstring(L, "%s: open%s%s%s", name,
                  self->output->ended ? ", shut down" : "",
                  ebb_input_is_wanted(self->reader.input) ? ", being read" : "",
                  ebb_output_is_wanted(self->output) ? ", being written" : "");
  return 1;
}

void ebbL_addstreammethods(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {{"write", l_stream_write},
                                     {"try_write", l_stream_try_write},
                                     {"writable_op", l_stream_writable_op},
                                     {"flush", l_stream_flush},
                                     {"shutdown", l_stream_shutdown},
                                     {"written", l_stream_written},
                                     {"lines", l_stream_lines},
                                     {"close", l_stream_close},
                                     {NULL, NULL}};
  ebbL_setfuncs(L, S, methods);
  ebbL_addreadmethods(L, S);
  ebbL_addopmethods(L, S);
}

void ebbL_open_streams(lua_State *L, ebbL_state *S)
{
  static const char *const keys[2] = {"socket", "duplex"};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_stream_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", stream_tostring},
                                  {NULL, NULL}};
  lua_createtable(L, 0, 2);
  for (int i = 0; i < 2; i++) {
    ebbL_newtype(L, S, &ebbL_stream_types[i], no_methods, meta);
    lua_getfield(L, -1, "__index");
    ebbL_addstreammethods(L, S);
    lua_setfield(L, -3, keys[i]);
    lua_pop(L, 1);
  }
  lua_setfield(L, -2, "_stream");
}
