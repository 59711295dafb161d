/* SPDX-License-Identifier: MIT */
/* ebb.thread.pool: so many workers, for calls like those of ebb.blocking. */
#include "lua/l_threads.h"

#include "lua/l_op.h"

#include <unistd.h>

typedef struct pool {
  ebbL_header head;
  ebbL_crew *crew; /* NULL once collected */
  unsigned n_workers;
  bool is_closed;
} pool;

static const ebbL_type pool_type = {"ebb.thread.pool", NULL, NULL};

static pool *check_pool(lua_State *L)
{
  return ebbL_check(L, 1, &pool_type);
}

/* What idle workers do until there is work: they stay. */
#define KEEP_S 1e9

static int l_pool(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  unsigned n_workers = (unsigned)ebbL_checkinteger(L, 1, 1, 1024);
  pool *self = ebbL_new(L, S, &pool_type, sizeof *self, 0);
  self->n_workers = n_workers;
  self->crew = ebbL_crew_new(L, S, n_workers, KEEP_S);
  return 1;
}

static int l_call(lua_State *L)
{
  pool *self = check_pool(L);
  ebbL_state *S = self->head.state;
  ebbL_check_job(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_call);
  ebbL_check_waiting(L, task);
  if (self->is_closed)
    return ebbL_error(L, "EBB072", "this pool is closed");
  return ebbL_job_call(L, task, self->crew->core, 2);
}

/* What runs goes on, and its results are still delivered; what has not begun
   fails; then the workers go. */
static void close_pool(pool *self)
{
  if (self->is_closed)
    return;
  self->is_closed = true;
  if (self->crew != NULL)
    ebb_crew_dismiss(self->crew->core);
}

static int l_close(lua_State *L)
{
  close_pool(check_pool(L));
  return 0;
}

static int pool_gc(lua_State *L)
{
  pool *self = ebbL_test(L, 1, &pool_type);
  if (self == NULL || self->crew == NULL)
    return 0;
  close_pool(self);
  self->crew->is_orphan = true;
  self->crew = NULL;
  return 0;
}

static void counts(const pool *self, ebb_crew_count *count)
{
  *count = (ebb_crew_count){0};
  if (self->crew != NULL)
    ebb_crew_counts(self->crew->core, count);
}

/* pool:workers() → how many there are at most */
static int l_workers(lua_State *L)
{
  lua_pushinteger(L, check_pool(L)->n_workers);
  return 1;
}

static int l_n_cores(lua_State *L)
{
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  lua_pushinteger(L, n < 1 ? 1 : n > 1024 ? 1024 : n);
  return 1;
}

/* pool:counts() → threads, running, queued */
static int l_counts(lua_State *L)
{
  ebb_crew_count count;
  counts(check_pool(L), &count);
  lua_pushinteger(L, count.n_threads);
  lua_pushinteger(L, count.n_running);
  lua_pushinteger(L, count.n_queued);
  return 3;
}

static int pool_tostring(lua_State *L)
{
  const pool *self = check_pool(L);
  ebb_crew_count count;
  counts(self, &count);
  lua_pushfstring(L, "ebb.thread.pool: %d running, %d queued%s",
                  (int)count.n_running, (int)count.n_queued,
                  self->is_closed ? ", closed" : "");
  return 1;
}

void ebbL_open_pool(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg internal[] = {
      {"pool", l_pool}, {"n_cores", l_n_cores}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"call", l_call},
                                     {"close", l_close},
                                     {"workers", l_workers},
                                     {"counts", l_counts},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", pool_gc},
                                  {"__close", l_close},
                                  {"__tostring", pool_tostring},
                                  {NULL, NULL}};
  lua_getfield(L, -1, "_thread");
  ebbL_setfuncs(L, S, internal);
  ebbL_newtype(L, S, &pool_type, methods, meta);
  lua_getfield(L, -1, "__index");
  lua_setfield(L, -3, "pool_methods"); /* for what is written in Lua */
  lua_pop(L, 2);
}
