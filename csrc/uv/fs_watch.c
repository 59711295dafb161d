/* SPDX-License-Identifier: MIT */
#include "uv/fs_watch.h"

#include "base/base.h"
#include "uv/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

/* Where a directory's events name the files in it that were written to. */
#if defined(__linux__) || defined(__APPLE__)
  #define WATCHES_FILES_BY_DIRECTORY true
#else
  #define WATCHES_FILES_BY_DIRECTORY false
#endif

typedef struct watcher {
  ebb_fs_watch watch;
  uv_fs_event_t handle;
  ebb_attached attached;
  ebb_alloc *alloc;
  char *target; /* what libuv watches, without links; from malloc */
  char *only;   /* the file's name in there, or NULL; from malloc */
  char *label;  /* the file's name as it was asked for; within `path` */
  char *path;   /* a copy; from malloc */
  dev_t device;
  ino_t inode;
  bool handle_closed, released; /* both: it can be freed */
} watcher;

static watcher *watcher_of(ebb_fs_watch *self)
{
  return ebb_container_of(self, watcher, watch);
}

static void destroy(watcher *self)
{
  free(self->target);
  free(self->only);
  free(self->path);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

/* --- events --------------------------------------------------------------- */

static void free_event(watcher *self, ebb_fs_event *event)
{
  ebb_alloc_put(self->alloc, event, sizeof *event + event->n_name + 1);
}

void ebb_fs_watch_drop(ebb_fs_watch *watch, ebb_fs_event *event)
{
  ebb_mailbox_drop(&watch->box, &event->mail);
  free_event(watcher_of(watch), event);
}

/* What a task has been woken with stays its own. */
static void drop_waiting(ebb_fs_watch *watch)
{
  ebb_mail *mail;
  while ((mail = ebb_mailbox_first(&watch->box)) != NULL)
    ebb_fs_watch_drop(watch, ebb_fs_event_of(mail));
}

static void drop_all(watcher *self)
{
  ebb_mail *mail;
  while ((mail = ebb_mailbox_any(&self->watch.box)) != NULL)
    free_event(self, ebb_fs_event_of(mail));
}

static uint32_t hash_of(const char *name, bool is_rename)
{
  uint32_t hash = 2166136261u ^ (uint32_t)is_rename;
  for (; *name != 0; name++)
    hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

static bool is_noted(const watcher *self, const char *name, bool is_rename,
                     uint32_t hash)
{
  ebb_list_foreach(node, &self->watch.box.mails) {
    const ebb_fs_event *event =
        ebb_fs_event_of(ebb_container_of(node, ebb_mail, link));
    if (event->hash == hash && event->is_rename == is_rename &&
        strcmp(event->name, name) == 0)
      return true;
  }
  return false;
}

static void note(watcher *self, const char *name, bool is_rename)
{
  ebb_fs_watch *watch = &self->watch;
  uint32_t hash = hash_of(name, is_rename);
  if (watch->n_lost == 0 && is_noted(self, name, is_rename, hash))
    return;
  size_t n_name = strlen(name);
  ebb_fs_event *event = NULL;
  if (watch->n_lost == 0 && watch->box.n_mails < EBB_FS_WATCH_MAX)
    event = ebb_alloc_get(self->alloc, sizeof *event + n_name + 1);
  if (event == NULL && watch->n_lost++ > 0)
    return;
  if (event == NULL) {
    /* only without memory: who waits has to be told that it missed one */
    ebb_wait *wait = ebb_waitq_head(&watch->box.waiters);
    if (wait != NULL)
      ebb_wake(wait, EBB_EFULL);
    return;
  }
  *event =
      (ebb_fs_event){.is_rename = is_rename, .hash = hash, .n_name = n_name};
  memcpy(event->name, name, n_name + 1);
  ebb_mailbox_put(&watch->box, &event->mail);
}

static void fail(watcher *self, int error)
{
  self->watch.error = error;
  uv_fs_event_stop(&self->handle);
  ebb_wake_all(&self->watch.box.waiters, error);
}

static bool is_gone(const watcher *self)
{
  struct stat info;
  return lstat(self->target, &info) != 0 || info.st_ino != self->inode ||
         info.st_dev != self->device;
}

static void on_event(uv_fs_event_t *handle, const char *name, int events,
                     int status)
{
  watcher *self = handle->data;
  if (self->watch.closed || self->watch.error != 0)
    return;
  if (status != 0) {
    fail(self, status);
    return;
  }
  const char *base = strrchr(self->target, '/');
  base = base != NULL && base[1] != 0 ? base + 1 : self->target;
  /* an event of the directory itself looks like one of an entry so called */
  bool is_self = name == NULL || strcmp(name, base) == 0;
  bool gone = is_self && (events & UV_RENAME) != 0 && is_gone(self);
  const char *told = name != NULL ? name : base;
  if (self->only != NULL) {
    bool is_it = gone || name == NULL || strcmp(name, self->only) == 0;
    told = is_it ? self->label : NULL;
  }
  if (told != NULL && (events & UV_CHANGE) != 0)
    note(self, told, false);
  if (told != NULL && (events & UV_RENAME) != 0)
    note(self, told, true);
  if (gone)
    fail(self, UV_ENOENT);
}

/* --- waiting -------------------------------------------------------------- */

static const ebb_wait_class watch_class = {"file watch", true,
                                           ebb_mailbox_leave};

void ebb_fs_watch_link(ebb_task *task, uint32_t i, ebb_fs_watch *self)
{
  ebb_mailbox_link(task, i, &watch_class, &self->box);
}

/* --- opening and closing -------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
  watcher *self = handle->data;
  ebb_driver_closed(self->watch.box.driver);
  self->handle_closed = true;
  if (self->released)
    destroy(self);
}

static void close_handle(watcher *self)
{
  ebb_driver_closing(self->watch.box.driver, &self->attached);
  uv_close((uv_handle_t *)&self->handle, on_closed);
}

void ebb_fs_watch_close(ebb_fs_watch *watch)
{
  watcher_of(watch)->attached.close(&watcher_of(watch)->attached);
}

static void close_attached(ebb_attached *attached)
{
  watcher *self = ebb_container_of(attached, watcher, attached);
  if (self->watch.closed)
    return;
  self->watch.closed = true;
  close_handle(self);
  ebb_wake_all(&self->watch.box.waiters, EBB_ECLOSED);
  drop_waiting(&self->watch);
}

void ebb_fs_watch_release(ebb_fs_watch *watch)
{
  watcher *self = watcher_of(watch);
  self->released = true;
  ebb_fs_watch_close(watch);
  drop_all(self);
  if (self->handle_closed)
    destroy(self);
}

/* What to watch, and how to call it. */
static int find_target(watcher *self, const char *path)
{
  struct stat info;
  self->target = realpath(path, NULL);
  self->path = strdup(path);
  if (self->target == NULL || self->path == NULL)
    return ebb_uv_error_code(errno);
  if (lstat(self->target, &info) != 0)
    return ebb_uv_error_code(errno);
  if (WATCHES_FILES_BY_DIRECTORY && !S_ISDIR(info.st_mode)) {
    char *slash = strrchr(self->target, '/');
    self->only = strdup(slash + 1);
    if (self->only == NULL)
      return UV_ENOMEM;
    slash[slash == self->target] = 0;
    slash = strrchr(self->path, '/');
    self->label = slash != NULL ? slash + 1 : self->path;
    if (lstat(self->target, &info) != 0)
      return ebb_uv_error_code(errno);
  }
  self->device = info.st_dev;
  self->inode = info.st_ino;
  return 0;
}

ebb_fs_watch *ebb_fs_watch_open(ebb_driver *driver, ebb_alloc *alloc,
                                const char *path, int *error)
{
  watcher *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (watcher){.alloc = alloc};
  *error = find_target(self, path);
  if (*error == 0)
    *error = uv_fs_event_init(ebb_driver_loop(driver), &self->handle);
  if (*error != 0) {
    destroy(self);
    return NULL;
  }
  ebb_mailbox_init(&self->watch.box, driver);
  self->handle.data = self;
  self->attached.close = close_attached;
  ebb_list_init(&self->attached.link);
  *error = uv_fs_event_start(&self->handle, on_event, self->target, 0);
  if (*error != 0) {
    self->watch.closed = self->released = true;
    close_handle(self);
    return NULL;
  }
  ebb_driver_attach(driver, &self->attached);
  return &self->watch;
}
