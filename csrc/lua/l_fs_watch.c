/* SPDX-License-Identifier: MIT */
#include "lua/l_fs_watch.h"

#include "lua/l_fs.h"
#include "lua/l_op.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/fs_watch.h"

#include <errno.h>

typedef struct file_watch {
  ebbL_header head; /* user value 1: the runtime, 2: the path */
  ebbL_rt *rt;
  ebb_fs_watch *watch; /* NULL until it is complete, and once collected */
} file_watch;

static const ebbL_opclass recv_class;
static void watch_fini(void *object);
EBBL_OWNING_TYPE(file_watch_type, "ebb.file_watch", &recv_class, watch_fini);

static file_watch *check_watch(lua_State *L)
{
  return ebbL_check(L, 1, &file_watch_type);
}

static bool is_closed(const file_watch *self)
{
  return self->watch == NULL || self->watch->closed;
}

/* --- recv ----------------------------------------------------------------- */

/* [-0, +n] The first event of the buffer; it is there still when this raises.
 */
static int push_event(lua_State *L, ebb_fs_watch *watch, ebb_fs_event *event)
{
  luaL_checkstack(L, 2, NULL);
  lua_pushlstring(L, event->name, event->n_name);
  if (event->is_rename)
    lua_pushliteral(L, "rename");
  else
    lua_pushliteral(L, "change");
  ebb_fs_watch_drop(watch, event);
  return 2;
}

static int push_lost(lua_State *L, ebb_fs_watch *watch)
{
  ebbL_pushoutcome(L, "lagged");
  lua_pushinteger(L, (lua_Integer)watch->n_lost);
  watch->n_lost = 0;
  return 3;
}

static int recv_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  file_watch *self = object;
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this watch belongs to another runtime");
  ebb_fs_watch *watch = self->watch;
  ebb_fs_event *event = ebb_fs_event_of(ebb_mailbox_first(&watch->box));
  if (event != NULL)
    return push_event(L, watch, event);
  if (watch->n_lost > 0)
    return push_lost(L, watch);
  if (watch->error != 0)
    return ebbL_pushuverror(L, watch->error);
  return EBBL_WAIT;
}

static void recv_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_fs_watch_link(&task->core, i, ((file_watch *)object)->watch);
}

static int recv_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)at, (void)payload;
  file_watch *self = object;
  int status = task->core.status;
  if (status == EBB_ECLOSED || self->watch == NULL)
    return ebbL_pushoutcome(L, "closed");
  if (status == EBB_EFULL)
    return push_lost(L, self->watch);
  if (status != EBB_OK)
    return ebbL_pushuverror(L, status);
  ebb_mail *mail = ebb_mailbox_taken(&self->watch->box, &task->core);
  EBB_CHECK(mail != NULL);
  return push_event(L, self->watch, ebb_fs_event_of(mail));
}

static const ebbL_opclass recv_class = {.name = "file watch",
                                        .attempt = recv_attempt,
                                        .link = recv_link,
                                        .settle = recv_settle};

static int l_watch_recv(lua_State *L)
{
  file_watch *self = check_watch(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &recv_class, self, l_watch_recv);
}

/* It is itself the op of its receive. */
static int l_watch_recv_op(lua_State *L)
{
  check_watch(L);
  lua_settop(L, 1);
  return 1;
}

/* --- opening and closing -------------------------------------------------- */

static int l_fs_watch(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  const char *path = ebbL_checkpath(L, 1);
  int error;
  lua_settop(L, 1);
  file_watch *self = ebbL_newlinked(L, S, &file_watch_type, sizeof *self, 2, 0);
  self->rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->rt);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 2);
  ebb_driver *driver = ebbL_rt_driver(L, self->rt);
  self->watch = ebb_fs_watch_open(driver, &S->alloc, path, &error);
  if (self->watch == NULL && error == ebb_uv_error_code(ENOMEM)) {
    ebbL_collect(L);
    self->watch = ebb_fs_watch_open(driver, &S->alloc, path, &error);
  }
  return self->watch != NULL ? 1 : ebbL_pushuverror(L, error);
}

static int l_watch_close(lua_State *L)
{
  file_watch *self = check_watch(L);
  if (self->watch != NULL)
    ebb_fs_watch_close(self->watch);
  return 0;
}

static void watch_fini(void *object)
{
  file_watch *self = object;
  ebb_fs_watch *watch = self->watch;
  self->watch = NULL;
  if (watch != NULL)
    ebb_fs_watch_release(watch);
}

static int watch_tostring(lua_State *L)
{
  file_watch *self = check_watch(L);
  lua_getiuservalue(L, 1, 2);
  const char *path = lua_tostring(L, -1);
  if (path == NULL)
    path = "?";
  if (is_closed(self))
    lua_pushfstring(L, "ebb.file_watch: \"%s\" closed", path);
  else if (self->watch->error != 0)
    lua_pushfstring(L, "ebb.file_watch: \"%s\" open, failed", path);
  else
    lua_pushfstring(L, "ebb.file_watch: \"%s\" open, %d event(s)", path,
                    (int)self->watch->box.n_mails);
  return 1;
}

void ebbL_open_fs_watch(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"watch", l_fs_watch}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"recv", l_watch_recv},
                                     {"recv_op", l_watch_recv_op},
                                     {"close", l_watch_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_watch_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", watch_tostring},
                                  {NULL, NULL}};
  lua_getfield(L, -1, "_fs");
  ebbL_setfuncs(L, S, funcs);
  lua_pop(L, 1);
  ebbL_newtype(L, S, &file_watch_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
