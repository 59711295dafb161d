/* SPDX-License-Identifier: MIT */
/* What is an op, performing a single leaf, and the simplest ops: ready, never.
 */
#include "lua/l_op.h"

#include "lua/l_rt.h"

const ebbL_type ebbL_op_type = {"ebb.op", NULL, NULL};

/* --- kinds of ops --- */

ebbL_header *ebbL_checkop(lua_State *L, int arg, int stack_idx, int key_idx)
{
  ebbL_header *header = ebbL_op_at(L, ebbL_S(L), stack_idx);
  if (EBB_UNLIKELY(header == NULL)) {
    const char *got = ebbL_typename(L, stack_idx);
    if (key_idx != 0)
      ebbL_argerror(L, arg,
                    lua_pushfstring(L, "arm '%s': operation expected, got %s",
                                    luaL_tolstring(L, key_idx, NULL), got));
    ebbL_argerror(L, arg,
                  lua_pushfstring(L, "operation expected, got %s", got));
  }
  return header;
}

ebbL_op *ebbL_newop(lua_State *L, ebbL_state *S, const ebbL_opclass *cls,
                    int target_idx, int operand_idx)
{
  target_idx = target_idx != 0 ? lua_absindex(L, target_idx) : 0;
  operand_idx = operand_idx != 0 ? lua_absindex(L, operand_idx) : 0;
  ebbL_op *op = ebbL_new(L, S, &ebbL_op_type, sizeof *op, 2);
  op->cls = cls;
  if (target_idx != 0) {
    op->target = ebbL_touserdata(L, target_idx);
    lua_pushvalue(L, target_idx);
    lua_setiuservalue(L, -2, 1);
  }
  if (operand_idx != 0) {
    lua_pushvalue(L, operand_idx);
    lua_setiuservalue(L, -2, 2);
  }
  return op;
}

/* --- one leaf --- */

static int perform_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  const ebbL_opclass *cls = (const ebbL_opclass *)ctx;
  ebbL_header *object = ebbL_touserdata(L, 1);
  const ebbL_state *S = object->state;
  EBBL_OWN_RESUME(L, S, perform_k, ctx);
  ebbL_task *task = S->current;
  ebbL_check_woken(L, task);
  return cls->settle(L, task, object, 1, (int)task->core.waits[0].slot);
}

static int giveway_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), giveway_k, ctx);
  ebbL_check_waiting(L, ebbL_S(L)->current);
  return ((lua_CFunction)ctx)(L);
}

int ebbL_giveway(lua_State *L, ebbL_task *task, lua_CFunction fn)
{
  return ebbL_let_others(L, task, giveway_k, (lua_KContext)fn);
}

void ebbL_reserve_nodes(lua_State *L, ebbL_task *task, uint32_t n,
                        uint32_t n_timed)
{
  if (EBB_UNLIKELY(ebb_task_reserve(&task->core, n) == NULL) ||
      (n_timed > 0 &&
       EBB_UNLIKELY(!ebb_sleep_reserve(task->core.rt, n_timed)))) {
    ebbL_collect(L);
    if (ebb_task_reserve(&task->core, n) == NULL ||
        !ebb_sleep_reserve(task->core.rt, n_timed))
      ebbL_nomem(L);
  }
}

int ebbL_perform(lua_State *L, const ebbL_opclass *cls, void *object,
                 lua_CFunction fn)
{
  ebbL_state *S = ((ebbL_header *)object)->state;
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  int n = cls->attempt(L, task, object, 1);
  if (n >= 0)
    return n;
  ebbL_check_waiting(L, task);
  int payload = 0;
  if (cls->prepare != NULL) {
    cls->prepare(L, task, object, 1);
    payload = lua_gettop(L);
    /* It may have collected, and a finaliser done what is waited for. */
    if (!(cls->flags & EBBL_ENLISTS)) {
      n = cls->attempt(L, task, object, 1);
      if (EBB_UNLIKELY(n >= 0))
        return n;
    }
  }
  if (cls->flags & EBBL_TIMED)
    ebbL_reserve_nodes(L, task, 1, 1);
  cls->link(task, 0, object, payload);
  return ebbL_park(L, task, 1, perform_k, (lua_KContext)cls);
}

/* --- ready, never --- */

static int ready_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_op *op = object;
  int n = (int)op->n;
  if (n == 0)
    return 0;
  luaL_checkstack(L, n + 2, "too many values");
  lua_getiuservalue(L, at, 2);
  int values = lua_gettop(L);
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, values, i);
  lua_remove(L, values);
  return n;
}

static int never_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)L, (void)task, (void)object, (void)at;
  return EBBL_WAIT;
}

static const ebb_wait_class never_wait = {"never", false, NULL};

static void never_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  ebb_wait_link(&task->core, i, &never_wait, NULL, NULL, (uint32_t)payload);
}

static int never_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)L, (void)task, (void)object, (void)at, (void)payload;
  return 0;
}

static const ebbL_opclass ready_class = {"ready",    ready_attempt, NULL,
                                         never_link, never_settle,  0};
static const ebbL_opclass never_class = {"never",    never_attempt, NULL,
                                         never_link, never_settle,  0};

static int l_ready(lua_State *L)
{
  int n = lua_gettop(L);
  lua_createtable(L, n, 0);
  lua_insert(L, 1);
  for (int i = n; i >= 1; i--)
    lua_rawseti(L, 1, i);
  ebbL_newop(L, ebbL_S(L), &ready_class, 0, 1)->n = n;
  return 1;
}

static int l_never(lua_State *L)
{
  ebbL_newop(L, ebbL_S(L), &never_class, 0, 0);
  return 1;
}

/* --- the type --- */

static int op_tostring(lua_State *L)
{
  ebbL_op *op = ebbL_check(L, 1, &ebbL_op_type);
  lua_pushfstring(L, "ebb.op: %s", op->cls->name);
  return 1;
}

void ebbL_open_op(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"ready", l_ready}, {"never", l_never}, {NULL, NULL}};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", op_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &ebbL_op_type, no_methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
