/* SPDX-License-Identifier: MIT */
/* What tasks may use up, and quotas of computing time: spawn_with{cpu =
   seconds}. The turns of a task are measured only if it has such a quota. */
#include "lua/l_preempt.h"

#include "lua/l_region.h"

uint64_t ebbL_account_left(const ebbL_task *task)
{
  uint64_t least_ns = UINT64_MAX;
  for (const ebbL_account *at = task->account; at != NULL; at = at->outer) {
    if (at->quota_ns == UINT64_MAX)
      continue;
    uint64_t left_ns =
        at->used_ns < at->quota_ns ? at->quota_ns - at->used_ns : 0;
    if (left_ns < least_ns)
      least_ns = left_ns;
  }
  return least_ns;
}

static bool is_within(const ebbL_task *task, const ebbL_account *account)
{
  for (const ebbL_account *at = task->account; at != NULL; at = at->outer)
    if (at == account)
      return true;
  return false;
}

void ebbL_account_strike(const ebbL_account *account, int why)
{
  ebbL_state *S = account->S;
  ebb_list_foreach(at, &S->runtimes) {
    ebbL_rt *rt = ebb_container_of(at, ebbL_rt, link);
    ebb_rt_refresh(&rt->core);
    ebb_list_foreach(node, &rt->core.tasks) {
      ebbL_task *task = ebbL_task_of(ebb_container_of(node, ebb_task, all));
      if (ebbL_is_over(task) || task->outcome != EBBL_ALIVE ||
          !is_within(task, account))
        continue;
      if (why != EBBL_QUOTA_MEMORY || task == S->current ||
          task == account->owner)
        ebbL_preempt_quota(task, why);
      if (task->core.state != EBB_TASK_RUNNING)
        ebb_task_ask_cancel(&task->core);
    }
  }
}

void ebbL_account_charge(lua_State *L, ebbL_task *task, uint64_t span_ns)
{
  (void)L;
  for (ebbL_account *at = task->account; at != NULL; at = at->outer) {
    bool was_over = at->used_ns >= at->quota_ns;
    at->used_ns += span_ns;
    if (!was_over && at->used_ns >= at->quota_ns)
      ebbL_account_strike(at, EBBL_QUOTA_CPU);
  }
}

/* --- who belongs to it --- */

void ebbL_account_join(ebbL_task *task, ebbL_account *account)
{
  task->account = account;
  task->unusual = true;
  account->n_refs++;
  ebbL_quota_charge(account, sizeof *task);
}

void ebbL_account_release(ebbL_account *account)
{
  while (account != NULL && --account->n_refs == 0) {
    ebbL_account *outer = account->outer;
    if (account->memory != NULL)
      ebb_heap_account_close(account->memory);
    ebb_alloc_put(&account->S->alloc, account, sizeof *account);
    account = outer;
  }
}

void ebbL_account_leave(ebbL_task *task)
{
  ebbL_account *account = task->account;
  if (account->owner == task)
    account->owner = NULL;
  task->account = NULL;
  ebbL_quota_credit(account, sizeof *task);
  ebbL_account_release(account);
}

ebbL_account *ebbL_account_open(lua_State *L, ebbL_state *S,
                                ebbL_account *outer)
{
  ebbL_account *account = ebbL_alloc(L, S, sizeof *account);
  *account = (ebbL_account){
      .outer = outer, .S = S, .quota_ns = UINT64_MAX, .n_refs = 1};
  return account;
}

/* _set_cpu(task, seconds): a task that has just been spawned gets an account of
   its own, within the one that it shares. */
static int l_set_cpu(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_handle *handle = ebbL_check(L, 1, &ebbL_task_type);
  ebbL_task *task = handle->task;
  double seconds = ebbL_checkseconds(L, 2);
  if (task == NULL || task->has_run)
    return 0;
  ebbL_slice_start(L, S);
  ebbL_account *account = ebbL_account_open(L, S, task->account);
  account->quota_ns = ebb_due_in(0, seconds);
  account->owner = task;
  task->account = account;
  task->unusual = true;
  return 0;
}

void ebbL_open_account(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"_set_cpu", l_set_cpu}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
