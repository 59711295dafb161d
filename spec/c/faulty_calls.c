/* SPDX-License-Identifier: MIT */
#include "faulty_calls.h"

#if defined(__linux__)

  #include <dlfcn.h>
  #include <fcntl.h>
  #include <link.h>
  #include <stdatomic.h>
  #include <stdint.h>
  #include <sys/mman.h>
  #include <sys/socket.h>
  #include <sys/stat.h>
  #include <sys/types.h>
  #include <unistd.h>

  #include "faulty_parts.h"

  #define ENTRY(name, gives_code, errors, unseen)                              \
    {#name, gives_code, errors, unseen},
const faulty_call faulty_calls[] = {CALLS(ENTRY)};
  #undef ENTRY
const int n_faulty_calls = N_CALLS;

/* --- the plan ------------------------------------------------------------- */

typedef struct shared {
  atomic_bool is_armed;
  pid_t parent;
  faulty_plan plan;
  atomic_long counts[N_CALLS], n_failures, n_moved;
} shared;

static shared *common; /* with children */

typedef struct range {
  uintptr_t first, last;
} range;

static range own_code, libuv_code;

/* What this file itself asks libc. */
static struct {
  int (*fstat)(int fd, struct stat *info);
  int (*fcntl)(int fd, int what, ...);
  int (*getsockopt)(int fd, int level, int option, void *value, socklen_t *n);
} ask;

static bool is_in(const range *where, const void *address)
{
  uintptr_t at = (uintptr_t)address;
  return at >= where->first && at < where->last;
}

/* The code of the object that has this address. */
static int find_code(struct dl_phdr_info *info, size_t n_bytes, void *out)
{
  (void)n_bytes;
  range *found = out;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    uintptr_t first = info->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0 &&
        found->first >= first && found->first < first + part->p_memsz) {
      *found = (range){first, first + part->p_memsz};
      return 1;
    }
  }
  return 0;
}

bool faulty_open(void)
{
  common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (common == MAP_FAILED)
    return false;
  *(void **)&ask.fstat = dlsym(RTLD_NEXT, "fstat");
  *(void **)&ask.fcntl = dlsym(RTLD_NEXT, "fcntl");
  *(void **)&ask.getsockopt = dlsym(RTLD_NEXT, "getsockopt");
  if (ask.fstat == NULL) /* a libc whose fstat has another name */
    return false;
  own_code.first = (uintptr_t)&faulty_open;
  /* the address of a function may be that of a stub of the program */
  libuv_code.first = (uintptr_t)dlsym(RTLD_DEFAULT, "uv_version_string");
  return dl_iterate_phdr(find_code, &own_code) == 1 &&
         dl_iterate_phdr(find_code, &libuv_code) == 1 &&
         own_code.first != libuv_code.first;
}

void faulty_arm(const faulty_plan *plan)
{
  common->plan = *plan;
  common->parent = getpid();
  for (int i = 0; i < N_CALLS; i++)
    atomic_store(&common->counts[i], 0);
  atomic_store(&common->n_failures, 0);
  atomic_store(&common->n_moved, 0);
  atomic_store(&common->is_armed, true);
}

void faulty_disarm(void)
{
  atomic_store(&common->is_armed, false);
}

long faulty_count(int call)
{
  return atomic_load(&common->counts[call]);
}

long faulty_failures(void)
{
  return atomic_load(&common->n_failures);
}

bool faulty_is_ebb(const void *from)
{
  return is_in(&own_code, from);
}

bool faulty_is_libuv(const void *from)
{
  return is_in(&libuv_code, from);
}

bool faulty_is_parent(void)
{
  return common != NULL && getpid() == common->parent;
}

static bool is_armed(void)
{
  return common != NULL &&
         atomic_load_explicit(&common->is_armed, memory_order_relaxed);
}

/* Whether a call from there counts at all. */
static bool counts(const void *from)
{
  return is_armed() && (faulty_is_ebb(from) || faulty_is_libuv(from));
}

bool faulty_fails(int call, const void *from, int *error)
{
  if (!counts(from))
    return false;
  const faulty_plan *plan = &common->plan;
  long at = atomic_fetch_add(&common->counts[call], 1) + 1;
  if (plan->call != call || at < plan->k || at - plan->k >= plan->n)
    return false;
  *error = plan->error;
  atomic_fetch_add(&common->n_failures, 1);
  return true;
}

/* --- what libuv must not be told ------------------------------------------ */

/* Its own wake-ups, its signals' pipes, the error of a child: libuv aborts when
   they fail in another way than "not now". */
static bool is_internal(const void *from, int fd)
{
  struct stat info;
  return faulty_is_libuv(from) && ask.fstat(fd, &info) == 0 &&
         !S_ISSOCK(info.st_mode) && !S_ISREG(info.st_mode);
}

static bool is_datagram(int fd)
{
  int type = SOCK_STREAM;
  socklen_t n = sizeof type;
  ask.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n);
  return type == SOCK_DGRAM;
}

static bool may_wait(int fd)
{
  struct stat info;
  int flags = ask.fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0 && ask.fstat(fd, &info) == 0 &&
         (S_ISSOCK(info.st_mode) || S_ISFIFO(info.st_mode));
}

bool faulty_fails_moving(int call, const void *from, int fd, size_t *n,
                         int *error)
{
  const int was = errno;
  if (!counts(from))
    return false;
  const faulty_plan *plan = &common->plan;
  int given = plan->call == call ? plan->error : plan->first_error;
  if (given != EINTR && is_internal(from, fd))
    return false;
  if (given == EAGAIN && !may_wait(fd))
    return false;
  errno = was;
  if (faulty_fails(call, from, error))
    return true;
  if (faulty_is_libuv(from))
    return false;
  if (plan->is_short && *n > 1 && !is_datagram(fd)) {
    *n = 1;
    atomic_fetch_add(&common->n_failures, 1);
  }
  errno = was;
  if (plan->first_error == 0 || atomic_fetch_add(&common->n_moved, 1) % 2 != 0)
    return false;
  *error = plan->first_error;
  atomic_fetch_add(&common->n_failures, 1);
  return true;
}

#else

const faulty_call faulty_calls[] = {{0}};
const int n_faulty_calls = 0;

bool faulty_open(void)
{
  return false;
}

void faulty_arm(const faulty_plan *plan)
{
  (void)plan;
}

void faulty_disarm(void) {}

long faulty_count(int call)
{
  (void)call;
  return 0;
}

long faulty_failures(void)
{
  return 0;
}

#endif
