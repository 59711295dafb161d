/* SPDX-License-Identifier: MIT */
/* Every scenario of spec/oom/scenarios.lua in a state whose allocator fails at
   request k: k alone (Lua collects and tries again), k and its retry, all from
   k on. Four times: the allocator is an ordinary one; it is ebb's, which
   refuses by itself; ebb's, whose pages and large blocks cannot be had; ebb's,
   installed in a state that had another. Then malloc fails so, where ebb's own
   files ask it, on any thread. And once so that all first attempts fail and
   every allocation collects. Afterwards, with memory back, the same state must
   work: no task is left, slots and slabs are as after a run without faults, and
   the closed state has given every byte back.

   By default so many requests of each scenario are visited that it takes half
   a minute. EBB_OOM_POINTS=n allows n of them (of a plain allocator, pairs; the
   rest in proportion), EBB_OOM_STRIDE=n visits every nth, all with 1.
   EBB_OOM_ONLY=name runs one scenario, EBB_OOM_K=k one request,
   EBB_OOM_VERBOSE=1 shows the errors that were met and what is said on standard
   error. */
#include <stdlib.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"
#include "lua/l_heap.h"
#include "lua/l_rt.h"
#include "oom_alloc.h"
#include "oom_host.h"
#include "oom_script.h"

/* --- what must be the same after every run --- */

typedef struct census {
  size_t slots[4]; /* in use; of single ones without idle coroutines */
  size_t tasks, regions, errors;
} census;

static census count(lua_State *L)
{
  census c = {0};
  ebbL_state *S = ebbL_state_find(L);
  for (int i = 0; i < 4; i++)
    c.slots[i] = S->blocks[i].n_blocks - S->blocks[i].n_free;
  c.slots[0] -= S->n_idle + S->n_pins;
  ebb_list_foreach(node, &S->runtimes)
    c.slots[0]--;
  c.tasks = S->tasks.n_live;
  c.regions = S->regions.n_live;
  ebbL_pusherrors(L);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    c.errors++;
  lua_pop(L, 1);
  CHECK(S->current == NULL);
  CHECK(S->driving == NULL);
  CHECK(S->from == NULL);
  return c;
}

/* --- one run --- */

static bool verbose;

static int run_prelude(lua_State *L)
{
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_pop(L, 1);
  if (load(L, &prelude) != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

typedef enum mode { PLAIN, HEAP, PAGES, INSTALLED, MALLOC } mode;

static mode with;

/* f refuses what the mode is about; what `behind` gives is only counted. */
static lua_State *new_state(failing *f, failing *behind)
{
  if (with == PLAIN || with == INSTALLED)
    return lua_newstate(failing_alloc, f);
  if (with == MALLOC)
    return lua_newstate(failing_alloc, behind);
  ebb_heap_config config = {.backing = failing_alloc,
                            .backing_ud = with == HEAP ? behind : f,
                            .first_is_root = true};
  if (with == HEAP) {
    config.refuses = heap_refuses;
    config.refuses_ud = f;
  }
  return lua_newstate(ebb_heap_alloc, ebb_heap_open(&config));
}

/* The heap whose pages are to fail, full; or NULL. */
static ebb_heap *prepare(lua_State *L, failing *f, filling *fill)
{
  ebbL_state *S = ebbL_state_find(L);
  if (with == PLAIN)
    S->alloc.fn = direct_alloc;
  if (with == INSTALLED)
    CHECK_EQ(luaL_dostring(L, "ebb.alloc.install()"), LUA_OK);
  if (with != PAGES && with != INSTALLED)
    return NULL;
  /* libraries of checkers have it without pages */
  if (with == PAGES || !ebbL_heap_is_unpaged())
    heap_fill(S->heap, fill);
  ebb_heap_set_refuses_page(S->heap, heap_refuses_page, f);
  return S->heap;
}

/* [function] with faults; the message of its error, if any, stays. */
static int run_armed(lua_State *L, failing *f)
{
  f->n_asked = 0;
  f->is_armed = true;
#if defined(EBB_OOM_WRAP)
  if (with == MALLOC)
    malloc_arm(f);
#endif
  hush(!verbose);
  int status = lua_pcall(L, 0, 0, 0);
  hush(false);
#if defined(EBB_OOM_WRAP)
  malloc_arm(NULL);
#endif
  f->is_armed = false;
  return status;
}

/* A finaliser that Lua cannot call is lost: it warns, and what the finaliser
   would have given back stays until the state closes. */
static int n_lost;

static void count_lost(void *ud, const char *message, int to_be_continued)
{
  failing *f = ud;
  (void)to_be_continued;
  if (f->is_armed && strstr(message, "__gc") != NULL)
    n_lost++;
}

static bool is_as(size_t now, size_t usual)
{
  return now == usual || (n_lost > 0 && now > usual);
}

static bool is_expected(lua_State *L, const script *s)
{
  const char *message = luaL_tolstring(L, -1, NULL);
  static const char *const usual[] = {"not enough memory",
                                      "was cancelled",
                                      "deadlock: all tasks are waiting",
                                      "error in error handling",
                                      "stack overflow",
                                      "too many "};
  bool ok = s->also != NULL && strstr(message, s->also) != NULL;
  for (int i = 0; i < 6 && !ok; i++)
    ok = strstr(message, usual[i]) != NULL;
  if (!ok || verbose)
    printf("  %s: %.300s\n", s->name, message);
  lua_pop(L, 1);
  return ok;
}

static void run_scenario(lua_State *L, failing *f, const script *s)
{
  bool had_fault;
  if (s->loads) {
    lua_pushcfunction(L, run_prelude);
    if (run_armed(L, f) != LUA_OK)
      CHECK(is_expected(L, s));
    had_fault = f->first_fails || f->n_asked >= f->fail_at;
    lua_settop(L, 0);
    lua_pushcfunction(L, run_prelude);
    CHECK_EQ(lua_pcall(L, 0, 0, 0), LUA_OK);
  } else {
    lua_pushcfunction(L, run_prelude);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
      printf("%s\n", lua_tostring(L, -1));
      CHECK(!"loaded");
      return;
    }
    CHECK_EQ(load(L, s), LUA_OK);
    lua_pushboolean(L, f->fail_at > 0);
    lua_setglobal(L, "faults"); /* then a task's share may be missing */
    static filling fill;
    memset(&fill, 0, sizeof fill);
    ebb_heap *heap = prepare(L, f, &fill);
    int status = run_armed(L, f);
    if (heap != NULL) {
      ebb_heap_set_refuses_page(heap, NULL, NULL);
      heap_unfill(heap, &fill);
    }
    had_fault = !f->first_fails && f->fail_at > 0 && f->n_asked >= f->fail_at;
    if (status != LUA_OK) {
      if (!had_fault)
        printf("  %s: %s\n", s->name, luaL_tolstring(L, -1, NULL));
      CHECK(had_fault);
      if (had_fault)
        CHECK(is_expected(L, s));
    }
  }
  lua_settop(L, 0);
}

/* Runs scenario s with the faults set up in f; true when all was well. */
static bool run_one(failing *f, const script *s, census *usual, bool is_first)
{
  int failures = check_failures_here;
  failing behind = {0};
  lua_State *L = new_state(f, &behind);
  luaL_openlibs(L);
  search_modules(L);
  open_host(L, f);
  n_lost = 0;
  lua_setwarnf(L, count_lost, f);
  run_scenario(L, f, s);
  lua_pushboolean(L, n_lost > 0);
  lua_setglobal(L, "lost");
  if (load(L, &afterwards) != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK) {
    printf("  %s, afterwards: %s\n", s->name, luaL_tolstring(L, -1, NULL));
    CHECK(!"works afterwards");
  }
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT);
  census now = count(L);
  if (is_first)
    *usual = now;
  for (int i = 0; i < 4; i++)
    CHECK(is_as(now.slots[i], usual->slots[i]));
  CHECK_EQ(now.tasks, usual->tasks);
  CHECK_EQ(now.regions, usual->regions);
  CHECK(is_as(now.errors, usual->errors));
  lua_close(L);
  CHECK_EQ(f->live_bytes, 0);
  CHECK_EQ(f->live_blocks, 0);
  CHECK_EQ(behind.live_blocks, 0);
  return check_failures_here == failures;
}

/* --- the sweep --- */

static long n_runs, n_refusals, n_bad_runs, points_wanted, stride_wanted,
    only_k;
static const char *only;

static bool is_wanted(const script *s)
{
  return only == NULL || strstr(s->name, only) != NULL;
}

/* n requests in at most n_points steps, which begin somewhere else in each
   scenario. */
static long stride_of(long n, long n_points)
{
  if (stride_wanted != 0)
    return stride_wanted;
  return n <= n_points ? 1 : (n + n_points - 1) / n_points;
}

static bool run_counted(failing *f, const script *s, census *usual)
{
  bool ok = run_one(f, s, usual, false);
  n_runs++;
  n_refusals += f->n_refusals;
  n_bad_runs += !ok;
  return ok;
}

/* Every request of s that is to be visited. */
static void sweep_scenario(size_t at, long n_fail, long n_points)
{
  const script *s = &scenarios[at];
  census usual;
  failing f = {.fail_at = 0};
  if (!run_one(&f, s, &usual, true)) {
    printf("  %s: fails without faults\n", s->name);
    return;
  }
  long n = f.n_asked, n_bad = 0, step = stride_of(n, n_points);
  /* what is asked for again can take a run past the usual count */
  for (long k = only_k != 0 ? only_k : 1 + (long)at % step; k <= n + n / 4;
       k += step) {
    f = (failing){.fail_at = k, .n_fail = n_fail};
    if (!run_counted(&f, s, &usual)) {
      printf("  %s: request %ld of %ld, %ld fail\n", s->name, k, n, n_fail);
      if (++n_bad == 5)
        break;
    }
    if (f.n_asked < k || only_k != 0)
      break;
  }
  if (verbose)
    printf("%s: %ld requests\n", s->name, n);
}

/* n_points of the pairs, half as many (maybe none) of the others. */
static void sweep(const char *what, mode of, long n_points)
{
  static const struct {
    const char *name;
    long n_fail;
  } windows[] = {{"one", 1}, {"a pair", 2}, {"all from one on", 1L << 60}};
  with = of;
  for (int w = 0; w < 3; w++) {
    long runs = n_runs, refusals = n_refusals, bad = n_bad_runs;
    long n = w == 1 ? n_points : n_points / 2;
    if (n == 0 && stride_wanted == 0)
      continue;
    for (size_t i = 0; i < n_scenarios; i++)
      if (is_wanted(&scenarios[i]))
        sweep_scenario(i, windows[w].n_fail, n);
    printf("%s, %s: %zu scenarios, %ld points of failure, %ld refusals, "
           "%ld failures\n",
           what, windows[w].name, n_scenarios, n_runs - runs,
           n_refusals - refusals, n_bad_runs - bad);
  }
  with = PLAIN;
}

TEST(every_first_attempt_fails)
{
  long bad = n_bad_runs, runs = n_runs, refusals = n_refusals;
  for (size_t i = 0; i < n_scenarios; i++) {
    census usual;
    failing f = {.fail_at = 0};
    if (!is_wanted(&scenarios[i]) || scenarios[i].asks_many ||
        !run_one(&f, &scenarios[i], &usual, true))
      continue;
    f = (failing){.first_fails = true};
    if (!run_counted(&f, &scenarios[i], &usual))
      printf("  %s: first attempts fail\n", scenarios[i].name);
  }
  printf("first attempts: %ld scenarios, %ld refusals, %ld failures\n",
         n_runs - runs, n_refusals - refusals, n_bad_runs - bad);
}

TEST(an_ordinary_allocator)
{
  sweep("an ordinary allocator", PLAIN, points_wanted);
}

TEST(ebbs_allocator_refuses)
{
  sweep("ebb's allocator", HEAP, (points_wanted + 2) / 3);
}

TEST(no_pages_for_ebbs_allocator)
{
  sweep("its pages", PAGES, (points_wanted + 5) / 6);
}

TEST(no_pages_for_ebbs_allocator_where_it_was_installed)
{
  sweep("its pages, installed", INSTALLED, (points_wanted + 5) / 6);
}

#if defined(EBB_OOM_WRAP)
TEST(malloc_of_ebbs_own)
{
  sweep("malloc", MALLOC, (points_wanted + 2) / 3);
}
#endif

static long number_of(const char *name, long usual)
{
  const char *value = getenv(name);
  return value != NULL && *value != '\0' ? strtol(value, NULL, 10) : usual;
}

int main(void)
{
  if (!read_scripts())
    return 1;
  verbose = number_of("EBB_OOM_VERBOSE", 0) != 0;
  only = getenv("EBB_OOM_ONLY");
  only_k = number_of("EBB_OOM_K", 0);
  points_wanted = number_of("EBB_OOM_POINTS", 30);
  stride_wanted = number_of("EBB_OOM_STRIDE", 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  RUN(every_first_attempt_fails);
  RUN(an_ordinary_allocator);
  RUN(ebbs_allocator_refuses);
  RUN(no_pages_for_ebbs_allocator);
  RUN(no_pages_for_ebbs_allocator_where_it_was_installed);
#if defined(EBB_OOM_WRAP)
  RUN(malloc_of_ebbs_own);
#endif
  printf("%zu scenarios, %ld points of failure, %ld refusals, %ld failures\n",
         n_scenarios, n_runs, n_refusals, n_bad_runs);
  free_scripts();
  return check_report();
}
