/* SPDX-License-Identifier: MIT */
#include "lua/l_signal.h"

#include "lua/l_op.h"
#include "lua/l_time.h"
#include "uv/error.h"
#include "uv/signal.h"

#include <errno.h>
#include <string.h>

typedef struct ebbL_signal {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  ebb_signal *signal; /* NULL until it is complete, and once collected */
  char name[8];
} ebbL_signal;

static const ebbL_opclass signal_class;
static void signal_fini(void *object);
EBBL_OWNING_TYPE(signal_type, "ebb.signal", &signal_class, signal_fini);

static ebbL_signal *check_signal(lua_State *L)
{
  return ebbL_check(L, 1, &signal_type);
}

static bool is_closed(const ebbL_signal *self)
{
  return self->signal == NULL || self->signal->closed;
}

/* --- recv ----------------------------------------------------------------- */

static int signal_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_signal *self = object;
  if (is_closed(self))
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this subscription belongs to another runtime");
  if (!self->signal->pending)
    return EBBL_WAIT;
  lua_pushstring(L, self->name);
  self->signal->pending = false;
  return 1;
}

static void signal_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebb_signal *signal = ((ebbL_signal *)object)->signal;
  ebb_wait_link(&task->core, i, &ebb_signal_class, signal, &signal->waiters,
                (uint32_t)payload);
}

static int signal_settle(lua_State *L, ebbL_task *task, void *object, int at,
                         int payload)
{
  (void)at, (void)payload;
  if (task->core.status == EBB_ECLOSED)
    return ebbL_pushoutcome(L, "closed");
  lua_pushstring(L, ((ebbL_signal *)object)->name);
  return 1;
}

static const ebbL_opclass signal_class = {.name = "signal",
                                          .attempt = signal_attempt,
                                          .link = signal_link,
                                          .settle = signal_settle};

static int l_signal_recv(lua_State *L)
{
  ebbL_signal *self = check_signal(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &signal_class, self, l_signal_recv);
}

/* It is itself the op of its receive. */
static int l_signal_recv_op(lua_State *L)
{
  check_signal(L);
  lua_settop(L, 1);
  return 1;
}

/* --- opening and closing -------------------------------------------------- */

static int check_number(lua_State *L, int arg)
{
  size_t n_bytes;
  if (lua_type(L, arg) != LUA_TSTRING)
    ebbL_typeerror(L, arg, "name of a signal");
  const char *name = lua_tolstring(L, arg, &n_bytes);
  int number = strlen(name) == n_bytes ? ebb_signal_number(name) : 0;
  if (number < 0)
    ebbL_argerror(L, arg,
                  lua_pushfstring(L, "signal '%s' cannot be received", name));
  if (number == 0)
    ebbL_argerror(L, arg,
                  lua_pushfstring(L,
                                  "unknown signal '%s'; \"int\", \"term\", "
                                  "\"hup\", \"usr1\" and the like expected",
                                  name));
  return number;
}

static int open_signal(lua_State *L, const char *name, int number)
{
  ebbL_state *S = ebbL_S(L);
  int error;
  ebbL_signal *self = ebbL_newlinked(L, S, &signal_type, sizeof *self, 1, 0);
  memcpy(self->name, name, strlen(name) + 1);
  self->rt = ebbL_own_rt(L, S);
  ebbL_check_rt(L, self->rt);
  ebb_driver *driver = ebbL_rt_driver(L, self->rt);
  self->signal = ebb_signal_open(driver, &S->alloc, number, &error);
  if (self->signal == NULL && error == ebb_uv_error_code(ENOMEM)) {
    ebbL_collect(L);
    self->signal = ebb_signal_open(driver, &S->alloc, number, &error);
  }
  if (self->signal == NULL) {
    ebb_uv_error words;
    ebb_uv_error_of(error, &words);
    ebbL_throw(L, "cannot receive the signal '%s' (%s: %s)", name, words.name,
               words.words);
  }
  return 1;
}

static int l_signal(lua_State *L)
{
  int number = check_number(L, 1);
  return open_signal(L, lua_tostring(L, 1), number);
}

static int l_ctrl_c(lua_State *L)
{
  return open_signal(L, "int", ebb_signal_number("int"));
}

static int l_signal_close(lua_State *L)
{
  ebbL_signal *self = check_signal(L);
  if (self->signal != NULL)
    ebb_signal_close(self->signal);
  return 0;
}

/* Nobody waits for it any more, or they go down with the state. */
static void signal_fini(void *object)
{
  ebbL_signal *self = object;
  ebb_signal *signal = self->signal;
  self->signal = NULL;
  if (signal != NULL)
    ebb_signal_release(signal);
}

static int signal_tostring(lua_State *L)
{
  ebbL_signal *self = check_signal(L);
  lua_pushfstring(L, "ebb.signal: \"%s\" %s", self->name,
                  is_closed(self)         ? "closed"
                  : self->signal->pending ? "open, one arrived"
                                          : "open");
  return 1;
}

void ebbL_open_signal(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"signal", l_signal}, {"ctrl_c", l_ctrl_c}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"recv", l_signal_recv},
                                     {"recv_op", l_signal_recv_op},
                                     {"close", l_signal_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", l_signal_close},
                                  {"__gc", ebbL_owner_gc},
                                  {"__tostring", signal_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &signal_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
