/* SPDX-License-Identifier: MIT */
/* ebb.h: waiting in C functions, and awaitables written in C. Both go through
   what Lua has: ebb.await, and the one wait protocol. */
#include "lua/api.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lua/l_op.h"
#include "lua/l_sync.h"

#include "ebb.h"

/* Registry key: the address. ebb.await */
static const char await_key;

/* --- ebb_await --- */

static int return_all(lua_State *L, int status, lua_KContext base)
{
  (void)status;
  return lua_gettop(L) - (int)base;
}

int ebb_await(lua_State *L, int idx, lua_KContext ctx, lua_KFunction k)
{
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (k == NULL) {
    k = return_all;
    ctx = lua_gettop(L);
  }
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &await_key) == LUA_TNIL)
    return luaL_error(L, "ebb is not open in this state");
  lua_pushvalue(L, idx);
  lua_callk(L, 1, LUA_MULTRET, ctx, k);
  return k(L, LUA_OK, ctx);
}

/* --- awaitables --- */

/* The host's bytes begin at DATA. */
typedef struct host_op {
  ebbL_header head;
  ebb_op_class cls;
  ebb_wait_class wait_class;
  ebb_waitq waiters;
  size_t n_waiting;
} host_op;

#define ALIGNMENT (sizeof(max_align_t))
#define DATA      ((sizeof(host_op) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

static const ebbL_opclass op_class;
static void op_fini(void *object);
EBBL_OWNING_TYPE(op_type, "ebb.host_op", &op_class, op_fini);

static void *data_of(host_op *op)
{
  return (char *)op + DATA;
}

static host_op *op_of(void *data)
{
  return (host_op *)((char *)data - DATA);
}

/* An op has been left: by a wake, a cancel, or another arm. */
static void leave(ebb_wait *wait)
{
  host_op *op = wait->source;
  op->n_waiting--;
  if (op->n_waiting == 0 && op->cls.idle != NULL)
    op->cls.idle(data_of(op));
}

static int op_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  host_op *op = object;
  (void)task, (void)at;
  if (op->cls.attempt == NULL)
    return EBBL_WAIT;
  return op->cls.attempt(L, data_of(op));
}

static void op_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  host_op *op = object;
  bool is_first = op->n_waiting++ == 0;
  ebb_wait_link(&task->core, i, &op->wait_class, op, &op->waiters,
                (uint32_t)payload);
  if (is_first && op->cls.wanted != NULL)
    op->cls.wanted(data_of(op));
}

static int op_settle(lua_State *L, ebbL_task *task, void *object, int at,
                     int payload)
{
  host_op *op = object;
  (void)at, (void)payload;
  if (op->cls.settle != NULL)
    return op->cls.settle(L, data_of(op), task->host_value);
  lua_pushinteger(L, task->host_value);
  return 1;
}

static const ebbL_opclass op_class = {.name = "host",
                                      .attempt = op_attempt,
                                      .link = op_link,
                                      .settle = op_settle};

static void op_fini(void *object)
{
  host_op *op = object;
  void (*drop)(void *) = op->cls.drop;
  op->cls.drop = NULL;
  if (drop != NULL)
    drop(data_of(op));
}

static int op_tostring(lua_State *L)
{
  host_op *op = ebbL_check(L, 1, &op_type);
  lua_pushfstring(L, "ebb.host_op: %s, %I waiting", op->wait_class.name,
                  (LUAI_UACINT)op->n_waiting);
  return 1;
}

void *ebb_op_new(lua_State *L, const ebb_op_class *cls, size_t n_bytes)
{
  ebbL_state *S = ebbL_state_find(L);
  if (S == NULL) {
    luaL_error(L, "ebb is not open in this state");
    return NULL;
  }
  if (n_bytes > INT_MAX)
    luaL_error(L, "an op of that many bytes");
  host_op *op = ebbL_newlinked(L, S, &op_type, DATA + n_bytes, 1, 0);
  memcpy(&op->cls, cls,
         cls->size != 0 && cls->size < sizeof op->cls ? cls->size
                                                      : sizeof op->cls);
  op->wait_class = (ebb_wait_class){cls->name != NULL ? cls->name : "host op",
                                    (cls->flags & EBB_OP_TAKES) != 0, leave};
  ebb_list_init(&op->waiters);
  return data_of(op);
}

void *ebb_op_test(lua_State *L, int idx, const ebb_op_class *cls)
{
  host_op *op = ebbL_test(L, idx, &op_type);
  if (op == NULL || op->cls.name != cls->name ||
      op->cls.settle != cls->settle || op->cls.attempt != cls->attempt)
    return NULL;
  return data_of(op);
}

int ebb_op_wake(void *data, int value)
{
  host_op *op = op_of(data);
  ebb_wait *head = ebb_waitq_head(&op->waiters);
  if (head == NULL)
    return 0;
  ebbL_task_of(head->task)->host_value = value;
  ebb_wake(head, EBB_OK);
  return 1;
}

size_t ebb_op_wake_all(void *data, int value)
{
  size_t n = 0, most = op_of(data)->n_waiting;
  while (n < most && ebb_op_wake(data, value))
    n++;
  return n;
}

size_t ebb_op_waiting(const void *data)
{
  return op_of((void *)(uintptr_t)data)->n_waiting;
}

void ebbL_open_host_op(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", ebbL_owner_gc}, {"__tostring", op_tostring}, {NULL, NULL}};
  ebbL_newoptype(L, S, &op_type, no_methods, meta);
  ebbL_pushawait(L, S);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &await_key);
}
