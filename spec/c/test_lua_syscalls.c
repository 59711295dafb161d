/* SPDX-License-Identifier: MIT */
/* Every scenario of spec/syscalls/scenarios.lua with call k of one function of
   libc failing, for each k, each function it calls, each error that function
   may have (faulty_calls.c): once, and from the first call on. The scenario
   ends with its result, or with an outcome or a coded error; an error that a
   caller never hears of (EINTR and the like) must change nothing. And with
   everything that is read or written one byte at a time, and with every other
   such call interrupted or not ready: the results must be the same.

   Afterwards, without failures, the state has nothing left, and the same
   scenario has the right result in it. When it is closed, no byte, descriptor,
   child or thread is left.

   By default so many points of each scenario are visited that it takes half a
   minute. EBB_SYSCALLS_POINTS=n allows n of them, EBB_LONG=1 visits all;
   EBB_SYSCALLS_STRIDE=n every nth of these.
   EBB_SYSCALLS_ONLY=name runs one scenario, EBB_SYSCALLS_CALL=name one
   function, EBB_SYSCALLS_K=k one call, EBB_SYSCALLS_VERBOSE=1 shows the errors
   that were met, =2 each point before it is run. */
#define SCRIPTS "spec/syscalls"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "faulty_calls.h"
#include "lua/l_rt.h"
#include "oom_script.h"
#include "uv/error.h"

int luaopen_ebb_core(lua_State *L);

/* What would make libuv abort, or is not what a system does. */
static const char *const left_out[] = {
    "epoll_wait, waitpid: errors but EINTR (libuv aborts)",
    "epoll_ctl but for asking what can be polled (libuv aborts)",
    "libuv's own wake-ups and signals' pipes: errors but EINTR (it aborts)",
    "sigaction back to the default, pthread_sigmask (libuv aborts)",
    "pipe2 in a child before its program (libuv aborts)",
    "threads and locks of libuv's pool, when it starts (libuv aborts)",
    "waitpid, kill: no such process (there is one, and nobody would wait)",
};

static int verbose;
static const char *only, *only_call;
static long only_k, stride, points_wanted, n_points, n_failed_calls, n_bad_runs;

/* --- where it is ---------------------------------------------------------- */

static char point[200];

static void tell(int number)
{
  static const char hung[] = "hangs: ", died[] = "dies: ";
  if (number == SIGALRM)
    (void)!write(STDOUT_FILENO, hung, sizeof hung - 1);
  else
    (void)!write(STDOUT_FILENO, died, sizeof died - 1);
  (void)!write(STDOUT_FILENO, point, strlen(point));
  (void)!write(STDOUT_FILENO, "\n", 1);
  if (number == SIGALRM)
    _exit(1);
  signal(number, SIG_DFL);
  raise(number);
}

/* ASan calls it before it says anything. */
void __asan_on_error(void);
void __asan_on_error(void)
{
  printf("%s\n", point);
}

static const char *name_of(int call, int error)
{
  static const struct {
    int error;
    const char *name;
  } names[] = {{EAI_AGAIN, "EAI_AGAIN"},
               {EAI_NONAME, "EAI_NONAME"},
               {EAI_MEMORY, "EAI_MEMORY"},
               {EAI_FAIL, "EAI_FAIL"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (error < 0 && names[i].error == error)
      return names[i].name;
  (void)call;
  return error == 0 ? "nothing" : strerror(error);
}

static void set_point(const script *s, const faulty_plan *plan)
{
  if (plan->call >= 0)
    snprintf(point, sizeof point, "%s, %s %ld%s: %s", s->name,
             faulty_calls[plan->call].name, plan->k,
             plan->n > 1 ? " and all after it" : "",
             name_of(plan->call, plan->error));
  else
    snprintf(point, sizeof point, "%s%s%s%s", s->name,
             plan->is_short ? ", a byte at a time" : "",
             plan->first_error != 0 ? ", every other one: " : "",
             plan->first_error != 0 ? strerror(plan->first_error) : "");
  if (verbose > 1)
    printf("%s\n", point);
}

/* --- memory --------------------------------------------------------------- */

typedef struct tally {
  size_t live_bytes, live_blocks;
} tally;

static void *counting_alloc(void *ud, void *ptr, size_t old_bytes,
                            size_t new_bytes)
{
  tally *f = ud;
  if (ptr == NULL)
    old_bytes = 0; /* Lua tells the kind of object here */
  void *to = new_bytes == 0 ? NULL : realloc(ptr, new_bytes);
  if (new_bytes == 0)
    free(ptr);
  else if (to == NULL)
    return NULL;
  f->live_bytes += new_bytes - old_bytes;
  f->live_blocks += (new_bytes > 0) - (old_bytes > 0);
  return to;
}

/* --- what must be the same afterwards ------------------------------------- */

static int count_entries(const char *path, char *names, size_t n_bytes)
{
  DIR *dir = opendir(path);
  int n = 0;
  size_t at = 0;
  if (dir == NULL)
    return 0;
  const struct dirent *entry;
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.')
      continue;
    n++;
    char full[300], target[100];
    snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
    ssize_t length = readlink(full, target, sizeof target - 1);
    if (names != NULL && length > 0 && at < n_bytes)
      at += (size_t)snprintf(names + at, n_bytes - at, " %s=%.*s",
                             entry->d_name, (int)length, target);
  }
  closedir(dir);
  return n;
}

static void nap(void)
{
  struct timespec span = {0, 1000000};
  nanosleep(&span, NULL);
}

/* Threads need a moment to be gone, children to be taken. */
static bool has_threads(int n)
{
  for (int i = 0; i < 5000; i++, nap())
    if (count_entries("/proc/self/task", NULL, 0) <= n)
      return false;
  return true;
}

static bool has_children(void)
{
  int status;
  return waitpid(-1, &status, WNOHANG) >= 0;
}

/* The scenarios' folder. */
static char folder[] = "/tmp/ebb-syscalls-XXXXXX";

static void empty(const char *path)
{
  DIR *dir = opendir(path);
  if (dir == NULL)
    return;
  const struct dirent *entry;
  while ((entry = readdir(dir)) != NULL) {
    char full[400];
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
    if (unlink(full) != 0) {
      empty(full);
      rmdir(full);
    }
  }
  closedir(dir);
}

/* --- one run -------------------------------------------------------------- */

static int run_prelude(lua_State *L)
{
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_pop(L, 1);
  if (load(L, &prelude) != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

static bool is_listed(const int *list, int error)
{
  for (int i = 0; i < FAULTY_ERRORS && list[i] != 0; i++)
    if (list[i] == error)
      return true;
  return false;
}

/* Nobody hears of it; programs for LuaSocket do of more. */
static bool is_unseen(const script *s, const faulty_plan *plan)
{
  if (s->is_raw && plan->call >= 0 &&
      strcmp(faulty_calls[plan->call].name, "accept4") == 0)
    return plan->error == EINTR || plan->error == EAGAIN ||
           plan->error == ECONNABORTED;
  return plan->call < 0 ||
         is_listed(faulty_calls[plan->call].unseen, plan->error);
}

/* An outcome that the scenario passed on, or an error that names what the
   matter was, or has a code. */
static bool is_expected(const char *message, const faulty_plan *plan)
{
  bool is_memory =
      plan->error == ENOMEM || plan->error == EAI_MEMORY ||
      strcmp(faulty_calls[plan->call].name, "pthread_mutex_init") == 0;
  ebb_uv_error words;
  ebb_uv_error_of(ebb_uv_error_code(plan->error), &words);
  return strstr(message, words.name) != NULL ||
         (is_memory && strstr(message, "not enough memory") != NULL) ||
         strstr(message, "outcome: ") != NULL ||
         (strstr(message, "EBB0") != NULL && strstr(message, "EBB042") == NULL);
}

static bool call_script(lua_State *L, const script *s, bool has_faults)
{
  lua_pushboolean(L, has_faults);
  lua_setglobal(L, "faults");
  lua_pushstring(L, folder);
  lua_setglobal(L, "dir");
  if (load(L, s) != LUA_OK)
    return false;
  return lua_pcall(L, 0, 0, 0) == LUA_OK;
}

static void check_result(lua_State *L, const script *s, bool ok,
                         const faulty_plan *plan)
{
  const char *message = ok ? "" : luaL_tolstring(L, -1, NULL);
  bool is_right = ok || (faulty_failures() > 0 && !is_unseen(s, plan) &&
                         is_expected(message, plan));
  if (!is_right || (verbose && !ok))
    printf("%s%s: %.300s\n", is_right ? "  " : "WRONG: ", point, message);
  CHECK(is_right);
  lua_settop(L, 0);
}

static void run_again(lua_State *L, const script *s)
{
  const script *const each[] = {&afterwards, s, &afterwards};
  for (int i = 0; i < 3; i++) {
    empty(folder);
    if (call_script(L, each[i], false))
      continue;
    printf("  %s, afterwards: %s\n", point, luaL_tolstring(L, -1, NULL));
    CHECK(!"works afterwards");
    lua_settop(L, 0);
  }
}

static int n_threads;

static lua_State *open_state(tally *f)
{
  lua_State *L = lua_newstate(counting_alloc, f);
  luaL_openlibs(L);
  search_modules(L);
  lua_pushcfunction(L, run_prelude);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    printf("%s: %s\n", point, luaL_tolstring(L, -1, NULL));
    CHECK(!"loaded");
    lua_settop(L, 0);
  }
  return L;
}

/* counts: of the calls, or NULL. */
static bool run_one(const script *s, const faulty_plan *plan, long *counts)
{
  int failures = check_failures_here;
  char names[2000] = "";
  set_point(s, plan);
  alarm(60);
  empty(folder);
  int n_fds = count_entries("/proc/self/fd", NULL, 0);
  tally f = {0};
  lua_State *L = open_state(&f);
  hush(!verbose);
  faulty_arm(plan);
  bool ok = call_script(L, s, true);
  if (!s->closes)
    faulty_disarm();
  for (int i = 0; counts != NULL && i < n_faulty_calls; i++)
    counts[i] = faulty_count(i);
  check_result(L, s, ok, plan);
  if (!s->closes)
    run_again(L, s);
  lua_close(L);
  faulty_disarm();
  hush(false);
  CHECK_EQ(f.live_bytes, 0);
  CHECK_EQ(f.live_blocks, 0);
  int n_left = count_entries("/proc/self/fd", names, sizeof names);
  CHECK(n_threads == 0 || n_left == n_fds);
  if (n_threads > 0 && n_left != n_fds)
    printf("  %s: descriptors:%s\n", point, names);
  CHECK(!has_children());
  if (n_threads > 0)
    CHECK(!has_threads(n_threads));
  alarm(0);
  n_points++;
  n_failed_calls += faulty_failures();
  ok = check_failures_here == failures;
  n_bad_runs += !ok;
  if (!ok)
    printf("  %s\n", point);
  return ok;
}

/* --- the sweep ------------------------------------------------------------ */

static bool is_wanted(const script *s)
{
  return only == NULL || strcmp(s->name, only) == 0;
}

static bool is_wanted_call(int call)
{
  return only_call == NULL || strcmp(faulty_calls[call].name, only_call) == 0;
}

static long n_errors_of(int call)
{
  long n = 0;
  while (n < FAULTY_ERRORS && faulty_calls[call].errors[n] != 0)
    n++;
  return n;
}

/* How many of the calls of a function can be visited with each error, for the
   points that there are. */
static long n_visits(const long *counts)
{
  for (long n = 1;; n++) {
    long sum = 0, more = 0;
    for (int i = 0; i < n_faulty_calls; i++) {
      sum += (counts[i] < n ? counts[i] : n) * n_errors_of(i);
      more += counts[i] > n;
    }
    if (more == 0 || points_wanted == 0)
      return LONG_MAX;
    if (sum > points_wanted)
      return n > 1 ? n - 1 : 1;
  }
}

/* Every stride-th of all points. */
static bool is_next(void)
{
  static long n_seen;
  return ++n_seen % stride == 0;
}

static void sweep_error(const script *s, int call, int error, long n_calls,
                        long n)
{
  long n_bad = 0;
  if (n > n_calls)
    n = n_calls;
  for (long i = 0; i < n && n_bad < 3; i++) {
    long k = only_k != 0 ? only_k : 1 + i * n_calls / n;
    faulty_plan plan = {.call = call, .error = error, .k = k, .n = 1};
    if (is_next())
      n_bad += !run_one(s, &plan, NULL);
    if (only_k != 0)
      break;
  }
  faulty_plan all = {.call = call, .error = error, .k = 1, .n = LONG_MAX};
  if (only_k == 0 && !is_unseen(s, &all) && is_next())
    run_one(s, &all, NULL);
}

static bool is_called[200];

static void sweep_scenario(const script *s)
{
  long *counts = calloc((size_t)n_faulty_calls, sizeof *counts);
  faulty_plan none = {.call = -1};
  if (counts == NULL || !run_one(s, &none, counts)) {
    printf("  %s: fails without failures\n", s->name);
    free(counts);
    return;
  }
  long n = n_visits(counts), before = n_points;
  for (int call = 0; call < n_faulty_calls; call++) {
    const int *errors = faulty_calls[call].errors;
    if (counts[call] == 0 || !is_wanted_call(call))
      continue;
    is_called[call] = true;
    for (int i = 0; i < FAULTY_ERRORS && errors[i] != 0; i++)
      sweep_error(s, call, errors[i], counts[call], n);
  }
  printf("%s: %ld points\n", s->name, n_points - before);
  free(counts);
}

/* The first runs start what stays: libuv's threads. */
TEST(without_failures)
{
  faulty_plan none = {.call = -1};
  for (size_t i = 0; i < n_scenarios; i++)
    run_one(&scenarios[i], &none, NULL);
  n_threads = count_entries("/proc/self/task", NULL, 0);
  nap();
}

TEST(one_call_fails)
{
  for (size_t i = 0; i < n_scenarios; i++)
    if (is_wanted(&scenarios[i]))
      sweep_scenario(&scenarios[i]);
}

TEST(in_pieces)
{
  static const faulty_plan plans[] = {
      {.call = -1, .is_short = true},
      {.call = -1, .first_error = EINTR},
      {.call = -1, .first_error = EAGAIN},
      {.call = -1, .first_error = EINTR, .is_short = true}};
  for (size_t i = 0; i < n_scenarios && only_call == NULL; i++)
    for (int j = 0; j < 4 && is_wanted(&scenarios[i]); j++)
      run_one(&scenarios[i], &plans[j], NULL);
}

static long number_of(const char *name, long usual)
{
  const char *value = getenv(name);
  return value != NULL && *value != '\0' ? strtol(value, NULL, 10) : usual;
}

int main(void)
{
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!faulty_open()) {
    printf("skipped: libuv is not a library of its own here\n");
    return check_report();
  }
  if (!read_scripts() || mkdtemp(folder) == NULL)
    return 1;
  verbose = (int)number_of("EBB_SYSCALLS_VERBOSE", 0);
  only = getenv("EBB_SYSCALLS_ONLY");
  only_call = getenv("EBB_SYSCALLS_CALL");
  stride = number_of("EBB_SYSCALLS_STRIDE", 1);
  only_k = number_of("EBB_SYSCALLS_K", 0);
  const char *is_long = getenv("EBB_LONG");
  points_wanted = is_long != NULL && *is_long != 0
                      ? 0
                      : number_of("EBB_SYSCALLS_POINTS", 200);
  signal(SIGALRM, tell);
  signal(SIGABRT, tell);
  RUN(without_failures);
  RUN(one_call_fails);
  RUN(in_pieces);
  int n_calls = 0;
  for (int i = 0; i < n_faulty_calls; i++)
    n_calls += is_called[i];
  for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
    printf("left out: %s\n", left_out[i]);
  printf("%zu scenarios, %d functions, %ld points, %ld calls failed, "
         "%ld failures\n",
         n_scenarios, n_calls, n_points, n_failed_calls, n_bad_runs);
  free_scripts();
  empty(folder);
  rmdir(folder);
  return check_report();
}
