/* SPDX-License-Identifier: MIT */
/* Every scenario of spec/oom in a state whose allocator fails at request k: k
   alone (Lua collects and tries again), k and its retry, all from k on; and one
   whose first attempts all fail, so that every allocation collects. Blocks
   always move, and are filled before use and after. Afterwards, with memory
   back, the same state must work: no task is left, slots and slabs are as after
   a run without faults, and the closed state has given every byte back.

   One more sweep has the state on ebb's own allocator, told to refuse.

   By default request numbers are visited in steps that fit about 20 seconds;
   EBB_OOM_FULL=1 visits all, EBB_OOM_STRIDE=n every nth. EBB_OOM_ONLY=name
   runs one scenario, EBB_OOM_K=k one request, EBB_OOM_VERBOSE shows the errors
   that were met and what is said on standard error. */
#include <stdlib.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "alloc/heap.h"
#include "check.h"
#include "lua/l_rt.h"

int luaopen_ebb_core(lua_State *L);

/* --- the allocator --- */

#define N_REFUSED 64

typedef struct failing {
  long n_direct;                 /* requests of ebb itself, not through Lua */
  long n_asked, fail_at, n_fail; /* requests fail_at … fail_at + n_fail - 1 */
  bool is_armed;
  bool first_fails; /* every first attempt, instead */
  size_t refused[N_REFUSED];
  int n_refused;
  size_t live_bytes, live_blocks;
} failing;

typedef struct block {
  size_t n_bytes;
  size_t mark;
} block;

#define MARK ((size_t)0x5afeb10c)

static bool refuse_first(failing *f, size_t n_bytes)
{
  for (int i = 0; i < f->n_refused; i++) {
    if (f->refused[i] == n_bytes) {
      f->refused[i] = f->refused[--f->n_refused];
      return false;
    }
  }
  if (f->n_refused == N_REFUSED)
    f->n_refused = 0;
  f->refused[f->n_refused++] = n_bytes;
  return true;
}

static bool refuses(failing *f, size_t n_bytes)
{
  if (!f->is_armed)
    return false;
  f->n_asked++;
  if (f->first_fails)
    return refuse_first(f, n_bytes);
  return f->n_asked >= f->fail_at && f->n_asked - f->fail_at < f->n_fail;
}

static void release(failing *f, void *ptr, size_t n_bytes)
{
  if (ptr == NULL)
    return;
  block *b = (block *)ptr - 1;
  CHECK_EQ(b->mark, MARK);
  CHECK_EQ(b->n_bytes, n_bytes);
  f->live_bytes -= n_bytes;
  f->live_blocks--;
  memset(b, 0xDD, sizeof *b + n_bytes);
  free(b);
}

static void *failing_alloc(void *ud, void *ptr, size_t old_bytes,
                           size_t new_bytes)
{
  failing *f = ud;
  if (ptr == NULL)
    old_bytes = 0; /* Lua tells the kind of object here */
  if (new_bytes == 0) {
    release(f, ptr, old_bytes);
    return NULL;
  }
  if (new_bytes > old_bytes && refuses(f, new_bytes))
    return NULL;
  block *b = malloc(sizeof *b + new_bytes);
  if (b == NULL)
    return NULL;
  *b = (block){new_bytes, MARK};
  memset(b + 1, 0xAB, new_bytes);
  if (ptr != NULL)
    memcpy(b + 1, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
  f->live_bytes += new_bytes;
  f->live_blocks++;
  release(f, ptr, old_bytes);
  return b + 1;
}

/* What ebb asks for itself. It may need several blocks at a time and tries all
   of them again, so that not every first attempt can fail. */
static void *direct_alloc(void *ud, void *ptr, size_t old_bytes,
                          size_t new_bytes)
{
  failing *f = ud;
  bool first_fails = f->first_fails;
  if (first_fails && f->is_armed && new_bytes > old_bytes) {
    if (f->n_direct++ % 8 == 0)
      return NULL;
    f->first_fails = f->is_armed = false;
    void *got = failing_alloc(ud, ptr, old_bytes, new_bytes);
    f->first_fails = f->is_armed = true;
    return got;
  }
  return failing_alloc(ud, ptr, old_bytes, new_bytes);
}

/* --- scripts, compiled once --- */

typedef struct script {
  const char *name;
  bool loads;       /* the module is loaded under fault too */
  bool asks_many;   /* it cannot do with every first attempt failing */
  const char *also; /* an error that may come instead of the usual ones */
  char *code;
  size_t n_bytes;
} script;

static int keep_code(lua_State *L, const void *data, size_t n_bytes, void *ud)
{
  (void)L;
  script *s = ud;
  char *code = realloc(s->code, s->n_bytes + n_bytes);
  if (code == NULL)
    return 1;
  memcpy(code + s->n_bytes, data, n_bytes);
  s->code = code;
  s->n_bytes += n_bytes;
  return 0;
}

static bool compile(script *s)
{
  char path[128];
  snprintf(path, sizeof path, "spec/oom/%s.lua", s->name);
  lua_State *L = luaL_newstate();
  bool ok = luaL_loadfile(L, path) == LUA_OK;
  if (ok)
    ok = lua_dump(L, keep_code, s, 0) == 0;
  else
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return ok;
}

static int load(lua_State *L, const script *s)
{
  return luaL_loadbufferx(L, s->code, s->n_bytes, s->name, "b");
}

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
  c.slots[0] -= S->n_idle;
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

static script prelude = {.name = "prelude"};
static script afterwards = {.name = "afterwards"};
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

/* The state on ebb's allocator, which refuses by itself. */
static bool on_heap;

static bool heap_refuses(void *ud, size_t n_bytes)
{
  return refuses(ud, n_bytes);
}

static lua_State *new_state(failing *f, failing *behind)
{
  if (!on_heap)
    return lua_newstate(failing_alloc, f);
  ebb_heap_config config = {.backing = failing_alloc,
                            .backing_ud = behind,
                            .first_is_root = true,
                            .refuses = heap_refuses,
                            .refuses_ud = f};
  return lua_newstate(ebb_heap_alloc, ebb_heap_open(&config));
}

/* What ebb says of the errors it reports is of no interest here. */
static void hush(bool on)
{
#ifdef __GLIBC__
  static FILE *said, *nowhere;
  if (nowhere == NULL) {
    said = stderr;
    nowhere = fopen("/dev/null", "w");
  }
  stderr = on && !verbose && nowhere != NULL ? nowhere : said;
#else
  (void)on;
#endif
}

/* [function] with faults; the message of its error, if any, stays. */
static int run_armed(lua_State *L, failing *f)
{
  f->n_asked = 0;
  f->is_armed = true;
  hush(true);
  int status = lua_pcall(L, 0, 0, 0);
  hush(false);
  f->is_armed = false;
  return status;
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
    if (!on_heap)
      ebbL_state_find(L)->alloc.fn = direct_alloc;
    int status = run_armed(L, f);
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
  run_scenario(L, f, s);
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
    CHECK_EQ(now.slots[i], usual->slots[i]);
  CHECK_EQ(now.tasks, usual->tasks);
  CHECK_EQ(now.regions, usual->regions);
  CHECK_EQ(now.errors, usual->errors);
  lua_close(L);
  CHECK_EQ(f->live_bytes, 0);
  CHECK_EQ(f->live_blocks, 0);
  CHECK_EQ(behind.live_bytes, 0);
  return check_failures_here == failures;
}

/* --- the sweep --- */

static script scenarios[] = {
    {.name = "r15_open", .loads = true},
    {.name = "r02_spawn"},
    {.name = "r03_arguments"},
    {.name = "r10_errors"},
    {.name = "r11_unobserved"},
    {.name = "r13_cancel"},
    {.name = "r14_cleanups", .also = "a cleanup"},
    {.name = "r16_runtime"},
    {.name = "r06_scope"},
    {.name = "r14_scope_object"},
    {.name = "r08_select"},
    {.name = "r08_composite"},
    {.name = "r07_channel"},
    {.name = "r07_channel_growth"},
    {.name = "r07_reserve"},
    {.name = "r09_timeout"},
    {.name = "r09_timers"},
    {.name = "r13_token"},
    {.name = "r20_collected"},
    {.name = "r19_coroutine"},
    {.name = "r21_preempt"},
    {.name = "r19_guard"},
    {.name = "r19_budget"},
    {.name = "r19_quota", .asks_many = true},
    {.name = "r19_frame"},
    {.name = "r19_registry"},
    {.name = "r19_assets"},
    {.name = "r05_group"},
    {.name = "r12_deadlock"},
    {.name = "r10_step"},
    {.name = "r17_shutdown"},
    {.name = "r10_fs"},
    {.name = "r10_watch"},
    {.name = "r10_net"},
    {.name = "r10_descriptor"},
    {.name = "r10_serve"},
    {.name = "r10_udp"},
    {.name = "r10_io"},
    {.name = "r10_process"},
    {.name = "r07_sync"},
    {.name = "r05_join_set"},
    {.name = "r22_blocking"},
    {.name = "r22_thread_channel"},
};
#define N_SCENARIOS (sizeof scenarios / sizeof *scenarios)

static long n_runs, stride_wanted, only_k;
static const char *only;

static bool is_wanted(const script *s)
{
  return only == NULL || strstr(s->name, only) != NULL;
}

/* A prime step, so that neighbouring scenarios see other requests. */
static long stride_of(size_t at)
{
  static const long primes[] = {7, 11, 5, 13};
  return stride_wanted != 0 ? stride_wanted : primes[at % 4];
}

static void sweep(long n_fail)
{
  for (size_t i = 0; i < N_SCENARIOS; i++) {
    script *s = &scenarios[i];
    if (!is_wanted(s))
      continue;
    census usual;
    failing f = {.fail_at = 0};
    if (!run_one(&f, s, &usual, true)) {
      printf("  %s: fails without faults\n", s->name);
      continue;
    }
    long n = f.n_asked, n_bad = 0, step = stride_of(i);
    if (n_fail == 2 && n <= 1000 && stride_wanted == 0)
      step = 1;
    /* what is asked for again can take a run past the usual count */
    for (long k = only_k != 0 ? only_k : 1; k <= n + n / 4; k += step) {
      f = (failing){.fail_at = k, .n_fail = n_fail};
      n_runs++;
      if (!run_one(&f, s, &usual, false)) {
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
}

TEST(one_request_fails)
{
  sweep(1);
}

TEST(a_request_and_its_retry_fail)
{
  sweep(2);
}

TEST(all_requests_from_one_on_fail)
{
  sweep(1L << 60);
}

TEST(every_first_attempt_fails)
{
  for (size_t i = 0; i < N_SCENARIOS; i++) {
    census usual;
    failing f = {.fail_at = 0};
    if (!is_wanted(&scenarios[i]) || scenarios[i].asks_many ||
        !run_one(&f, &scenarios[i], &usual, true))
      continue;
    f = (failing){.first_fails = true};
    n_runs++;
    if (!run_one(&f, &scenarios[i], &usual, false))
      printf("  %s: first attempts fail\n", scenarios[i].name);
  }
}

TEST(a_request_and_its_retry_fail_on_ebbs_allocator)
{
  long stride = stride_wanted;
  if (stride == 0)
    stride_wanted = 29;
  on_heap = true;
  sweep(2);
  on_heap = false;
  stride_wanted = stride;
}

static long number_of(const char *name)
{
  const char *value = getenv(name);
  return value != NULL ? strtol(value, NULL, 10) : 0;
}

int main(void)
{
  bool ok = compile(&prelude) && compile(&afterwards);
  for (size_t i = 0; i < N_SCENARIOS; i++)
    ok = compile(&scenarios[i]) && ok;
  if (!ok)
    return 1;
  verbose = number_of("EBB_OOM_VERBOSE") != 0;
  only = getenv("EBB_OOM_ONLY");
  only_k = number_of("EBB_OOM_K");
  stride_wanted = number_of("EBB_OOM_STRIDE");
  if (number_of("EBB_OOM_FULL") != 0)
    stride_wanted = 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  RUN(every_first_attempt_fails);
  RUN(a_request_and_its_retry_fail);
  RUN(all_requests_from_one_on_fail);
  RUN(one_request_fails);
  RUN(a_request_and_its_retry_fail_on_ebbs_allocator);
  printf("%ld runs\n", n_runs);
  free(prelude.code);
  free(afterwards.code);
  for (size_t i = 0; i < N_SCENARIOS; i++)
    free(scenarios[i].code);
  return check_report();
}
