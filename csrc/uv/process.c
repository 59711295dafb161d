/* SPDX-License-Identifier: MIT */
#include "uv/process.h"

#include "base/base.h"
#include "uv/children.h"

#include <unistd.h>

typedef struct process {
  ebb_process process;
  ebb__child child;
  ebb_alloc *alloc;
  bool handle_closed, released; /* both: it can be freed */
} process;

static process *process_of(ebb_process *self)
{
  return ebb_container_of(self, process, process);
}

static void destroy(process *self)
{
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static void on_end(ebb__child *child, int64_t code, int number)
{
  ebb_process *self = &ebb_container_of(child, process, child)->process;
  self->ended = true;
  self->code = code;
  self->signal = number;
  ebb_wake_all(&self->waiters, EBB_OK);
}

static void on_closed(ebb__child *child)
{
  process *self = ebb_container_of(child, process, child);
  self->handle_closed = true;
  if (self->released)
    destroy(self);
}

/* --- pipes ---------------------------------------------------------------- */

void ebb_process_pipes_init(ebb_process_pipes *self)
{
  for (int i = 0; i < 3; i++)
    self->fds[i] = -1;
}

void ebb_process_pipes_close(ebb_process_pipes *self)
{
  for (int i = 0; i < 3; i++) {
    if (self->fds[i] >= 0)
      close(self->fds[i]);
    self->fds[i] = -1;
  }
}

/* Of the pipe for stdio i: ours is the end that does not block. */
static int open_pipe(int i, int *ours, int *theirs)
{
  uv_file fds[2];
  bool is_read = i == 0; /* by the child */
  int error = uv_pipe(fds, is_read ? 0 : UV_NONBLOCK_PIPE,
                      is_read ? UV_NONBLOCK_PIPE : 0);
  if (error != 0)
    return error;
  *ours = fds[is_read];
  *theirs = fds[!is_read];
  return 0;
}

static int open_pipes(const ebb_process_call *call, ebb_process_pipes *ours,
                      ebb_process_pipes *theirs)
{
  ebb_process_pipes_init(ours);
  ebb_process_pipes_init(theirs);
  for (int i = 0; i < 3; i++) {
    if (call->stdio[i] != EBB_PROCESS_PIPE)
      continue;
    int error = open_pipe(i, &ours->fds[i], &theirs->fds[i]);
    if (error != 0)
      return error;
  }
  return 0;
}

/* --- spawning ------------------------------------------------------------- */

static int spawn(process *self, ebb_driver *driver,
                 const ebb_process_call *call, const ebb_process_pipes *theirs)
{
  uv_stdio_container_t stdio[3];
  uv_process_options_t options = {.file = call->args[0],
                                  .args = call->args,
                                  .env = call->env,
                                  .cwd = call->cwd,
                                  .stdio_count = 3,
                                  .stdio = stdio};
  for (int i = 0; i < 3; i++) {
    int from = call->stdio[i] == EBB_PROCESS_SAME ? 1 : i;
    int fd = theirs->fds[from] >= 0 ? theirs->fds[from] : call->stdio[from];
    stdio[i].flags = fd >= 0 ? UV_INHERIT_FD : UV_IGNORE;
    stdio[i].data.fd = fd;
  }
  if (call->is_group)
    options.flags |= UV_PROCESS_DETACHED;
  if (call->uid >= 0)
    options.flags |= UV_PROCESS_SETUID;
  if (call->gid >= 0)
    options.flags |= UV_PROCESS_SETGID;
  options.uid = (uv_uid_t)call->uid;
  options.gid = (uv_gid_t)call->gid;
  return ebb__child_spawn(&self->child, driver, self->alloc, &options);
}

ebb_process *ebb_process_spawn(ebb_driver *driver, ebb_alloc *alloc,
                               const ebb_process_call *call,
                               ebb_process_pipes *pipes, int *error)
{
  ebb_process_pipes theirs;
  *error = open_pipes(call, pipes, &theirs);
  process *self = NULL;
  if (*error == 0) {
    self = ebb_alloc_get(alloc, sizeof *self);
    *error = self == NULL ? UV_ENOMEM : 0;
  }
  if (*error == 0) {
    *self = (process){.alloc = alloc, .released = true};
    ebb_list_init(&self->process.waiters);
    self->child.on_end = on_end;
    self->child.on_closed = on_closed;
    self->child.is_group = call->is_group;
    *error = spawn(self, driver, call, &theirs); /* freed if that fails */
  }
  ebb_process_pipes_close(&theirs);
  if (*error != 0) {
    ebb_process_pipes_close(pipes);
    return NULL;
  }
  self->released = false;
  self->process.pid = self->child.handle.pid;
  return &self->process;
}

/* --- waiting -------------------------------------------------------------- */

static void leave(ebb_wait *wait)
{
  ebb_driver_end(process_of(wait->source)->child.driver, false);
}

static const ebb_wait_class wait_class = {"process wait", false, leave};

void ebb_process_link(ebb_task *task, uint32_t i, ebb_process *self)
{
  ebb_driver_begin(process_of(self)->child.driver, false);
  ebb_wait_link(task, i, &wait_class, self, &self->waiters, 0);
}

/* --- the owner's ---------------------------------------------------------- */

int ebb_process_kill(ebb_process *self, int number)
{
  return self->ended ? UV_ESRCH
                     : ebb__child_signal(&process_of(self)->child, number);
}

void ebb_process_detach(ebb_process *self)
{
  self->detached = true;
  process_of(self)->child.is_detached = true;
}

void ebb_process_close(ebb_process *self)
{
  if (self->closed)
    return;
  self->closed = true;
  ebb_wake_all(&self->waiters, EBB_ECLOSED);
  if (!self->ended && !self->detached)
    ebb__child_kill_now(&process_of(self)->child);
}

void ebb_process_release(ebb_process *self)
{
  process *owned = process_of(self);
  ebb_process_close(self);
  owned->released = true;
  if (owned->handle_closed)
    destroy(owned);
}
