/* SPDX-License-Identifier: MIT */
/* core._fs. A call lies on its task's stack like this: its arguments (three at
   most) and, above, the userdata that owns the request and its result, so that
   these are freed however the call ends. */
#include "lua/l_fs.h"

#include "lua/l_file.h"
#include "lua/l_mem.h"
#include "lua/l_op.h"
#include "lua/l_rt.h"
#include "uv/error.h"
#include "uv/fs.h"

#include <errno.h>
#include <string.h>

#define N_ARGS 3
#define BOX    (N_ARGS + 1)

typedef struct box {
  ebbL_header head;
  ebb_fs *fs;
} box;

int ebbL_pushuverror(lua_State *L, int code)
{
  ebb_uv_error error;
  ebb_uv_error_of(code, &error);
  luaL_checkstack(L, 3, NULL);
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", error.name, error.words);
  lua_pushstring(L, error.name);
  return 3;
}

int ebbL_pushdone(lua_State *L, int code)
{
  if (code != 0)
    return ebbL_pushuverror(L, code);
  lua_pushboolean(L, 1);
  return 1;
}

const char *ebbL_checkpath(lua_State *L, int arg)
{
  size_t n_bytes;
  if (EBB_UNLIKELY(lua_type(L, arg) != LUA_TSTRING))
    ebbL_typeerror(L, arg, "string");
  const char *path = lua_tolstring(L, arg, &n_bytes);
  if (EBB_UNLIKELY(strlen(path) != n_bytes))
    ebbL_argerror(L, arg, "path without zeros expected");
  return path;
}

static void let_go(void *object)
{
  box *self = object;
  ebb_fs *fs = self->fs;
  self->fs = NULL;
  if (fs != NULL)
    ebb_fs_release(fs);
}

EBBL_OWNING_TYPE(box_type, "ebb.fs.request", NULL, let_go);

/* --- results -------------------------------------------------------------- */

static void push_type(lua_State *L, char type)
{
  switch (type) {
  case EBB_FS_FILE:
    lua_pushliteral(L, "file");
    break;
  case EBB_FS_DIRECTORY:
    lua_pushliteral(L, "directory");
    break;
  case EBB_FS_SYMBOLIC_LINK:
    lua_pushliteral(L, "link");
    break;
  case EBB_FS_FIFO:
    lua_pushliteral(L, "fifo");
    break;
  case EBB_FS_SOCKET:
    lua_pushliteral(L, "socket");
    break;
  case EBB_FS_CHAR_DEVICE:
    lua_pushliteral(L, "char");
    break;
  case EBB_FS_BLOCK_DEVICE:
    lua_pushliteral(L, "block");
    break;
  default:
    lua_pushliteral(L, "unknown");
    break;
  }
}

static void set_integer(lua_State *L, const char *key, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, key);
}

static void set_seconds(lua_State *L, const char *key, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

static int push_stat(lua_State *L, const ebb_fs_stat *stat)
{
  lua_createtable(L, 0, 10);
  push_type(L, stat->type);
  lua_setfield(L, -2, "type");
  set_integer(L, "size", stat->n_bytes);
  set_integer(L, "mode", stat->mode);
  set_integer(L, "ino", stat->ino);
  set_integer(L, "nlink", stat->nlink);
  set_integer(L, "uid", stat->uid);
  set_integer(L, "gid", stat->gid);
  set_seconds(L, "mtime", stat->mtime_s);
  set_seconds(L, "atime", stat->atime_s);
  set_seconds(L, "ctime", stat->ctime_s);
  return 1;
}

static int size_hint(size_t n)
{
  return n < 1 << 24 ? (int)n : 1 << 24;
}

static int push_names(lua_State *L, const ebb_fs *fs)
{
  lua_createtable(L, size_hint(fs->n_items), 0);
  for (size_t i = 0; i < fs->n_items; i++) {
    lua_pushstring(L, fs->items[i] + 1);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* name, type, name, type, … */
static int push_scan(lua_State *L, const ebb_fs *fs)
{
  lua_createtable(L, size_hint(2 * fs->n_items), 0);
  for (size_t i = 0; i < fs->n_items; i++) {
    lua_pushstring(L, fs->items[i] + 1);
    lua_rawseti(L, -2, 2 * (lua_Integer)i + 1);
    push_type(L, fs->items[i][0]);
    lua_rawseti(L, -2, 2 * (lua_Integer)i + 2);
  }
  return 1;
}

/* The file, called by the path at 1. */
static int push_file(lua_State *L, ebb_fs *fs)
{
  ebbL_state *S = ebbL_S(L);
  bool is_open = fs->call.kind == EBB_FS_OPEN;
  lua_pushvalue(L, 1);
  ebbL_file *self = ebbL_newfile(L, S, ebbL_rt_of(S->current->core.rt));
  int fd = fs->fd;
  fs->fd = -1;
  int error = ebbL_file_take(L, self, fd,
                             ebbL_file_flags(is_open ? fs->call.data : "w+"));
  return error != 0 ? ebbL_pushuverror(L, error) : 1;
}

/* bytes of the guard at 2, or what its budget has to say */
static int push_bytes(lua_State *L, const ebb_fs *fs)
{
  size_t n = fs->n_bytes;
  const ebbL_span *span =
      ebbL_span_new(L, 2, &ebbL_bytes_type, EBBL_U8, n, n, 0);
  if (span == NULL)
    return 2;
  if (n > 0)
    memcpy(span->data, fs->data, n);
  return 1;
}

static int push_result(lua_State *L, ebb_fs *fs)
{
  switch (fs->call.kind) {
  case EBB_FS_OPEN:
  case EBB_FS_TMPFILE:
    return push_file(L, fs);
  case EBB_FS_READ:
    if (!lua_isnil(L, 2))
      return push_bytes(L, fs);
    lua_pushlstring(L, fs->data, fs->n_bytes);
    return 1;
  case EBB_FS_REALPATH:
  case EBB_FS_MKDTEMP:
    lua_pushlstring(L, fs->data, fs->n_bytes);
    return 1;
  case EBB_FS_STAT:
    return push_stat(L, &fs->stat);
  case EBB_FS_LIST:
    return push_names(L, fs);
  case EBB_FS_SCAN:
    return push_scan(L, fs);
  case EBB_FS_COPY:
    lua_pushinteger(L, (lua_Integer)fs->n_bytes);
    return 1;
  default:
    lua_pushboolean(L, 1);
    return 1;
  }
}

/* --- calls ---------------------------------------------------------------- */

static int call_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), call_k, ctx);
  ebbL_check_woken(L, ebbL_S(L)->current);
  box *self = ebbL_touserdata(L, BOX);
  if (EBB_UNLIKELY(self->fs == NULL)) /* the state closes: finalised already */
    return ebbL_pushuverror(L, ebb_uv_error_code(ECANCELED));
  int n = self->fs->error != 0 ? ebbL_pushuverror(L, self->fs->error)
                               : push_result(L, self->fs);
  let_go(self);
  return n;
}

/* As the last act of `fn`, whose arguments lie on the stack. */
static int perform(lua_State *L, const ebb_fs_call *call, lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_waiting(L, task);
  ebb_driver *driver = ebbL_rt_driver(L, ebbL_rt_of(task->core.rt));
  lua_settop(L, N_ARGS);
  luaL_checkstack(L, 4, NULL);
  box *self = ebbL_newlinked(L, S, &box_type, sizeof *self, 0, 0);
  self->fs = ebb_fs_start(driver, &S->alloc, call);
  if (EBB_UNLIKELY(self->fs == NULL)) {
    ebbL_collect(L);
    self->fs = ebb_fs_start(driver, &S->alloc, call);
    if (self->fs == NULL)
      return ebbL_pushuverror(L, ebb_uv_error_code(ENOMEM));
  }
  ebb_fs_link(&task->core, 0, self->fs);
  return ebbL_park(L, task, 1, call_k, 0);
}

static int l_fs_read(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_READ, .path = ebbL_checkpath(L, 1)};
  lua_settop(L, 1);
  return perform(L, &call, l_fs_read);
}

/* read_bytes(path, guard) → bytes made by the guard */
static int l_fs_read_bytes(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_READ, .path = ebbL_checkpath(L, 1)};
  ebbL_checkguard(L, 2);
  lua_settop(L, 2);
  return perform(L, &call, l_fs_read_bytes);
}

static const char *check_data(lua_State *L, int arg, size_t *n_bytes)
{
  if (EBB_UNLIKELY(!lua_isstring(L, arg)))
    ebbL_typeerror(L, arg, "string");
  return lua_tolstring(L, arg, n_bytes);
}

static int l_fs_write(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_WRITE, .path = ebbL_checkpath(L, 1)};
  call.data = check_data(L, 2, &call.n_bytes);
  return perform(L, &call, l_fs_write);
}

static int l_fs_append(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_APPEND, .path = ebbL_checkpath(L, 1)};
  call.data = check_data(L, 2, &call.n_bytes);
  return perform(L, &call, l_fs_append);
}

static int l_fs_stat(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_STAT, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_stat);
}

static int l_fs_list(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_LIST, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_list);
}

static int l_fs_scan(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_SCAN, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_scan);
}

static int l_fs_mkdir(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_MKDIR, .path = ebbL_checkpath(L, 1)};
  if (!lua_isnoneornil(L, 2)) {
    if (!lua_istable(L, 2))
      ebbL_typeerror(L, 2, "table of options");
    lua_getfield(L, 2, "parents");
    call.parents = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  return perform(L, &call, l_fs_mkdir);
}

static int l_fs_remove(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_REMOVE, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_remove);
}

static int l_fs_rename(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_RENAME,
                      .path = ebbL_checkpath(L, 1),
                      .other = ebbL_checkpath(L, 2)};
  return perform(L, &call, l_fs_rename);
}

static int l_fs_copy(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_COPY,
                      .path = ebbL_checkpath(L, 1),
                      .other = ebbL_checkpath(L, 2)};
  return perform(L, &call, l_fs_copy);
}

static int l_fs_symlink(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_SYMLINK,
                      .path = ebbL_checkpath(L, 2),
                      .other = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_symlink);
}

static int l_fs_realpath(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_REALPATH, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_realpath);
}

static int l_fs_chmod(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_CHMOD, .path = ebbL_checkpath(L, 1)};
  call.mode = (unsigned)ebbL_checkinteger(L, 2, 0, 07777);
  return perform(L, &call, l_fs_chmod);
}

static int l_fs_mkdtemp(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_MKDTEMP, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_mkdtemp);
}

/* open(path, mode), the mode being one of Lua's. */
static int l_fs_open(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_OPEN, .path = ebbL_checkpath(L, 1)};
  call.data = check_data(L, 2, &call.n_bytes);
  return perform(L, &call, l_fs_open);
}

static int l_fs_tmpfile(lua_State *L)
{
  ebb_fs_call call = {.kind = EBB_FS_TMPFILE, .path = ebbL_checkpath(L, 1)};
  return perform(L, &call, l_fs_tmpfile);
}

void ebbL_open_fs(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"read", l_fs_read},         {"read_bytes", l_fs_read_bytes},
      {"write", l_fs_write},       {"append", l_fs_append},
      {"stat", l_fs_stat},         {"list", l_fs_list},
      {"scan", l_fs_scan},         {"mkdir", l_fs_mkdir},
      {"remove", l_fs_remove},     {"rename", l_fs_rename},
      {"copy", l_fs_copy},         {"symlink", l_fs_symlink},
      {"realpath", l_fs_realpath}, {"chmod", l_fs_chmod},
      {"mkdtemp", l_fs_mkdtemp},   {"open", l_fs_open},
      {"tmpfile", l_fs_tmpfile},   {NULL, NULL},
  };
  static const luaL_Reg meta[] = {{"__gc", ebbL_owner_gc}, {NULL, NULL}};
  ebbL_newtype(L, S, &box_type, NULL, meta);
  lua_pop(L, 1);
  lua_newtable(L);
  ebbL_setfuncs(L, S, funcs);
  lua_setfield(L, -2, "_fs");
}
