/* SPDX-License-Identifier: MIT */
/* Child processes. One that is closed or released is killed and its status
   taken, so that no zombie is left; so are all that are left when the driver
   closes. A detached one is let go; its status is taken if it ends while this
   process lives.

   Owned by who spawned it, until ebb_process_release. Knows no Lua. */
#ifndef EBB_UV_PROCESS_H
#define EBB_UV_PROCESS_H

#include "core/task.h"
#include "uv/driver.h"

/* Instead of a descriptor. */
enum {
  EBB_PROCESS_NULL = -1, /* /dev/null */
  EBB_PROCESS_PIPE = -2, /* a pipe, whose other end is ours */
  EBB_PROCESS_SAME = -3, /* for stderr: where stdout goes */
};

typedef struct ebb_process_call {
  char **args;      /* args[0] is the program: a path, or sought in PATH */
  char **env;       /* "NAME=value" …, NULL; NULL: as here */
  const char *cwd;  /* NULL: as here */
  int stdio[3];     /* descriptors of this process, or one of the above */
  bool is_group;    /* it leads a new session and group; signals are for all */
  int64_t uid, gid; /* -1: as here */
} ebb_process_call;

/* Our ends of its pipes, non-blocking; -1: there is none. */
typedef struct ebb_process_pipes {
  int fds[3];
} ebb_process_pipes;

void ebb_process_pipes_init(ebb_process_pipes *self);
/* Closes those that are there still. */
void ebb_process_pipes_close(ebb_process_pipes *self);

typedef struct ebb_process {
  int pid;
  bool ended;  /* what follows is valid */
  bool closed; /* no longer its owner's */
  bool detached;
  int64_t code;
  int signal; /* that ended it; 0: none; -1: its status was taken by others */
  ebb_waitq waiters;
} ebb_process;

/* NULL: *error is libuv's code. Blocks until the program runs (or cannot). The
   ends in `pipes` are the caller's. */
ebb_process *ebb_process_spawn(ebb_driver *driver, ebb_alloc *alloc,
                               const ebb_process_call *call,
                               ebb_process_pipes *pipes, int *error);
/* "process wait": woken with EBB_OK when it has ended, EBB_ECLOSED when it is
   closed before. */
void ebb_process_link(ebb_task *task, uint32_t i, ebb_process *self);
/* 0 or libuv's code; ESRCH once it has ended, so that no other process is hit
   that has got its number. */
int ebb_process_kill(ebb_process *self, int number);
/* From now on it lives on without its owner. */
void ebb_process_detach(ebb_process *self);
/* Kills it unless it is detached or has ended; blocks for two milliseconds at
   most. Wakes who waits. */
void ebb_process_close(ebb_process *self);
/* Closes, and frees it once its handle is gone. Also after the driver is. */
void ebb_process_release(ebb_process *self);

#endif
