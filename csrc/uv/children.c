/* SPDX-License-Identifier: MIT */
#include "uv/children.h"

#include "base/base.h"
#include "uv/action.h"
#include "uv/error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

typedef struct ebb__children {
  ebb_attached attached;
  ebb__subscriber subscriber; /* to SIGCHLD, while there are processes */
  ebb_driver *driver;
  ebb_alloc *alloc;
  ebb_list list; /* of ebb__child.link: those that have not ended */
  size_t n_open; /* handles that are not closing */
} children;

/* --- those that outlive their driver -------------------------------------- */

/* Detached ones whose driver was closed: nobody gets their SIGCHLD, so each
   later spawn looks whether their status can be taken. */
typedef struct orphan {
  struct orphan *next;
  pid_t pid;
} orphan;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static orphan *orphans;

static void reap_orphans(void)
{
  pthread_mutex_lock(&lock);
  for (orphan **at = &orphans; *at != NULL;) {
    orphan *self = *at;
    if (waitpid(self->pid, NULL, WNOHANG) != 0) {
      *at = self->next;
      free(self);
    } else {
      at = &self->next;
    }
  }
  pthread_mutex_unlock(&lock);
}

static void add_orphan(pid_t pid)
{
  orphan *self = malloc(sizeof *self);
  if (self == NULL)
    return; /* a zombie, once it has ended, as long as this process lives */
  self->pid = pid;
  pthread_mutex_lock(&lock);
  self->next = orphans;
  orphans = self;
  pthread_mutex_unlock(&lock);
}

/* --- the end of a child --------------------------------------------------- */

static ebb__child *child_of(ebb_list *node)
{
  return ebb_container_of(node, ebb__child, link);
}

static void on_handle_closed(uv_handle_t *handle)
{
  ebb__child *self = handle->data;
  ebb_driver_closed(self->driver);
  self->on_closed(self);
}

static void close_handle(ebb__child *self)
{
  children *all = *ebb_driver_children(self->driver);
  ebb_list_unlink(&self->link);
  ebb_driver_closing(self->driver, &self->counted);
  uv_close((uv_handle_t *)&self->handle, on_handle_closed);
  if (--all->n_open == 0)
    ebb__action_unsubscribe(&all->subscriber);
}

static void ended(ebb__child *self, int64_t code, int number)
{
  close_handle(self);
  self->on_end(self, code, number);
}

static void on_exit_status(uv_process_t *handle, int64_t code, int number)
{
  ended(handle->data, code, number);
}

/* Its status as waitpid gives it. */
static void ended_with(ebb__child *self, int status)
{
  if (WIFSIGNALED(status))
    ended(self, 0, WTERMSIG(status));
  else
    ended(self, WEXITSTATUS(status), 0);
}

/* Takes the status if it is there. */
static bool reap(ebb__child *self)
{
  int status = 0;
  pid_t pid;
  do
    pid = waitpid(self->handle.pid, &status, WNOHANG);
  while (pid < 0 && errno == EINTR);
  if (pid == 0)
    return false;
  if (pid > 0)
    ended_with(self, status);
  else
    ended(self, 0, -1); /* somebody else has taken it */
  return true;
}

/* libuv waits for ever for one whose status somebody else has taken. */
static void on_sigchld(uv_signal_t *handle, int number)
{
  (void)number;
  children *all = handle->data;
  ebb_list_foreach_safe(node, &all->list) {
    siginfo_t info;
    ebb__child *self = child_of(node);
    if (waitid(P_PID, (id_t)self->handle.pid, &info,
               WEXITED | WNOHANG | WNOWAIT) != 0 &&
        errno == ECHILD)
      ended(self, 0, -1);
  }
}

/* --- killing -------------------------------------------------------------- */

static void nap(void)
{
  struct timespec span = {0, 100000};
  nanosleep(&span, NULL);
}

int ebb__child_signal(ebb__child *self, int number)
{
  pid_t pid = self->handle.pid;
  if (ebb_driver_is_inherited(self->driver))
    return UV_ESRCH; /* the child of our parent */
  return kill(self->is_group ? -pid : pid, number) == 0
             ? 0
             : ebb_uv_error_code(errno);
}

/* Naps of a loop that waits for what has been killed: a process ends within a
   fraction of a millisecond unless it is large or the machine is busy. */
#define KILL_NAPS  20
#define CLOSE_NAPS 20000

void ebb__child_kill_now(ebb__child *self)
{
  (void)ebb__child_signal(self, SIGKILL);
  for (int i = 0; i < KILL_NAPS; i++) {
    if (reap(self))
      return;
    nap();
  }
}

/* --- the driver's set ----------------------------------------------------- */

static void on_set_closed(uv_handle_t *handle)
{
  children *self = handle->data;
  ebb_driver_closed(self->driver);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

/* The driver closes: what is not detached is killed and its status taken. */
static void close_set(ebb_attached *attached)
{
  children *self = ebb_container_of(attached, children, attached);
  ebb_list_foreach(node, &self->list) {
    if (!child_of(node)->is_detached)
      (void)ebb__child_signal(child_of(node), SIGKILL);
  }
  int n_naps = 0;
  ebb_list_foreach_safe(node, &self->list) {
    ebb__child *child = child_of(node);
    while (!reap(child)) {
      if (child->is_detached || n_naps++ >= CLOSE_NAPS) {
        add_orphan(child->handle.pid);
        ended(child, 0, -1);
        break;
      }
      nap();
    }
  }
  ebb_driver_closing(self->driver, &self->attached);
  uv_close((uv_handle_t *)&self->subscriber.handle, on_set_closed);
}

static children *open_set(ebb_driver *driver, ebb_alloc *alloc, int *error)
{
  children *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (children){.driver = driver, .alloc = alloc};
  *error = uv_signal_init(ebb_driver_loop(driver), &self->subscriber.handle);
  if (*error != 0) {
    ebb_alloc_put(alloc, self, sizeof *self);
    return NULL;
  }
  uv_unref((uv_handle_t *)&self->subscriber.handle);
  self->subscriber.handle.data = self;
  self->subscriber.driver = driver;
  self->subscriber.number = SIGCHLD;
  self->attached.close = close_set;
  ebb_list_init(&self->list);
  ebb_list_init(&self->attached.link);
  ebb_driver_attach(driver, &self->attached);
  return self;
}

int ebb__child_spawn(ebb__child *self, ebb_driver *driver, ebb_alloc *alloc,
                     uv_process_options_t *options)
{
  int error = 0;
  children **all = ebb_driver_children(driver);
  reap_orphans();
  if (*all == NULL)
    *all = open_set(driver, alloc, &error);
  if (error == 0 && (*all)->n_open == 0)
    error = ebb__action_subscribe(&(*all)->subscriber, on_sigchld);
  if (error != 0) {
    self->on_closed(self);
    return error;
  }
  (*all)->n_open++;
  self->driver = driver;
  self->handle.data = self;
  ebb_list_init(&self->link);
  ebb_list_init(&self->counted.link);
  options->exit_cb = on_exit_status;
  error = uv_spawn(ebb_driver_loop(driver), &self->handle, options);
  self->handle.data = self;
  if (error != 0) {
    close_handle(self);
    return error;
  }
  ebb_list_push_back(&(*all)->list, &self->link);
  return 0;
}
