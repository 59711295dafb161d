/* SPDX-License-Identifier: MIT */
/* Operations: what can be awaited. An op either happens once or not at all.

   A *leaf* is one thing that can happen: a primitive in its natural wait
   (ebbL_type.op) or an explicit op userdata (ebbL_op: send_op, recv_op, after).
   A *composite* (choice, map, and_then, or_else) is compiled when it is made
   into a flat list of leaves with the steps their values go through.

   Performing: attempt the leaves; if none happens, prepare each (payload and
   reservations, may raise), link each (cannot fail), park, yield; the leaf
   that woke the task settles its results. A new primitive writes one
   ebbL_opclass and is thereby in await, select, choice and timeout. */
#ifndef EBB_LUA_OP_H
#define EBB_LUA_OP_H

#include "lua/l_region.h"

/* No result yet: the op would wait. */
#define EBBL_WAIT (-1)

/* The things an opclass works on. `at`: stack index of the leaf's userdata
   (primitive or explicit op). */
typedef struct ebbL_opclass {
  const char *name; /* "channel recv" */
  /* Does it now if it can be done without waiting: pushes the results and
     returns how many; else EBBL_WAIT, with no effect at all. [raises], only
     before any effect. */
  int (*attempt)(lua_State *L, ebbL_task *task, void *object, int at);
  /* Optional. Pushes exactly one value that must be there while the task
     waits: what is sent, or a userdata needed for the result; its stack index
     is passed to link and settle as `payload`. [raises] */
  void (*prepare)(lua_State *L, ebbL_task *task, void *object, int at);
  /* Joins the queue with node i of the task. [no-raise] */
  void (*link)(ebbL_task *task, uint32_t i, void *object, int payload);
  /* The task was woken through this leaf with task->core.status; the
     task->n_args values its waker passed are on top. Pushes the results and
     returns how many (the n_args values on top may be those). [raises] */
  int (*settle)(lua_State *L, ebbL_task *task, void *object, int at,
                int payload);
  uint8_t flags;
} ebbL_opclass;

enum {
  EBBL_TIMED = 1,      /* link needs one ebb_sleep: reserved before */
  EBBL_IGNORES_AT = 2, /* attempt and settle do not look at `at`: the userdata
                          need not be on the stack */
  EBBL_ENLISTS = 4,    /* prepare has effects elsewhere, link must follow */
};

/* An explicit op: user value 1 is its target, user value 2 an operand. */
typedef struct ebbL_op {
  ebbL_header head;
  const ebbL_opclass *cls;
  void *target;   /* the object of user value 1, or NULL */
  double seconds; /* for after/at */
  uint64_t due_ns;
  lua_Integer n; /* for acquire_op */
} ebbL_op;

extern const ebbL_type ebbL_op_type;        /* "ebb.op": explicit op */
extern const ebbL_type ebbL_composite_type; /* "ebb.op" too */

/* [-0, +1, raises] A new explicit op on the object at target_idx (0: none) with
   the operand at operand_idx (0: none). */
ebbL_op *ebbL_newop(lua_State *L, ebbL_state *S, const ebbL_opclass *cls,
                    int target_idx, int operand_idx);

/* What the op is about (see ebbL_touserdata) that is at `header`, the address
   of some userdata; NULL: it is no op. [no-raise] */
static inline ebbL_header *ebbL_op_of(ebbL_header *header, const ebbL_state *S)
{
  /* a userdata of somebody else does not hold our state's address: only then
     is ->type ours to be followed */
  if (EBB_UNLIKELY(header->state != S))
    return NULL;
  const ebbL_type *type = header->type;
  if (type != &ebbL_op_type && type != &ebbL_composite_type &&
      (type->op == NULL || ebbL_is_body(header)))
    return NULL;
  return ebbL_is_linked(type) ? ((ebbL_linked *)header)->body : header;
}
/* The same of the value at idx. [no-raise] */
static inline ebbL_header *ebbL_op_at(lua_State *L, const ebbL_state *S,
                                      int idx)
{
  ebbL_header *header = ebbL_object(L, idx);
  return EBB_LIKELY(header != NULL) ? ebbL_op_of(header, S) : NULL;
}
/* Is it an op of any kind? [no-raise] */
static inline bool ebbL_isop(lua_State *L, int idx)
{
  ebbL_header *header = ebbL_object(L, idx);
  return header != NULL && ebbL_op_of(header, ebbL_S(L)) != NULL;
}
/* The class of an op that is no composite. [no-raise] */
static inline const ebbL_opclass *ebbL_leafclass(const ebbL_header *header)
{
  return header->type == &ebbL_op_type ? ((const ebbL_op *)header)->cls
                                       : header->type->op;
}
/* [raises] The value at stack_idx must be an op: argument arg, or the arm of
   argument arg whose key is at key_idx (0: no table). Returns it. */
ebbL_header *ebbL_checkop(lua_State *L, int arg, int stack_idx, int key_idx);
/* [raises] Wait nodes for n leaves, n_timed of which need an ebb_sleep. */
void ebbL_reserve_nodes(lua_State *L, ebbL_task *task, uint32_t n,
                        uint32_t n_timed);

/* [-0, +n, raises, yields] Performs the op at idx as the last act of a C
   function: `return ebbL_await(L, idx, fn)`, where `fn` is that C function (it
   is driven in a task when none runs). */
int ebbL_await(lua_State *L, int idx, lua_CFunction fn);

/* The same for a single leaf class on the object at stack index 1, for methods
   (ch:recv, tok:cancelled): attempt, else wait. */
int ebbL_perform(lua_State *L, const ebbL_opclass *cls, void *object,
                 lua_CFunction fn);

/* Does performing the op at idx run functions of the user (map, and_then,
   defer_op), which may themselves await? [no-raise] */
bool ebbL_has_functions(lua_State *L, int idx);
/* [-0, +1] ebb.await */
void ebbL_pushawait(lua_State *L, ebbL_state *S);

/* The arms [op, after] are at 1 and 2: results of the op, or nil, "timeout",
   seconds. [raises, yields] */
int ebbL_await_timeout(lua_State *L, ebbL_task *task);

/* Named arms come in the order in which Lua keeps them in the table, which is
   another one in each process. Where a seed decides what happens they are put
   in the order of their names: the n arms at `arms` and keys at `keys`, each
   `stride` apart. [no-raise] */
void ebbL_order_arms(lua_State *L, int arms, int keys, int n, int stride);

/* A forced yield is due: the task has had its share of ready awaits. The
   caller returns ebbL_giveway(L, task, fn), which runs fn again with the same
   arguments after the others have had their turn. [yields] */
static inline bool ebbL_spent(ebbL_task *task)
{
  return EBB_UNLIKELY(task->core.budget-- == 0);
}
int ebbL_giveway(lua_State *L, ebbL_task *task, lua_CFunction fn);

/* Parks the task on its first n nodes and yields; `k` continues. [yields],
   must be the last act of a C function. */
static inline int ebbL_park(lua_State *L, ebbL_task *task, uint32_t n,
                            lua_KFunction k, lua_KContext ctx)
{
  task->n_args = 0;
  task->waits_top = lua_gettop(L);
  ebb_task_park(&task->core, n);
  return lua_yieldk(L, 0, ctx, k);
}

/* The same, until all others have had their turn. */
static inline int ebbL_let_others(lua_State *L, ebbL_task *task,
                                  lua_KFunction k, lua_KContext ctx)
{
  task->n_args = 0;
  task->waits_top = lua_gettop(L);
  ebb_task_yield(&task->core);
  return lua_yieldk(L, 0, ctx, k);
}

/* --- composites (l_combine.c) --- */

enum { EBBL_STEP_INDEX, EBBL_STEP_MAP, EBBL_STEP_AND_THEN, EBBL_STEP_OR_ELSE };

typedef struct ebbL_step {
  int32_t parent; /* the next step outwards, or -1 */
  uint8_t kind;
  bool keyed;    /* INDEX: the key is anchor `value`, else `value` itself */
  int32_t value; /* INDEX: position or anchor; else anchor of the function */
} ebbL_step;

typedef struct ebbL_leaf {
  const ebbL_opclass *cls;
  void *object;   /* what cls works on */
  int32_t anchor; /* index of its userdata in user value 1 */
  int32_t step;   /* its innermost step, or -1 */
} ebbL_leaf;

/* User value 1: a table with the leaves' userdata, functions and keys. */
typedef struct ebbL_composite {
  ebbL_header head;
  int32_t n_leaves, n_steps, n_anchors;
  bool is_counted; /* the two that follow are known */
  /* leaves of timed classes; with prepare; that enlist */
  uint32_t n_timed, n_prepared, n_enlisted;
  bool has_defer; /* some leaf is a defer_op: expanded when performed */
  /* followed by n_leaves ebbL_leaf, then n_steps ebbL_step */
} ebbL_composite;

static inline ebbL_leaf *ebbL_leaves(ebbL_composite *composite)
{
  return (ebbL_leaf *)(composite + 1);
}
static inline ebbL_step *ebbL_steps(ebbL_composite *composite)
{
  return (ebbL_step *)(ebbL_leaves(composite) + composite->n_leaves);
}

/* [-0, +0, raises] Replaces the op at idx by its expansion if defer_ops are in
   it: calls their functions. */
void ebbL_expand(lua_State *L, ebbL_state *S, int idx);

extern const ebbL_opclass ebbL_defer_class;
void ebbL_open_op(lua_State *L, ebbL_state *S);
void ebbL_open_set(lua_State *L, ebbL_state *S);
void ebbL_open_combine(lua_State *L, ebbL_state *S);

/* Methods every op has: await, map, and_then, or_else; for other types'
   method tables. [-0, +0] adds them to the table on top. */
void ebbL_addopmethods(lua_State *L, ebbL_state *S);
/* Its half in l_combine.c: map, and_then, or_else. */
void ebbL_addcombinators(lua_State *L, ebbL_state *S);

#endif
