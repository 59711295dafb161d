/* SPDX-License-Identifier: MIT */
/* What faulty_calls.c, which decides which calls fail, and faulty_libc.c, which
   defines them, have in common. Linux only. */
#ifndef EBB_SPEC_FAULTY_PARTS_H
#define EBB_SPEC_FAULTY_PARTS_H

#if defined(__linux__)

  #include <errno.h>
  #include <netdb.h>
  #include <stddef.h>

  #include "faulty_calls.h"

  /* Which calls, and what they may fail with:
     X(name, gives its error as result, errors, errors that nobody hears of) */
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

/* `from`: the address that the call returns to. */
bool faulty_is_ebb(const void *from);
bool faulty_is_libuv(const void *from);
/* True in the process that armed; not in its children. */
bool faulty_is_parent(void);
/* Whether this call counts, and is to fail with *error. */
bool faulty_fails(int call, const void *from, int *error);
/* The same, for what moves n bytes; *n: how many are to be moved instead. */
bool faulty_fails_moving(int call, const void *from, int fd, size_t *n,
                         int *error);

#endif
#endif
