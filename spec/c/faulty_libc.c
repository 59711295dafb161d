/* SPDX-License-Identifier: MIT */
/* Calls of libc under its own names: each asks whether it is to fail, and else
   calls libc's. */
#undef _FORTIFY_SOURCE /* which would rename some of them */

#if defined(__linux__)

  #include <dlfcn.h>
  #include <fcntl.h>
  #include <poll.h>
  #include <signal.h>
  #include <stdarg.h>
  #include <stdint.h>
  #include <sys/epoll.h>
  #include <sys/socket.h>
  #include <sys/stat.h>
  #include <sys/syscall.h>
  #include <sys/types.h>
  #include <sys/uio.h>
  #include <time.h>
  #include <unistd.h>

  #include "faulty_parts.h"

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
      if (faulty_fails(call, __builtin_return_address(0), &error)) {           \
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
  if (faulty_is_parent())
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
  if (faulty_is_ebb(__builtin_return_address(0)))
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
      faulty_is_libuv(__builtin_return_address(0)))
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
      if (faulty_fails_moving(CALL_##call, __builtin_return_address(0), fd,    \
                              &(n), &error)) {                                 \
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

#endif
