/* SPDX-License-Identifier: MIT */
/* Open, run, close, again and again: nothing may stay behind (R140). Runtimes
   within a state, whole states, and states and runtimes of a C host, each with
   the programs of spec/cycles, some of which leave much unfinished. After every
   cycle: no byte of the state or of ebb's, the same number of descriptors,
   every libuv loop closed with no handle left in it; in the end the same number
   of threads, and no growth of what malloc has given out.

   EBB_CYCLES=n cycles of each kind (100). */
#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __GLIBC__
  #include <malloc.h>
#endif

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"

int luaopen_ebb_core(lua_State *L);

/* --- what is counted --- */

typedef struct counts {
  size_t live_bytes, live_blocks;
} counts;

static void *counting(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  counts *c = ud;
  if (ptr == NULL)
    old_bytes = 0; /* Lua tells the kind of object here */
  if (new_bytes == 0) {
    c->live_bytes -= old_bytes;
    c->live_blocks -= ptr != NULL;
    free(ptr);
    return NULL;
  }
  void *block = realloc(ptr, new_bytes);
  if (block != NULL) {
    c->live_bytes += new_bytes - old_bytes;
    c->live_blocks += ptr == NULL;
  }
  return block;
}

static int n_loops_open, n_loops_busy;

/* libuv's own, seen on the way. */
struct uv_loop_s;
int uv_loop_init(struct uv_loop_s *loop);
int uv_loop_close(struct uv_loop_s *loop);

static int next_call(const char *name, struct uv_loop_s *loop)
{
  int (*call)(struct uv_loop_s *);
  *(void **)&call = dlsym(RTLD_NEXT, name);
  return call(loop);
}

int uv_loop_init(struct uv_loop_s *loop)
{
  int error = next_call("uv_loop_init", loop);
  __atomic_add_fetch(&n_loops_open, error == 0, __ATOMIC_SEQ_CST);
  return error;
}

int uv_loop_close(struct uv_loop_s *loop)
{
  int error = next_call("uv_loop_close", loop);
  __atomic_sub_fetch(&n_loops_open, error == 0, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&n_loops_busy, error != 0, __ATOMIC_SEQ_CST);
  return error;
}

/* A thread that was let go may take a moment to close its own. */
static bool all_closed(void)
{
  for (int i = 0; i < 1000 && n_loops_open != 0; i++)
    poll(NULL, 0, 10);
  CHECK_EQ(n_loops_open, 0);
  return n_loops_open == 0;
}

/* Entries of a folder of /proc; -1 where there is none. */
static int entries(const char *path)
{
  DIR *dir = opendir(path);
  int n = 0;
  if (dir == NULL)
    return -1;
  while (readdir(dir) != NULL)
    n++;
  closedir(dir);
  return n;
}

/* What malloc has given out. */
static size_t given_out(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  malloc_trim(0);
  return mallinfo2().uordblks;
#else
  return 0;
#endif
}

/* --- modules, compiled once --- */

typedef struct module {
  char name[64];
  char *code;
  size_t n_bytes;
} module;

static module modules[256];
static int n_modules;

static int keep_code(lua_State *L, const void *data, size_t n_bytes, void *ud)
{
  (void)L;
  module *m = ud;
  char *code = realloc(m->code, m->n_bytes + n_bytes);
  if (code == NULL)
    return 1;
  memcpy(code + m->n_bytes, data, n_bytes);
  m->code = code;
  m->n_bytes += n_bytes;
  return 0;
}

static const char *const places[] = {"lua/%s.lua", "lua/%s/init.lua",
                                     "spec/%s.lua"};

/* [-0, +1] The module's function. */
static bool load_module(lua_State *L, const char *name)
{
  char path[128], dotted[64];
  for (int i = 0; i < n_modules; i++)
    if (strcmp(modules[i].name, name) == 0)
      return luaL_loadbufferx(L, modules[i].code, modules[i].n_bytes, name,
                              "b") == LUA_OK;
  snprintf(dotted, sizeof dotted, "%s", name);
  for (char *c = dotted; *c != '\0'; c++)
    if (*c == '.')
      *c = '/';
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, places[i], dotted);
    if (access(path, R_OK) != 0)
      continue;
    if (luaL_loadfile(L, path) != LUA_OK)
      return false;
    if (n_modules < 256 && strlen(name) < sizeof modules->name) {
      module *m = &modules[n_modules++];
      snprintf(m->name, sizeof m->name, "%s", name);
      lua_dump(L, keep_code, m, 0);
    }
    return true;
  }
  lua_pushfstring(L, "no module '%s'", name);
  return false;
}

static int l_searcher(lua_State *L)
{
  if (!load_module(L, luaL_checkstring(L, 1)) && !lua_isstring(L, -1))
    lua_pushliteral(L, "no module");
  return 1;
}

static void free_modules(void)
{
  for (int i = 0; i < n_modules; i++)
    free(modules[i].code);
}

/* The searcher for the files, and where threads find them. */
static void prepare(lua_State *L, bool with_core)
{
  luaL_openlibs(L);
  if (with_core) {
    luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
    lua_pop(L, 1);
  }
  lua_getglobal(L, "package");
  lua_pushliteral(L, "lua/?.lua;lua/?/init.lua;spec/?.lua");
  lua_setfield(L, -2, "path");
  lua_getfield(L, -1, "searchers");
  lua_pushcfunction(L, l_searcher);
  lua_rawseti(L, -2, 2);
  lua_settop(L, 0);
}

/* [-0, +1 in case of "host"] cycle.lua with its arguments. */
static bool run_cycle(lua_State *L, long cycle, const char *where)
{
  int n = strcmp(where, "host") == 0;
  bool ok = load_module(L, "cycles.cycle");
  if (ok) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "ebb");
    ok = lua_pcall(L, 1, 1, 0) == LUA_OK;
  }
  if (ok) {
    lua_pushinteger(L, cycle);
    lua_pushstring(L, where);
    ok = lua_pcall(L, 3, n, 0) == LUA_OK;
  }
  if (!ok) {
    printf("  cycle %ld: %s\n", cycle, luaL_tolstring(L, -1, NULL));
    CHECK(!"runs");
  }
  return ok;
}

/* --- the cycles --- */

static long n_cycles;

/* They have threads of all kinds behind them: libuv's stay. */
#define N_WARM 200

typedef struct baseline {
  int n_fds, n_tasks;
  size_t n_malloc;
} baseline;

static baseline before(void)
{
  return (baseline){entries("/proc/self/fd"), entries("/proc/self/task"),
                    given_out()};
}

static bool same_fds(const baseline *was, long cycle)
{
  int failures = check_failures_here;
  CHECK_EQ(entries("/proc/self/fd"), was->n_fds);
  CHECK_EQ(n_loops_busy, 0);
  if (check_failures_here != failures)
    printf("  after cycle %ld\n", cycle);
  return check_failures_here == failures;
}

static void after(const baseline *was, const char *what)
{
  /* what was cancelled on a thread may take a moment to end */
  for (int i = 0; i < 500 && entries("/proc/self/task") > was->n_tasks; i++)
    poll(NULL, 0, 10);
  CHECK(entries("/proc/self/task") <= was->n_tasks);
  size_t now = given_out();
  printf("%s: %ld cycles, descriptors %d, threads %d, malloc %+ld bytes\n",
         what, n_cycles, entries("/proc/self/fd") - was->n_fds,
         entries("/proc/self/task") - was->n_tasks,
         (long)(now - was->n_malloc));
  /* what the caches of threads hold is no leak */
  CHECK((long)(now - was->n_malloc) < 262144 + n_cycles);
}

static size_t lua_bytes(lua_State *L)
{
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT);
  return (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 +
         (size_t)lua_gc(L, LUA_GCCOUNTB);
}

TEST(runtimes_of_a_state)
{
  counts c = {0};
  lua_State *L = lua_newstate(counting, &c);
  prepare(L, true);
  for (long i = 0; i < N_WARM; i++)
    if (!run_cycle(L, i, "runtime"))
      break;
  size_t lua_before = lua_bytes(L), ours_before = c.live_bytes;
  all_closed();
  baseline was = before();
  for (long i = 0; i < n_cycles; i++) {
    if (!run_cycle(L, i, "runtime") || !all_closed())
      break;
    if (i % 10 == 0) {
      lua_gc(L, LUA_GCCOLLECT); /* files nobody closed */
      if (!same_fds(&was, i))
        break;
    }
  }
  size_t lua_after = lua_bytes(L), ours_after = c.live_bytes;
  printf("runtimes: Lua %+ld bytes, with ebb's own %+ld\n",
         (long)(lua_after - lua_before), (long)(ours_after - ours_before));
  CHECK((long)(lua_after - lua_before) < 1024);
  CHECK((long)(ours_after - ours_before) < 1024);
  after(&was, "runtimes");
  lua_close(L);
  CHECK_EQ(c.live_bytes, 0);
  CHECK_EQ(c.live_blocks, 0);
}

static void one_state(long cycle)
{
  counts c = {0};
  lua_State *L = lua_newstate(counting, &c);
  prepare(L, true);
  run_cycle(L, cycle, "state");
  lua_close(L);
  CHECK_EQ(c.live_bytes, 0);
  CHECK_EQ(c.live_blocks, 0);
  all_closed();
}

static void quiet(void *ud, const char *message)
{
  (void)ud;
  (void)message;
}

/* Half of them are closed by lua_close first, with everything under way. */
static void one_host(long cycle)
{
  counts c = {0};
  ebb_alloc_config memory = {.backing = counting, .backing_ud = &c};
  ebb_config config = {
      .size = sizeof config, .log = quiet, .alloc = counting, .alloc_ud = &c};
  lua_State *L = ebb_newstate(&memory);
  prepare(L, false);
  lua_settop(L, 0);
  ebb_runtime *rt = ebb_open(L, &config);
  CHECK(rt != NULL);
  if (rt == NULL || !run_cycle(L, cycle, "host"))
    return;
  ebb_task *task = ebb_spawn(rt, L, 0);
  struct pollfd fd = {.fd = ebb_backend_fd(rt), .events = POLLIN};
  for (int i = 0; i < 20000; i++) {
    CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, EBB_MEASURED, NULL), 0);
    if (ebb_task_status(task) != EBB_TASK_ALIVE)
      break;
    if (i > 5)
      poll(&fd, 1, ebb_next_deadline(rt) == 0 ? 0 : 1);
  }
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  if (ebb_task_status(task) == EBB_TASK_FAILED) {
    ebb_task_results(task, L);
    printf("  cycle %ld: %s\n", cycle, luaL_tolstring(L, -1, NULL));
  }
  ebb_task_release(task);
  if (cycle % 4 < 2) {
    CHECK_EQ(ebb_close(rt), 0);
    lua_close(L);
  } else {
    lua_close(L);
    CHECK_EQ(ebb_close(rt), 0);
  }
  CHECK_EQ(c.live_bytes, 0);
  all_closed();
}

static void cycle_all(void (*one)(long), const char *what)
{
  for (long i = 0; i < N_WARM && check_failures_here == 0;
       i += n_cycles < N_WARM ? 25 : 1)
    one(i);
  baseline was = before();
  for (long i = 0; i < n_cycles && check_failures_here == 0; i++) {
    one(i);
    same_fds(&was, i);
  }
  after(&was, what);
}

TEST(states)
{
  cycle_all(one_state, "states");
}

TEST(hosts)
{
  cycle_all(one_host, "hosts");
}

int main(void)
{
  const char *value = getenv("EBB_CYCLES");
  n_cycles = value != NULL ? strtol(value, NULL, 10) : 100;
  setvbuf(stdout, NULL, _IOLBF, 0);
  RUN(runtimes_of_a_state);
  RUN(states);
  RUN(hosts);
  free_modules();
  return check_report();
}
