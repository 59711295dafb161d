/* SPDX-License-Identifier: MIT */
/* ebb.token: the tree is the core's; here are the reasons, and the stretches of
   code that run under a token. The core's own list of runs is not used: a
   region struck from here needs its error first. */
#include "lua/l_token.h"

#include "lua/l_report.h"

static ebbL_token *check_token(lua_State *L, int arg)
{
  return ebbL_check(L, arg, &ebbL_token_type);
}

/* [-0, +1] The cancel error of the cancelled token at idx: it is kept by the
   ancestor on which cancel was called. */
static void push_error(lua_State *L, int idx)
{
  ebbL_token *self = ebbL_touserdata(L, idx);
  luaL_checkstack(L, 6, NULL);
  lua_pushvalue(L, idx);
  while (!lua_isnil(L, -1) && ebbL_touserdata(L, -1) != self->source) {
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
  }
  if (!lua_isnil(L, -1)) {
    lua_getiuservalue(L, -1, 2);
    lua_remove(L, -2);
  }
}

void ebbL_token_pushreason(lua_State *L, int idx)
{
  push_error(L, idx);
  ebbL_pushreason(L, -1);
  lua_remove(L, -2);
}

static int push_cancelled(lua_State *L, int idx)
{
  lua_pushnil(L);
  lua_pushliteral(L, "cancelled");
  ebbL_token_pushreason(L, idx);
  return 3;
}

/* --- making one --- */

/* parent_idx: a token, or 0. */
static int new_token(lua_State *L, int parent_idx)
{
  ebbL_token *parent = parent_idx != 0 ? ebbL_touserdata(L, parent_idx) : NULL;
  ebbL_token *self =
      ebbL_newlinked(L, ebbL_S(L), &ebbL_token_type, sizeof *self, 2, 0);
  ebb_list_init(&self->runs);
  if (parent == NULL) {
    ebb_token_init(&self->token, NULL);
    return 1;
  }
  lua_pushvalue(L, parent_idx);
  lua_setiuservalue(L, -2, 1);
  /* what was let go cancels nothing any more */
  bool is_linked = !parent->closed || parent->token.cancelled;
  ebb_token_init(&self->token, is_linked ? &parent->token : NULL);
  self->source = parent->source;
  return 1;
}

static int l_token(lua_State *L)
{
  if (lua_isnoneornil(L, 1))
    return new_token(L, 0);
  check_token(L, 1);
  return new_token(L, 1);
}

static int token_child(lua_State *L)
{
  check_token(L, 1);
  return new_token(L, 1);
}

/* --- cancel --- */

typedef struct cancel {
  lua_State *L;
  ebbL_state *S;
  ebbL_token *source;
  int error_idx;
} cancel;

static void cancel_visit(ebb_token *token, void *ud)
{
  cancel *c = ud;
  ebbL_token *self = ebb_container_of(token, ebbL_token, token);
  self->source = c->source;
  ebb_list_foreach(node, &self->runs) {
    ebbL_body *body = ebb_container_of(node, ebbL_body, link);
    ebbL_strike(c->L, c->S, &body->region, c->error_idx);
  }
}

static int token_cancel(lua_State *L)
{
  ebbL_token *self = check_token(L, 1);
  if (self->closed || self->token.cancelled) {
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_settop(L, 2);
  luaL_checkstack(L, 16, NULL);
  ebbL_pushcancel(L, ebbL_S(L), 2);
  /* a collection may have run a finaliser that was faster */
  if (self->token.cancelled) {
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 1, 2);
  cancel c = {L, ebbL_S(L), self, 3};
  /* keeping the errors of struck regions may allocate: the tree must not be
     changed by finalisers meanwhile */
  bool was_running = lua_gc(L, LUA_GCISRUNNING) != 0;
  lua_gc(L, LUA_GCSTOP);
  ebb_token_cancel(&self->token, cancel_visit, &c);
  if (was_running)
    lua_gc(L, LUA_GCRESTART);
  lua_pushboolean(L, 1);
  return 1;
}

static int token_is_cancelled(lua_State *L)
{
  lua_pushboolean(L, check_token(L, 1)->token.cancelled);
  return 1;
}

/* --- waiting for it --- */

/* true, reason if it is cancelled */
static int token_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_token *self = object;
  if (!self->token.cancelled)
    return self->closed ? ebbL_pushoutcome(L, "closed") : EBBL_WAIT;
  lua_pushboolean(L, 1);
  ebbL_token_pushreason(L, at);
  return 2;
}

static void token_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_token *self = object;
  ebb_wait_link(&task->core, i, &ebb_token_class, self, &self->token.waiters,
                (uint32_t)payload);
}

static int token_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)payload;
  return token_attempt(L, task, object, at);
}

const ebbL_opclass ebbL_token_class = {"token",    token_attempt, NULL,
                                       token_link, token_settle,  0};

static int token_cancelled(lua_State *L)
{
  ebbL_token *self = check_token(L, 1);
  lua_settop(L, 1);
  return ebbL_perform(L, &ebbL_token_class, self, token_cancelled);
}

/* --- run --- */

static int run_k(lua_State *L, int status, lua_KContext ctx)
{
  if (ebbL_body_ended(L, status, (ebbL_body *)ctx)) {
    lua_pushnil(L);
    lua_pushliteral(L, "cancelled");
    ebbL_pushreason(L, -3);
    return 3;
  }
  return lua_gettop(L) - 2;
}

/* (token, fn, …): fn runs in the calling task. */
static int token_run(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_token *self = check_token(L, 1);
  ebbL_checkcallable(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, token_run);
  if (self->token.cancelled)
    return push_cancelled(L, 1);
  if (self->closed)
    return ebbL_pushoutcome(L, "closed");
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, 1); /* [msgh, token, fn, …] */
  ebbL_body *body = ebbL_body_open(L, task, EBB_REGION_TOKEN, 2);
  body->owner = self;
  ebb_list_push_back(&self->runs, &body->link);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1,
                          (lua_KContext)body, run_k);
  return run_k(L, status, (lua_KContext)body);
}

/* --- close --- */

/* Its children hang on its parent from now on; who waits for it gets
   nil, "closed"; what runs under it runs on. */
static int token_close(lua_State *L)
{
  ebbL_token *self = check_token(L, 1);
  if (self->closed)
    return 0;
  self->closed = true;
  ebb_token *token = &self->token, *parent = token->parent;
  if (parent != NULL) {
    ebb_list_foreach(node, &token->children) {
      ebb_container_of(node, ebb_token, sibling)->parent = parent;
    }
    ebb_list_splice(&parent->children, &token->children);
  }
  ebb_token_fini(token);
  ebb_wake_all(&token->waiters, EBB_ECLOSED);
  return 0;
}

/* Nobody waits and nothing runs under it, or they go down with the state; then
   its children may not have been collected yet. */
static int token_gc(lua_State *L)
{
  ebbL_token *self = check_token(L, 1);
  if (!self->closed) {
    self->closed = true;
    ebb_token_fini(&self->token);
  }
  return ebbL_let_go(L);
}

static int token_tostring(lua_State *L)
{
  ebbL_token *self = check_token(L, 1);
  if (self->token.cancelled) {
    ebbL_token_pushreason(L, 1);
    const char *reason = luaL_tolstring(L, -1, NULL);
    lua_pushfstring(L, "ebb.token: cancelled (%s)", reason);
  } else {
    lua_pushstring(L, self->closed ? "ebb.token: closed" : "ebb.token: open");
  }
  return 1;
}

void ebbL_open_token(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"token", l_token}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"cancel", token_cancel},
      {"is_cancelled", token_is_cancelled},
      {"cancelled", token_cancelled},
      {"child", token_child},
      {"run", token_run},
      {"close", token_close},
      {NULL, NULL},
  };
  static const luaL_Reg meta[] = {{"__close", token_close},
                                  {"__gc", token_gc},
                                  {"__tostring", token_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &ebbL_token_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
