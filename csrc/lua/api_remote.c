/* SPDX-License-Identifier: MIT */
/* ebb.h: functions that other threads have run on the runtime's. What arrives
   (uv/remote.h) is kept until the next ebb_step: it is called outside of Lua,
   where it may do what the host may do. */
#include "lua/api.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "uv/remote.h"

#include "ebb.h"

/* An ebb_remote of ebb.h. */
typedef struct host_remote {
  atomic_uint n_refs;
  ebb_remote *core;
  ebbL_host_rt *host; /* looked at in its own thread, while it is open */
} host_remote;

typedef struct posted {
  ebb_letter letter;
  ebbL_call call;
  ebbL_host_rt *host;
  ebb_post_fn fn;
  void *ud;
} posted;

static host_remote *remote_of(ebb_remote *remote)
{
  return (host_remote *)(void *)remote;
}

typedef struct running {
  ebb_post_fn fn;
  void *ud;
  bool has_begun;
} running;

static int run_protected(lua_State *L, void *ud)
{
  running *run = ud;
  run->has_begun = true;
  run->fn(L, run->ud);
  return 0;
}

static bool run_call(ebbL_call *call, lua_State *L)
{
  posted *self = ebb_container_of(call, posted, call);
  running run = {self->fn, self->ud, L == NULL};
  if (L == NULL)
    run.fn(NULL, run.ud);
  else
    ebbL_host_call(L, self->host->S, 0, 0, run_protected, &run);
  if (run.has_begun)
    free(self);
  return run.has_begun;
}

/* In the runtime's thread, within a poll or while the driver closes. */
static void arrive(ebb_letter *letter)
{
  posted *self = ebb_container_of(letter, posted, letter);
  ebb_list_push_back(&self->host->calls, &self->call.link);
}

ebb_remote *ebb_remote_new(ebb_runtime *runtime)
{
  ebbL_host_rt *host = (ebbL_host_rt *)runtime;
  if (ebb_backend_fd(runtime) < 0) /* opens the loop */
    return NULL;
  ebb_remote *core = ebb_remote_of(host->rt->driver);
  host_remote *self = core != NULL ? malloc(sizeof *self) : NULL;
  if (self == NULL)
    return NULL;
  ebb__remote_retain(core);
  atomic_init(&self->n_refs, 1);
  self->core = core;
  self->host = host;
  return (ebb_remote *)(void *)self;
}

void ebb_remote_retain(ebb_remote *remote)
{
  atomic_fetch_add_explicit(&remote_of(remote)->n_refs, 1,
                            memory_order_relaxed);
}

void ebb_remote_release(ebb_remote *remote)
{
  host_remote *self = remote_of(remote);
  if (self == NULL ||
      atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  ebb__remote_release(self->core);
  free(self);
}

int ebb_post(ebb_remote *remote, ebb_post_fn fn, void *ud)
{
  host_remote *self = remote_of(remote);
  posted *post = malloc(sizeof *post);
  if (post == NULL)
    return EBB_ENOMEM;
  *post = (posted){.letter.run = arrive,
                   .call.run = run_call,
                   .host = self->host,
                   .fn = fn,
                   .ud = ud};
  if (ebb_remote_post(self->core, &post->letter))
    return 0;
  free(post);
  return EBB_ECLOSED;
}
