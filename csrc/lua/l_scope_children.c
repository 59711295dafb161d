/* SPDX-License-Identifier: MIT */
/* Children of a scope: how they are asked to end, and what becomes of their
   failures: the first is kept for whoever closes, later ones are reported. */
#include "lua/l_scope.h"

#include "lua/l_join_set.h"
#include "lua/l_op.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"

void ebbL_scope_adopt(ebbL_scope *scope, ebbL_task *task)
{
  ebb_scope_adopt(&scope->core, &task->core);
  if (task->handle != NULL)
    task->handle->is_owned = true;
}

void ebbL_scope_strike_children(lua_State *L, ebbL_scope *scope, int error_idx)
{
  ebb_list *children = &scope->core.children;
  for (ebb_list *node = children->prev; node != children; node = node->prev) {
    ebb_task *child = ebb_container_of(node, ebb_task, sibling);
    if (!child->cancel_asked)
      ebbL_strike(L, scope->head.state, &child->base, error_idx);
  }
}

void ebbL_scope_cancel_children(lua_State *L, ebbL_scope *scope, int reason_idx)
{
  luaL_checkstack(L, 16, NULL);
  ebbL_pushcancel(L, scope->head.state, reason_idx);
  ebbL_scope_strike_children(L, scope, lua_gettop(L));
  lua_pop(L, 1);
}

static int push_string(lua_State *L)
{
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

void ebbL_scope_cancel_for(lua_State *L, ebbL_scope *scope, const char *reason)
{
  ebbL_scope_cancel_told(L, scope, reason);
  lua_pop(L, 1);
}

void ebbL_scope_cancel_told(lua_State *L, ebbL_scope *scope, const char *reason)
{
  if (!lua_checkstack(L, 10)) {
    ebbL_scope_strike_children(L, scope, 0);
    lua_pushnil(L);
    return;
  }
  int top = lua_gettop(L);
  lua_pushcfunction(L, push_string);
  lua_pushlightuserdata(L, (void *)(uintptr_t)reason);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  ebbL_pushcancel(L, scope->head.state, top + 1);
  ebbL_scope_strike_children(L, scope, top + 2);
  if (scope->body != NULL)
    ebbL_strike(L, scope->head.state, &scope->body->region, top + 2);
  lua_remove(L, top + 1);
}

static int keep_error(lua_State *L)
{
  ebbL_pusherrors(L);
  lua_pushvalue(L, 2);
  lua_rawsetp(L, -2, lua_touserdata(L, 1));
  return 0;
}

void ebbL_scope_record(lua_State *L, ebbL_scope *scope, int idx)
{
  idx = lua_absindex(L, idx);
  scope->failed = true;
  lua_pushcfunction(L, keep_error);
  lua_pushlightuserdata(L, scope);
  lua_pushvalue(L, idx);
  scope->lost = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (scope->lost)
    lua_pop(L, 1);
}

void ebbL_scope_take_failure(lua_State *L, ebbL_scope *scope)
{
  ebbL_pusherrors(L);
  lua_rawgetp(L, -1, scope);
  lua_pushnil(L);
  lua_rawsetp(L, -3, scope);
  lua_remove(L, -2);
  if (scope->lost) { /* there was no memory to keep it */
    lua_pop(L, 1);
    lua_pushliteral(L, "not enough memory");
  }
  scope->failed = scope->lost = false;
}

bool ebbL_scope_is_first_failure(lua_State *L, ebbL_scope *scope, int idx)
{
  idx = lua_absindex(L, idx);
  ebbL_pusherrors(L);
  lua_rawgetp(L, -1, scope);
  bool same = lua_rawequal(L, -1, idx);
  lua_pop(L, 2);
  return same;
}

void ebbL_scope_report_child(lua_State *L, ebbL_task *task, int error_idx,
                             int handle_idx)
{
  ebbL_pushtrace(L, task, error_idx);
  ebbL_report(L, task->S, ebbL_rt_of(task->core.rt), handle_idx, error_idx,
              lua_gettop(L));
  lua_pop(L, 1);
}

void ebbL_scope_child_ended(lua_State *L, ebbL_scope *scope, ebbL_task *task,
                            int slots)
{
  if (EBB_UNLIKELY(scope->set != NULL) && task->handle != NULL &&
      lua_checkstack(L, 16)) {
    lua_rawgeti(L, slots, task->slot);
    ebbL_join_set_ended(L, scope->set, lua_gettop(L));
    lua_pop(L, 1);
    return;
  }
  if (task->outcome != EBBL_FAILED || task->handle == NULL || scope->collect ||
      !lua_checkstack(L, 16))
    return;
  int top = lua_gettop(L);
  lua_rawgeti(L, slots, task->slot);
  ebbL_pusherror(L, top + 1);
  if (scope->isolate) {
    ebbL_scope_report_child(L, task, top + 2, top + 1);
  } else if (!scope->failed) {
    ebbL_scope_record(L, scope, top + 2);
    ebbL_scope_cancel_for(L, scope, "a sibling failed");
  } else {
    ebbL_scope_report_child(L, task, top + 2, top + 1);
  }
  lua_settop(L, top);
}

void ebbL_scope_child_left(ebbL_scope *scope, ebbL_task *task)
{
  ebb_scope_left(&scope->core, &task->core);
  task->scope = NULL;
  if (EBB_UNLIKELY(scope->set != NULL))
    ebbL_join_set_left(scope->set);
}

void ebbL_scope_body_gone(void *object)
{
  ebbL_scope *scope = object;
  scope->body = NULL;
  scope->ended = true;
}
