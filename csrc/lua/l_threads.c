/* SPDX-License-Identifier: MIT */
/* The crews that a state has started, and their end. */
#include "lua/l_threads.h"

#include "lua/l_rt.h"
#include "lua/l_thread_chan.h"

#include <dlfcn.h>
#include <stdlib.h>

/* The module may be unloaded with the state that loaded it, while a thread that
   never came back still runs in it. */
static void pin(void)
{
#if defined(RTLD_NODELETE) && defined(RTLD_NOLOAD)
  Dl_info info;
  if (dladdr((const void *)&ebbL_trade, &info) != 0 && info.dli_fname != NULL)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
#endif
}

ebbL_threads *ebbL_threads_of(lua_State *L, ebbL_state *S)
{
  if (S->threads != NULL)
    return S->threads;
  if (S->closing)
    ebbL_error(L, "EBB052", "the state is closing");
  S->threads = calloc(1, sizeof *S->threads);
  if (S->threads == NULL)
    ebbL_nomem(L);
  ebb_list_init(&S->threads->crews);
  pin();
  return S->threads;
}

static void free_crew(ebbL_crew *crew)
{
  ebb_list_unlink(&crew->link);
  if (crew->thread != NULL)
    ebb_job_release(&crew->thread->core);
  ebb_crew_release(crew->core);
  free(crew);
}

/* Those that nobody needs and that nobody works in any more. */
static void reap(lua_State *L, ebbL_state *S)
{
  ebb_list_foreach_safe(node, &S->threads->crews) {
    ebbL_crew *crew = ebb_container_of(node, ebbL_crew, link);
    ebb_crew_count count;
    if (!crew->is_orphan)
      continue;
    ebb_crew_counts(crew->core, &count);
    if (count.n_threads == 0 && count.n_queued == 0) {
      ebb_list_unlink(&crew->link); /* a report may run any code */
      ebbL_thread_report(L, S, crew);
      free_crew(crew);
      break; /* the others next time: the list may be another */
    }
  }
}

ebbL_crew *ebbL_crew_new(lua_State *L, ebbL_state *S, unsigned max,
                         double keep_s)
{
  ebbL_threads *threads = ebbL_threads_of(L, S);
  reap(L, S);
  ebbL_crew *crew = calloc(1, sizeof *crew);
  if (crew == NULL)
    ebbL_nomem(L);
  crew->core = ebb_crew_new(&ebbL_trade, NULL, max, keep_s);
  if (crew->core == NULL) {
    free(crew);
    ebbL_nomem(L);
  }
  ebb_list_push_back(&threads->crews, &crew->link);
  return crew;
}

void ebbL_threads_counts(const ebbL_state *S, ebb_crew_count *count)
{
  *count = (ebb_crew_count){0};
  if (S->threads != NULL && S->threads->blocking != NULL)
    ebb_crew_counts(S->threads->blocking->core, count);
}

void ebbL_threads_close(lua_State *L, ebbL_state *S)
{
  ebbL_threads *self = S->threads;
  if (self == NULL)
    return;
  S->threads = NULL;
  uint64_t due_ns = ebb_driver_clock(NULL) +
                    (uint64_t)(EBBL_THREADS_GRACE_S * (double)EBB_NS_PER_S);
  ebb_list_foreach(node, &self->crews) {
    ebbL_crew *crew = ebb_container_of(node, ebbL_crew, link);
    if (crew->thread != NULL)
      ebbL_job_cancel(crew->thread);
    ebb_crew_dismiss(crew->core);
  }
  while (!ebb_list_is_empty(&self->crews)) {
    ebbL_crew *crew = ebb_container_of(self->crews.next, ebbL_crew, link);
    ebb_crew_wait(crew->core, due_ns);
    ebbL_thread_report(L, S, crew);
    free_crew(crew);
  }
  ebbL_paths_release(self->paths);
  free(self);
}

void ebbL_open_threads(lua_State *L, ebbL_state *S)
{
  lua_newtable(L);
  lua_setfield(L, -2, "_thread");
  ebbL_open_blocking(L, S);
  ebbL_open_pool(L, S);
  ebbL_open_thread(L, S);
  lua_getfield(L, -1, "_thread");
  ebbL_open_thread_chan(L, S);
  lua_pop(L, 1);
}
