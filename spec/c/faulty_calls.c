/* SPDX-License-Identifier: MIT */
#undef _FORTIFY_SOURCE /* which would rename some of them */
#include "faulty_calls.h"

#if defined(__linux__)

  #include <dlfcn.h>
  #include <errno.h>
  #include <fcntl.h>
  #include <link.h>
  #include <netdb.h>
  #include <poll.h>
  #include <signal.h>
  #include <stdarg.h>
  #include <stdatomic.h>
  #include <stddef.h>
  #include <stdint.h>
  #include <string.h>
  #include <sys/epoll.h>
  #include <sys/mman.h>
  #include <sys/socket.h>
  #include <sys/stat.h>
  #include <sys/syscall.h>
  #include <sys/types.h>
  #include <sys/uio.h>
  #include <time.h>
  #include <unistd.h>
  #include <uv.h>

/* --- which calls, and what they may fail with ----------------------------- */

  /* X(name, gives its error as result, errors, errors that nobody hears of) */
  #define E(...)                                                               \
    {                                                                          \
      __VA_ARGS__                                                              \
    }
  #define CALLS(X)                                                             \
    X(open, 0, E(EMFILE, EIO, EINTR, ENOSPC, EACCES, ENFILE), E(EINTR))        \
    X(read, 0, E(EIO, EINTR, EAGAIN, ECONNRESET, ENOMEM), E(EINTR, EAGAIN))    \
    X(pread, 0, E(EIO, EINTR, ENOMEM), E(EINTR))                               \
    X(write, 0, E(ENOSPC, EIO, EINTR, EAGAIN, EPIPE, EDQUOT),                  \
      E(EINTR, EAGAIN))                                                        \
    X(pwrite, 0, E(ENOSPC, EIO, EINTR, EFBIG), E(EINTR))                       \
    X(writev, 0, E(EPIPE, EIO, EINTR, EAGAIN), E(EINTR, EAGAIN))               \
    X(close, 0, E(EIO, EINTR), E(EINTR))                                       \
    X(fstat, 0, E(EIO, ENOMEM), E(0))                                          \
    X(stat, 0, E(EIO, EACCES, ENOMEM), E(0))                                   \
    X(lstat, 0, E(EIO, EACCES, ENOMEM), E(0))                                  \
    X(fstatat, 0, E(EIO, EACCES), E(0))                                        \
    X(ftruncate, 0, E(EIO, EINVAL), E(0))                                      \
    X(mkdir, 0, E(ENOSPC, EACCES, EROFS), E(0))                                \
    X(mkdtemp, 0, E(EACCES, EIO), E(0))                                        \
    X(mkostemp, 0, E(EMFILE, EACCES, ENOSPC), E(0))                            \
    X(opendir, 0, E(EMFILE, EACCES, ENOMEM), E(0))                             \
    X(readdir, 0, E(EIO, ENOENT), E(0))                                        \
    X(realpath, 0, E(EIO, ENOMEM, EACCES), E(0))                               \
    X(rename, 0, E(EIO, EXDEV, ENOSPC), E(0))                                  \
    X(remove, 0, E(EIO, EBUSY, EROFS), E(0))                                   \
    X(unlink, 0, E(EIO, EBUSY), E(0))                                          \
    X(symlink, 0, E(EIO, ENOSPC), E(0))                                        \
    X(chmod, 0, E(EPERM, EIO), E(0))                                           \
    X(fcntl, 0, E(EIO, ENOMEM), E(0))                                          \
    X(ioctl, 0, E(EIO, ENOTTY), E(0))                                          \
    X(socket, 0, E(EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT, EACCES),     \
      E(0))                                                                    \
    X(bind, 0, E(EADDRINUSE, EACCES), E(0))                                    \
    X(listen, 0, E(EADDRINUSE), E(0))                                          \
    X(connect, 0,                                                              \
      E(ECONNREFUSED, ETIMEDOUT, EADDRNOTAVAIL, ENETUNREACH, EINTR), E(EINTR)) \
    X(accept4, 0,                                                              \
      E(EMFILE, EIO, ECONNABORTED, EINTR, EAGAIN, ENOBUFS, EPROTO),            \
      E(EMFILE, ECONNABORTED, EINTR, EAGAIN, ENOBUFS, EPROTO))                 \
    X(shutdown, 0, E(ENOBUFS), E(0))                                           \
    X(getsockname, 0, E(ENOBUFS), E(0))                                        \
    X(getpeername, 0, E(ENOTCONN, ENOBUFS), E(0))                              \
    X(getsockopt, 0, E(ENOBUFS, ENOPROTOOPT), E(0))                            \
    X(setsockopt, 0, E(ENOBUFS, ENOPROTOOPT, EINVAL), E(0))                    \
    X(send, 0, E(EPIPE, ECONNRESET, EINTR, EAGAIN, ENOBUFS), E(EINTR, EAGAIN)) \
    X(sendto, 0, E(ECONNRESET, ENOBUFS, EINTR, EAGAIN, EPERM),                 \
      E(EINTR, EAGAIN))                                                        \
    X(sendmsg, 0, E(ECONNRESET, EPIPE, EINTR, EAGAIN, EPERM),                  \
      E(EINTR, EAGAIN))                                                        \
    X(sendmmsg, 0, E(ECONNREFUSED, EINTR, EAGAIN, ENOBUFS, EPERM),             \
      E(EINTR, EAGAIN))                                                        \
    X(recvfrom, 0, E(ECONNRESET, ENOMEM, EINTR, EAGAIN, ECONNREFUSED),         \
      E(EINTR, EAGAIN))                                                        \
    X(recvmsg, 0, E(ECONNREFUSED, ENOMEM, EINTR, EAGAIN), E(EINTR, EAGAIN))    \
    X(poll, 0, E(ENOMEM, EINTR), E(EINTR))                                     \
    X(ppoll, 0, E(ENOMEM, EINTR), E(EINTR, ENOMEM))                            \
    X(epoll_create1, 0, E(EMFILE, ENOMEM), E(0))                               \
    X(epoll_ctl, 0, E(ENOMEM, ENOSPC, EPERM), E(0))                            \
    X(epoll_wait, 0, E(EINTR), E(EINTR))                                       \
    X(epoll_pwait, 0, E(EINTR), E(EINTR))                                      \
    X(eventfd, 0, E(EMFILE, ENFILE), E(0))                                     \
    X(pipe2, 0, E(EMFILE, ENFILE), E(0))                                       \
    X(socketpair, 0, E(EMFILE), E(0))                                          \
    X(inotify_init1, 0, E(EMFILE, ENFILE), E(0))                               \
    X(inotify_add_watch, 0, E(ENOSPC, ENOMEM, EACCES), E(0))                   \
    X(fork, 0, E(EAGAIN, ENOMEM), E(0))                                        \
    X(execvp, 0, E(EACCES, ENOMEM, E2BIG), E(0))                               \
    X(dup2, 0, E(EMFILE, EBUSY), E(0))                                         \
    X(chdir, 0, E(EACCES, EIO), E(0))                                          \
    X(setsid, 0, E(EPERM), E(EPERM))                                           \
    X(kill, 0, E(EPERM), E(0))                                                 \
    X(waitpid, 0, E(EINTR), E(EINTR))                                          \
    X(waitid, 0, E(EINTR), E(EINTR))                                           \
    X(nanosleep, 0, E(EINTR), E(EINTR))                                        \
    X(sigaction, 0, E(EINVAL), E(0))                                           \
    X(timer_create, 0, E(EAGAIN, ENOMEM), E(0))                                \
    X(timer_settime, 0, E(EINVAL), E(0))                                       \
    X(gethostname, 0, E(ENAMETOOLONG), E(0))                                   \
    X(getaddrinfo, 1, E(EAI_AGAIN, EAI_NONAME, EAI_MEMORY, EAI_FAIL), E(0))    \
    X(getnameinfo, 1, E(EAI_AGAIN, EAI_NONAME, EAI_MEMORY, EAI_FAIL), E(0))    \
    X(pthread_create, 1, E(EAGAIN, EPERM), E(0))                               \
    X(pthread_mutex_init, 1, E(ENOMEM, EAGAIN), E(0))                          \
    X(pthread_rwlock_init, 1, E(ENOMEM, EAGAIN), E(0))                         \
    X(pthread_attr_init, 1, E(ENOMEM), E(0))                                   \
    X(pthread_condattr_init, 1, E(ENOMEM), E(0))

  #define NAME(name, gives_code, errors, unseen) CALL_##name,
enum { CALLS(NAME) N_CALLS };
  #undef NAME
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

static bool is_armed(void)
{
  return common != NULL &&
         atomic_load_explicit(&common->is_armed, memory_order_relaxed);
}

/* Whether this call counts, and is to fail with *error. */
static bool fails(int call, const void *from, int *error)
{
  if (!is_armed() || (!is_in(&own_code, from) && !is_in(&libuv_code, from)))
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

typedef enum moving { READS, WRITES } moving;

/* Its own wake-ups, its signals' pipes, the error of a child: libuv aborts when
   they fail in another way than for now. */
static bool is_internal(const void *from, int fd)
{
  struct stat info;
  return is_in(&libuv_code, from) && ask.fstat(fd, &info) == 0 &&
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

/* As fails, for what moves n bytes; *n: how many are to be moved instead. */
static bool fails_moving(int call, const void *from, int fd, size_t *n,
                         int *error)
{
  const int was = errno;
  if (!is_armed() || (!is_in(&own_code, from) && !is_in(&libuv_code, from)))
    return false;
  const faulty_plan *plan = &common->plan;
  int given = plan->call == call ? plan->error : plan->first_error;
  if (given != EINTR && is_internal(from, fd))
    return false;
  if (given == EAGAIN && !may_wait(fd))
    return false;
  errno = was;
  if (fails(call, from, error))
    return true;
  if (is_in(&libuv_code, from))
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

/* --- the calls ------------------------------------------------------------ */

/* Under the names of libc, whatever its headers make of them. */
  #define NAMED(type, name, named, params)                                     \
    type named params __asm__(#name) __attribute__((visibility("default")));   \
    type named params

  #define FIND(real, name)                                                     \
    do {                                                                       \
      if (real == NULL)                                                        \
        *(void **)&real = dlsym(RTLD_NEXT, name);                              \
    } while (0)

  #define FAIL(call, failed)                                                   \
    do {                                                                       \
      int error = 0;                                                           \
      if (fails(call, __builtin_return_address(0), &error)) {                  \
        if (!faulty_calls[call].gives_code)                                    \
          errno = error;                                                       \
        return (failed);                                                       \
      }                                                                        \
    } while (0)

  /* PLAIN(type, name, parameters, arguments, what a failed one gives) */
  #define PLAIN_AS(type, name, call, params, args, failed)                     \
    NAMED(type, name, call_##name, params)                                     \
    {                                                                          \
      static type(*real) params;                                               \
      FIND(real, #name);                                                       \
      FAIL(CALL_##call, failed);                                               \
      return real args;                                                        \
    }
  #define PLAIN(type, name, params, args, failed)                              \
    PLAIN_AS(type, name, name, params, args, failed)

PLAIN(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
PLAIN(char *, mkdtemp, (char *path), (path), NULL)
PLAIN(int, mkostemp, (char *path, int flags), (path, flags), -1)
PLAIN(void *, opendir, (const char *path), (path), NULL)
PLAIN(char *, realpath, (const char *path, char *to), (path, to), NULL)
PLAIN(int, rename, (const char *from, const char *to), (from, to), -1)
PLAIN(int, remove, (const char *path), (path), -1)
PLAIN(int, unlink, (const char *path), (path), -1)
PLAIN(int, symlink, (const char *from, const char *to), (from, to), -1)
PLAIN(int, chmod, (const char *path, mode_t mode), (path, mode), -1)
PLAIN(int, ftruncate, (int fd, off_t n), (fd, n), -1)
PLAIN(void *, readdir, (void *dir), (dir), NULL)
PLAIN(int, socket, (int family, int type, int what), (family, type, what), -1)
PLAIN(int, bind, (int fd, const void *at, socklen_t n), (fd, at, n), -1)
PLAIN(int, listen, (int fd, int n), (fd, n), -1)
PLAIN(int, connect, (int fd, const void *at, socklen_t n), (fd, at, n), -1)
PLAIN(int, accept4, (int fd, void *at, socklen_t *n, int flags),
      (fd, at, n, flags), -1)
PLAIN(int, shutdown, (int fd, int how), (fd, how), -1)
PLAIN(int, getsockname, (int fd, void *at, socklen_t *n), (fd, at, n), -1)
PLAIN(int, getpeername, (int fd, void *at, socklen_t *n), (fd, at, n), -1)
PLAIN(int, getsockopt,
      (int fd, int level, int option, void *value, socklen_t *n),
      (fd, level, option, value, n), -1)
PLAIN(int, setsockopt,
      (int fd, int level, int option, const void *value, socklen_t n),
      (fd, level, option, value, n), -1)
PLAIN(int, epoll_create1, (int flags), (flags), -1)
PLAIN(int, epoll_wait, (int fd, void *events, int n, int timeout),
      (fd, events, n, timeout), -1)
PLAIN(int, epoll_pwait,
      (int fd, void *events, int n, int timeout, const void *mask),
      (fd, events, n, timeout, mask), -1)
PLAIN(int, eventfd, (unsigned count, int flags), (count, flags), -1)
PLAIN(int, socketpair, (int family, int type, int what, int *fds),
      (family, type, what, fds), -1)
PLAIN(int, inotify_init1, (int flags), (flags), -1)
PLAIN(int, inotify_add_watch, (int fd, const char *path, uint32_t mask),
      (fd, path, mask), -1)
PLAIN(pid_t, fork, (void), (), -1)
PLAIN(int, execvp, (const char *file, char *const *args), (file, args), -1)
PLAIN(int, dup2, (int from, int to), (from, to), -1)
PLAIN(int, chdir, (const char *path), (path), -1)
PLAIN(pid_t, setsid, (void), (), -1)
PLAIN(int, kill, (pid_t pid, int number), (pid, number), -1)
PLAIN(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags),
      -1)
PLAIN(int, waitid, (int what, id_t id, void *info, int flags),
      (what, id, info, flags), -1)
PLAIN(int, nanosleep, (const void *span, void *left), (span, left), -1)
PLAIN(int, timer_create, (clockid_t clock, void *event, void *timer),
      (clock, event, timer), -1)
PLAIN(int, timer_settime,
      (void *timer, int flags, const void *value, void *before),
      (timer, flags, value, before), -1)
PLAIN(int, gethostname, (char *name, size_t n), (name, n), -1)
PLAIN(int, getaddrinfo,
      (const char *node, const char *service, const void *hints, void *result),
      (node, service, hints, result), error)
PLAIN(int, getnameinfo,
      (const void *at, socklen_t n, char *host, socklen_t n_host, char *service,
       socklen_t n_service, int flags),
      (at, n, host, n_host, service, n_service, flags), error)
PLAIN(int, pthread_create,
      (void *thread, const void *attr, void *(*main)(void *), void *arg),
      (thread, attr, main, arg), error)
PLAIN(int, pthread_mutex_init, (void *lock, const void *attr), (lock, attr),
      error)
PLAIN(int, pthread_rwlock_init, (void *lock, const void *attr), (lock, attr),
      error)
PLAIN(int, pthread_attr_init, (void *attr), (attr), error)
PLAIN(int, pthread_condattr_init, (void *attr), (attr), error)

  /* Both names where off_t had two sizes once. */
  #define STAT_CALLS(suffix)                                                   \
    PLAIN_AS(int, fstat##suffix, fstat, (int fd, void *info), (fd, info), -1)  \
    PLAIN_AS(int, stat##suffix, stat, (const char *path, void *info),          \
             (path, info), -1)                                                 \
    PLAIN_AS(int, lstat##suffix, lstat, (const char *path, void *info),        \
             (path, info), -1)                                                 \
    PLAIN_AS(int, fstatat##suffix, fstatat,                                    \
             (int fd, const char *path, void *info, int flags),                \
             (fd, path, info, flags), -1)
  #if !defined(__GLIBC__) || __GLIBC_PREREQ(2, 33)
STAT_CALLS()
  #endif
  #if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
STAT_CALLS(64)
  #endif

/* libuv's close stops the loop on none but EBADF; the descriptor is closed
   whatever it says. */
NAMED(int, close, call_close, (int fd))
{
  static int (*real)(int fd);
  FIND(real, "close");
  int result = real(fd);
  if (result == 0)
    FAIL(CALL_close, -1);
  return result;
}

/* Not in a child before it runs its program: libuv aborts. */
NAMED(int, pipe2, call_pipe2, (int *fds, int flags))
{
  static int (*real)(int *fds, int flags);
  FIND(real, "pipe2");
  if (common != NULL && getpid() == common->parent)
    FAIL(CALL_pipe2, -1);
  return real(fds, flags);
}

/* Only what asks whether a descriptor can be polled: libuv aborts on others. */
NAMED(int, epoll_ctl, call_epoll_ctl, (int set, int op, int fd, void *event))
{
  static int (*real)(int set, int op, int fd, void *event);
  FIND(real, "epoll_ctl");
  const struct epoll_event *asked = event;
  if (op == EPOLL_CTL_ADD && asked->data.fd == -1)
    FAIL(CALL_epoll_ctl, -1);
  return real(set, op, fd, event);
}

/* ebb's own: libuv's are of threads that start and of terminals. */
NAMED(int, poll, call_poll, (void *fds, nfds_t n, int timeout))
{
  static int (*real)(void *fds, nfds_t n, int timeout);
  FIND(real, "poll");
  if (is_in(&own_code, __builtin_return_address(0)))
    FAIL(CALL_poll, -1);
  return real(fds, n, timeout);
}

NAMED(int, ppoll, call_ppoll,
      (void *fds, nfds_t n, const void *span, const void *mask))
{
  static int (*real)(void *fds, nfds_t n, const void *span, const void *mask);
  FIND(real, "ppoll");
  FAIL(CALL_ppoll, -1);
  return real(fds, n, span, mask);
}

/* Only what libuv installs: the default action it aborts without, and ebb's own
   cannot fail. */
NAMED(int, sigaction, call_sigaction,
      (int number, const void *action, void *before))
{
  static int (*real)(int number, const void *action, void *before);
  FIND(real, "sigaction");
  const struct sigaction *given = action;
  if (given != NULL && given->sa_handler != SIG_DFL &&
      is_in(&libuv_code, __builtin_return_address(0)))
    FAIL(CALL_sigaction, -1);
  return real(number, action, before);
}

/* --- with arguments that may be there ------------------------------------- */

  #define OPEN_CALL(name)                                                      \
    NAMED(int, name, call_##name, (const char *path, int flags, ...))          \
    {                                                                          \
      static int (*real)(const char *path, int flags, ...);                    \
      FIND(real, #name);                                                       \
      va_list args;                                                            \
      va_start(args, flags);                                                   \
      int mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;               \
      va_end(args);                                                            \
      FAIL(CALL_open, -1);                                                     \
      return real(path, flags, mode);                                          \
    }
OPEN_CALL(open)

  /* What is an int or a pointer goes on as a pointer. */
  #define CONTROL_CALL(name, call, number)                                     \
    NAMED(int, name, call_##name, (int fd, number what, ...))                  \
    {                                                                          \
      static int (*real)(int fd, number what, ...);                            \
      FIND(real, #name);                                                       \
      va_list args;                                                            \
      va_start(args, what);                                                    \
      void *arg = va_arg(args, void *);                                        \
      va_end(args);                                                            \
      FAIL(CALL_##call, -1);                                                   \
      return real(fd, what, arg);                                              \
    }
CONTROL_CALL(fcntl, fcntl, int)
  #if defined(__GLIBC__)
OPEN_CALL(open64)
CONTROL_CALL(fcntl64, fcntl, int)
CONTROL_CALL(ioctl, ioctl, unsigned long)
  #else
CONTROL_CALL(ioctl, ioctl, int)
  #endif

NAMED(long, syscall, call_syscall, (long number, ...))
{
  static long (*real)(long number, ...);
  FIND(real, "syscall");
  long a[6];
  va_list args;
  va_start(args, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(args, long);
  va_end(args);
  #if defined(SYS_sendmmsg)
  if (number == SYS_sendmmsg)
    FAIL(CALL_sendmmsg, -1);
  #endif
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- what moves bytes ----------------------------------------------------- */

  #define MOVE(call, n)                                                        \
    do {                                                                       \
      int error = 0;                                                           \
      if (fails_moving(CALL_##call, __builtin_return_address(0), fd, &(n),     \
                       &error)) {                                              \
        errno = error;                                                         \
        return -1;                                                             \
      }                                                                        \
    } while (0)

  #define MOVING(name, call, params, args)                                     \
    NAMED(ssize_t, name, call_##name, params)                                  \
    {                                                                          \
      static ssize_t(*real) params;                                            \
      FIND(real, #name);                                                       \
      MOVE(call, n);                                                           \
      return real args;                                                        \
    }

MOVING(read, read, (int fd, void *to, size_t n), (fd, to, n))
MOVING(write, write, (int fd, const void *from, size_t n), (fd, from, n))
MOVING(pread, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
MOVING(pwrite, pwrite, (int fd, const void *from, size_t n, off_t at),
       (fd, from, n, at))
MOVING(send, send, (int fd, const void *from, size_t n, int flags),
       (fd, from, n, flags))
MOVING(sendto, sendto,
       (int fd, const void *from, size_t n, int flags, const void *to,
        socklen_t n_to),
       (fd, from, n, flags, to, n_to))
MOVING(recvfrom, recvfrom,
       (int fd, void *to, size_t n, int flags, void *from, socklen_t *n_from),
       (fd, to, n, flags, from, n_from))

static size_t n_of(const struct iovec *pieces, size_t n)
{
  size_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += pieces[i].iov_len;
  return sum;
}

/* The first byte of some pieces, or all of them. */
NAMED(ssize_t, writev, call_writev,
      (int fd, const struct iovec *pieces, int count))
{
  static ssize_t (*real)(int fd, const struct iovec *pieces, int count);
  FIND(real, "writev");
  size_t all = n_of(pieces, (size_t)count), n = all;
  MOVE(writev, n);
  while (n < all && pieces->iov_len == 0)
    pieces++;
  struct iovec first = {pieces->iov_base, 1};
  return n < all ? real(fd, &first, 1) : real(fd, pieces, count);
}

NAMED(ssize_t, sendmsg, call_sendmsg,
      (int fd, const struct msghdr *message, int flags))
{
  static ssize_t (*real)(int fd, const struct msghdr *message, int flags);
  FIND(real, "sendmsg");
  size_t all = n_of(message->msg_iov, message->msg_iovlen), n = all;
  MOVE(sendmsg, n);
  const struct iovec *pieces = message->msg_iov;
  while (n < all && pieces->iov_len == 0)
    pieces++;
  struct iovec first = {n < all ? pieces->iov_base : NULL, 1};
  struct msghdr one = {.msg_iov = &first, .msg_iovlen = 1};
  return real(fd, n < all ? &one : message, flags);
}

NAMED(ssize_t, recvmsg, call_recvmsg,
      (int fd, struct msghdr *message, int flags))
{
  static ssize_t (*real)(int fd, struct msghdr *message, int flags);
  FIND(real, "recvmsg");
  size_t n = 1;
  MOVE(recvmsg, n);
  return real(fd, message, flags);
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
