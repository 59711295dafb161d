/* SPDX-License-Identifier: MIT */
/* Quotas of memory: spawn_with{memory = bytes}, ebb.runtime{memory = bytes}.

   While a task with an account runs, what is allocated is charged to it
   (alloc/heap.h). Above the quota the allocator calls on_over, which may do no
   more than mark the task: it looks again at its next instruction, collects
   unless that was done for the account in the last second, and ends if that did
   not help. A full collection within a frame would be what gc = "frame" is
   there to avoid: then the collector gets two of its cycles' time, or until the
   quota has been used twice. */
#include "lua/l_preempt.h"

#include "lua/l_heap.h"
#include "lua/l_rt_options.h"

#define COLLECT_EVERY_NS EBB_NS_PER_S

ebb_heap_account *ebbL_quota_memory(const ebbL_account *account)
{
  while (account != NULL && account->memory == NULL)
    account = account->outer;
  return account != NULL ? account->memory : NULL;
}

/* The outermost one that is used up: the most tasks end. */
static ebbL_account *find_over(const ebbL_task *task)
{
  ebbL_account *over = NULL;
  for (ebbL_account *at = task->account; at != NULL; at = at->outer)
    if (at->memory != NULL && ebb_heap_account_is_over(at->memory))
      over = at;
  return over;
}

/* Within lua_Alloc. */
static void on_over(void *ud, ebb_heap_account *memory)
{
  ebbL_state *S = ud;
  (void)memory;
  if (S->current != NULL && !S->closing)
    ebbL_preempt_quota(S->current, EBBL_QUOTA_LOOK);
}

/* Has the collector's own pace failed to help? */
static bool is_overdue(const ebbL_state *S, ebbL_account *account)
{
  size_t quota = ebb_heap_account_quota(account->memory);
  if (account->due_cycle == 0)
    account->due_cycle = S->gc.n_cycles + 2;
  return S->gc.n_cycles >= account->due_cycle ||
         ebb_heap_account_live(account->memory) / 2 >= quota;
}

void ebbL_quota_look(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  task->over = EBBL_QUOTA_NONE;
  ebbL_account *account = find_over(task);
  if (account == NULL)
    return;
  if (S->gc.n_users > 0) {
    if (!is_overdue(S, account))
      return;
  } else {
    uint64_t now_ns = ebb_driver_clock(NULL);
    if (account->collected_ns == 0 ||
        now_ns - account->collected_ns >= COLLECT_EVERY_NS) {
      account->collected_ns = now_ns;
      ebbL_collect(L);
      account = find_over(task);
      if (account == NULL) {
        task->over = EBBL_QUOTA_NONE;
        return;
      }
    }
  }
  ebbL_account_strike(account, EBBL_QUOTA_MEMORY);
}

void ebbL_quota_enter(ebbL_task *task)
{
  ebbL_state *S = task->S;
  ebb_heap_account *memory = ebbL_quota_memory(task->account);
  if (memory == NULL)
    return;
  ebb_heap_enter(S->heap, memory);
  ebbL_account *over = find_over(task);
  if (over != NULL)
    ebbL_preempt_quota(task, EBBL_QUOTA_LOOK);
  else
    for (ebbL_account *at = task->account; at != NULL; at = at->outer)
      at->due_cycle = 0;
}

void ebbL_quota_leave(ebbL_state *S)
{
  if (S->heap != NULL)
    ebb_heap_enter(S->heap, NULL);
}

void ebbL_quota_charge(ebbL_account *account, size_t n_bytes)
{
  ebb_heap_account *memory = ebbL_quota_memory(account);
  if (memory != NULL)
    ebb_heap_account_charge(memory, n_bytes);
}

void ebbL_quota_credit(ebbL_account *account, size_t n_bytes)
{
  ebb_heap_account *memory = ebbL_quota_memory(account);
  if (memory != NULL)
    ebb_heap_account_credit(memory, n_bytes);
}

static ebbL_account *try_open(ebbL_state *S, size_t n_bytes,
                              ebbL_account *outer)
{
  ebbL_account *account = ebb_alloc_get(&S->alloc, sizeof *account);
  if (account == NULL)
    return NULL;
  ebb_heap_account *memory = ebb_heap_account_open(
      S->heap, n_bytes, ebbL_quota_memory(outer), account);
  if (memory == NULL) {
    ebb_alloc_put(&S->alloc, account, sizeof *account);
    return NULL;
  }
  *account = (ebbL_account){.outer = outer,
                            .S = S,
                            .quota_ns = UINT64_MAX,
                            .memory = memory,
                            .n_refs = 1};
  return account;
}

/* [raises] An account with a memory quota, within `outer`. */
static ebbL_account *open_quota(lua_State *L, ebbL_state *S, size_t n_bytes,
                                ebbL_account *outer)
{
  ebb_heap *heap = ebbL_heap_check(L);
  if (S->heap == NULL) /* installed by somebody else's copy of the module */
    ebbL_heap_attach(L, S);
  ebb_heap_set_on_over(heap, on_over, S);
  ebbL_account *account = try_open(S, n_bytes, outer);
  if (account == NULL) {
    ebbL_collect(L);
    account = try_open(S, n_bytes, outer);
  }
  if (account == NULL)
    ebbL_nomem(L);
  return account;
}

/* _set_memory(task, bytes): as _set_cpu. The task has been charged to the
   accounts around it and is from now on charged to this one. */
static int l_set_memory(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_handle *handle = ebbL_check(L, 1, &ebbL_task_type);
  ebbL_task *task = handle->task;
  lua_Integer n_bytes = ebbL_checkinteger(L, 2, 1, LUA_MAXINTEGER);
  if (task == NULL || task->has_run)
    return 0;
  ebbL_account *account = open_quota(L, S, (size_t)n_bytes, task->account);
  ebbL_quota_credit(task->account, sizeof *task);
  ebbL_quota_charge(account, sizeof *task);
  task->account = account;
  account->owner = task;
  task->unusual = true;
  return 0;
}

/* _check_memory(): [raises] EBB033 when there can be no quota. */
static int l_check_memory(lua_State *L)
{
  ebbL_heap_check(L);
  return 0;
}

void ebbL_option_memory(lua_State *L, ebbL_rt *rt)
{
  int is_integer;
  lua_Integer n_bytes = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || n_bytes <= 0 || lua_type(L, -1) != LUA_TNUMBER)
    ebbL_option_error(L, "memory", "bytes above 0");
  rt->account = open_quota(L, rt->head.state, (size_t)n_bytes, NULL);
}

void ebbL_open_quota(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"_set_memory", l_set_memory},
                                   {"_check_memory", l_check_memory},
                                   {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
