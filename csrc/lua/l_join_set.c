/* SPDX-License-Identifier: MIT */
#include "lua/l_join_set.h"

#include "lua/l_op.h"
#include "lua/l_report.h"

typedef struct ebbL_join_set {
  ebbL_header head;
  ebbL_scope *scope;
  ebbL_handle *first, *last; /* ended, in order of their ends */
  size_t n_ended;
  size_t n_promised; /* of these, handed to tasks that were woken for them */
  ebb_waitq waiters;
  ebb_list failures; /* of ebbL_failure: nobody has taken the task yet */
  bool discards;     /* shutdown: what ends is nobody's */
} ebbL_join_set;

#define SCOPE   1 /* user values */
#define HANDLES 2 /* by address: the members' handles */

#define join_set_type (ebbL_linked_types[EBBL_LINKED_JOIN_SET])

static ebbL_join_set *check_set(lua_State *L)
{
  return ebbL_check(L, 1, &join_set_type);
}

static bool is_empty(const ebbL_join_set *self)
{
  return self->scope->core.n_children == 0 && self->n_ended == self->n_promised;
}

/* --- failures nobody has looked at --- */

/* From now on the failure is reported like that of any task. */
static void disown_failure(ebbL_failure *failure)
{
  ebb_list_unlink(&failure->link);
  failure->failed_ns = ebb_driver_clock(NULL);
  ebb_list_push_back(&failure->rt->unobserved, &failure->link);
}

static void disown_failures(ebbL_join_set *self)
{
  while (!ebb_list_is_empty(&self->failures))
    disown_failure(ebb_container_of(self->failures.next, ebbL_failure, link));
}

/* The failure of the handle at idx, or NULL. */
static ebbL_failure *failure_of(lua_State *L, int idx)
{
  ebbL_handle *handle = lua_touserdata(L, idx);
  if (handle == NULL || handle->kind != EBBL_RESULT_FAILURE || handle->is_taken)
    return NULL;
  lua_getiuservalue(L, idx, 1);
  ebbL_failure *failure = ebbL_touserdata(L, -1);
  lua_pop(L, 1);
  return failure;
}

/* --- children come and go --- */

/* [-0, +1] The set's handle; it is no member any more. `at`: the set. */
static void push_released(lua_State *L, int at, ebbL_handle *handle)
{
  lua_getiuservalue(L, at, HANDLES);
  lua_rawgetp(L, -1, handle);
  lua_pushnil(L);
  lua_rawsetp(L, -3, handle);
  lua_remove(L, -2);
}

void ebbL_join_set_ended(lua_State *L, ebbL_join_set *self, int handle_idx)
{
  ebbL_handle *handle = lua_touserdata(L, handle_idx);
  ebbL_failure *failure = failure_of(L, handle_idx);
  if (failure != NULL) {
    if (self->discards)
      disown_failure(failure);
    else
      ebb_list_push_back(&self->failures, &failure->link);
  }
  handle->next_ended = NULL;
  if (self->first == NULL)
    self->first = handle;
  else
    self->last->next_ended = handle;
  self->last = handle;
  self->n_ended++;
  ebb_wait *wait = ebb_waitq_head(&self->waiters);
  if (wait != NULL) {
    self->n_promised++;
    ebb_wake(wait, EBB_OK);
  }
}

void ebbL_join_set_left(ebbL_join_set *self)
{
  if (is_empty(self))
    ebb_wake_all(&self->waiters, EBB_ECLOSED);
}

/* [-0, +1] The task that ended first of those not yet taken. */
static int push_first(lua_State *L, ebbL_join_set *self, int at)
{
  luaL_checkstack(L, 8, NULL);
  ebbL_handle *handle = self->first;
  self->first = handle->next_ended;
  if (self->first == NULL)
    self->last = NULL;
  handle->next_ended = NULL;
  self->n_ended--;
  push_released(L, at, handle);
  ebbL_failure *failure = failure_of(L, lua_gettop(L));
  if (failure != NULL)
    disown_failure(failure);
  return 1;
}

/* Forgets all that have ended, but what is promised. */
static void drop_ended(lua_State *L, ebbL_join_set *self, int at)
{
  while (self->n_ended > self->n_promised) {
    push_first(L, self, at);
    lua_pop(L, 1);
  }
}

/* After a shutdown what has ended meanwhile is nobody's. */
static void discard(lua_State *L, ebbL_join_set *self, int at)
{
  if (!self->discards)
    return;
  luaL_checkstack(L, 8, NULL);
  drop_ended(L, self, at);
  if (self->scope->core.n_children == 0)
    self->discards = false;
}

/* --- the op: the next one to end --- */

static const ebb_wait_class join_set_wait = {"join_set", true, NULL};

static int set_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_join_set *self = object;
  discard(L, self, at);
  if (self->n_ended > self->n_promised)
    return push_first(L, self, at);
  if (self->scope->core.n_children > 0)
    return EBBL_WAIT;
  lua_pushnil(L);
  return 1;
}

static void set_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_join_set *self = object;
  ebb_wait_link(&task->core, i, &join_set_wait, self, &self->waiters,
                (uint32_t)payload);
}

static int set_settle(lua_State *L, ebbL_task *task, void *object, int at,
                      int payload)
{
  (void)payload;
  ebbL_join_set *self = object;
  if (task->core.status == EBB_ECLOSED) {
    lua_pushnil(L);
    return 1;
  }
  self->n_promised--;
  push_first(L, self, at);
  if (is_empty(self)) /* the last: the others wait for nothing */
    ebb_wake_all(&self->waiters, EBB_ECLOSED);
  return 1;
}

const ebbL_opclass ebbL_join_set_class = {.name = "join_set",
                                          .attempt = set_attempt,
                                          .link = set_link,
                                          .settle = set_settle};

/* --- methods --- */

static int l_join_set(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_settop(L, 0);
  ebbL_scope *scope = ebbL_scope_new(L, S);
  scope->collect = true;
  lua_newtable(L);
  lua_pushvalue(L, -1);
  ebbL_join_set *self =
      ebbL_newlinked(L, S, &join_set_type, sizeof *self, 2, 1);
  ebb_list_init(&self->waiters);
  ebb_list_init(&self->failures);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, HANDLES);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, SCOPE);
  self->scope = scope;
  scope->set = self;
  return 1;
}

static int l_set_spawn(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  ebbL_state *S = self->head.state;
  ebbL_checkcallable(L, 2);
  if (self->scope->ended)
    ebbL_throw(L, "cannot spawn in a join_set that is closed");
  ebbL_rt *rt = ebbL_current_rt(L, S);
  ebbL_rt_accepts(L, rt);
  luaL_checkstack(L, 8, NULL);
  discard(L, self, 1);
  lua_getiuservalue(L, 1, HANDLES);
  lua_insert(L, 2);
  ebbL_task *task = ebbL_spawn(L, S, rt, lua_gettop(L) - 3, true, self->scope);
  if (self->scope->hard) /* it is being closed: the task never runs */
    ebbL_cancel_task(L, task, 0);
  lua_pushvalue(L, 3);
  lua_rawsetp(L, 2, task->handle);
  return 1;
}

static int l_set_join_next(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  lua_settop(L, 1); /* a for loop passes more */
  return ebbL_perform(L, &ebbL_join_set_class, self, l_set_join_next);
}

/* It is itself the op of its natural wait. */
static int l_set_join_next_op(lua_State *L)
{
  check_set(L);
  lua_settop(L, 1);
  return 1;
}

static int l_set_try_join_next(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  lua_settop(L, 1);
  discard(L, self, 1);
  if (self->n_ended > self->n_promised)
    return push_first(L, self, 1);
  lua_pushnil(L);
  return 1;
}

/* Asks all to end, and leaves what they end with to join_next. */
static int l_set_cancel_all(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  lua_settop(L, 2);
  ebbL_scope_cancel_children(L, self->scope, 2);
  return 0;
}

static int into_scope(lua_State *L, lua_CFunction fn)
{
  lua_getiuservalue(L, 1, SCOPE);
  lua_replace(L, 1);
  lua_settop(L, 1);
  return fn(L);
}

/* Ends all, waits for that and forgets them: the set is empty afterwards. */
static int l_set_shutdown(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  ebbL_state *S = self->head.state;
  lua_settop(L, 1);
  if (S->current == NULL && self->scope->core.n_children > 0)
    return ebbL_drive(L, S, l_set_shutdown);
  if (self->scope->mode != 0)
    ebbL_throw(L, "somebody waits for this join_set already");
  drop_ended(L, self, 1);
  if (self->scope->core.n_children == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  ebbL_scope_cancel_children(L, self->scope, 2);
  self->discards = true;
  return into_scope(L, ebbL_scope_wait);
}

static int l_set_close(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  lua_settop(L, 1);
  if (self->scope->ended)
    return 0;
  self->discards = true;
  drop_ended(L, self, 1);
  return into_scope(L, ebbL_scope_close);
}

/* The tasks go on as if ebb.spawn had started them; the set is empty. */
static int l_set_detach_all(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  lua_settop(L, 1);
  drop_ended(L, self, 1);
  ebb_list *children = &self->scope->core.children;
  while (!ebb_list_is_empty(children)) {
    ebbL_task *task =
        ebbL_task_of(ebb_container_of(children->next, ebb_task, sibling));
    push_released(L, 1, task->handle);
    lua_pop(L, 1);
    task->handle->is_owned = false;
    task->scope = NULL;
    ebb_scope_left(&self->scope->core, &task->core);
  }
  ebb_wake_all(&self->waiters, EBB_ECLOSED);
  return 0;
}

static lua_Integer count(const ebbL_join_set *self)
{
  size_t n = self->discards ? 0 : self->n_ended - self->n_promised;
  return (lua_Integer)(self->scope->core.n_children + n);
}

static int set_len(lua_State *L)
{
  lua_pushinteger(L, count(check_set(L)));
  return 1;
}

/* The scope, a user value, cancels its children itself. */
static int set_gc(lua_State *L)
{
  ebbL_join_set *self = ebbL_test(L, 1, &join_set_type);
  if (self == NULL)
    return 0;
  if (self->scope != NULL) {
    disown_failures(self);
    self->scope->set = NULL;
  }
  return ebbL_let_go(L);
}

static int set_tostring(lua_State *L)
{
  ebbL_join_set *self = check_set(L);
  if (self->scope->ended)
    lua_pushliteral(L, "ebb.join_set: closed");
  else
    lua_pushfstring(L, "ebb.join_set: %I running, %I ended",
                    (LUAI_UACINT)self->scope->core.n_children,
                    (LUAI_UACINT)(self->n_ended - self->n_promised));
  return 1;
}

void ebbL_open_join_set(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"join_set", l_join_set}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"spawn", l_set_spawn},
                                     {"join_next", l_set_join_next},
                                     {"join_next_op", l_set_join_next_op},
                                     {"try_join_next", l_set_try_join_next},
                                     {"cancel_all", l_set_cancel_all},
                                     {"detach_all", l_set_detach_all},
                                     {"shutdown", l_set_shutdown},
                                     {"close", l_set_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__call", l_set_join_next},  {"__len", set_len},
      {"__close", l_set_close},     {"__gc", set_gc},
      {"__tostring", set_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &join_set_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
