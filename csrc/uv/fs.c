/* SPDX-License-Identifier: MIT */
#include "uv/fs.h"

#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* Followed by copies of the paths and the data. */
typedef struct request {
  ebb_fs fs;
  uv_work_t work;
  ebb_driver *driver;
  ebb_alloc *alloc;
  size_t n_bytes; /* of the whole block */
  bool released;  /* its owner has let go: its end frees it */
} request;

static request *request_of(ebb_fs *fs)
{
  return ebb_container_of(fs, request, fs);
}

static void free_results(ebb_fs *fs)
{
  free(fs->items);
  free(fs->data);
  fs->items = NULL;
  fs->data = NULL;
  if (fs->fd >= 0)
    close(fs->fd);
  fs->fd = -1;
}

static void destroy(request *self)
{
  free_results(&self->fs);
  ebb_alloc_put(self->alloc, self, self->n_bytes);
}

static void on_work(uv_work_t *work)
{
  request *self = work->data;
  ebb__fs_run(&self->fs);
}

static void on_done(uv_work_t *work, int status)
{
  request *self = work->data;
  ebb_fs *fs = &self->fs;
  ebb_driver_end(self->driver, true);
  if (status != 0)
    fs->error = status; /* taken back */
  fs->done = true;
  ebb_wait *wait = ebb_waitq_head(&fs->waiter);
  if (wait != NULL)
    ebb_wake(wait, EBB_OK);
  else
    free_results(fs);
  if (self->released)
    destroy(self);
}

static void abandon(request *self)
{
  atomic_store_explicit(&self->fs.abandoned, true, memory_order_relaxed);
  (void)uv_cancel((uv_req_t *)&self->work);
}

static char *copy(char **at, const char *bytes, size_t n_bytes)
{
  char *to = *at;
  memcpy(to, bytes, n_bytes);
  to[n_bytes] = 0;
  *at += n_bytes + 1;
  return to;
}

ebb_fs *ebb_fs_start(ebb_driver *driver, ebb_alloc *alloc,
                     const ebb_fs_call *call)
{
  size_t n_path = strlen(call->path);
  size_t n_other = call->other != NULL ? strlen(call->other) : 0;
  size_t n_data = call->data != NULL ? call->n_bytes : 0;
  size_t n_bytes = sizeof(request) + n_path + n_other + 3;
  if (n_data > SIZE_MAX - n_bytes)
    return NULL;
  n_bytes += n_data;
  request *self = ebb_alloc_get(alloc, n_bytes);
  if (self == NULL)
    return NULL;
  *self = (request){.driver = driver, .alloc = alloc, .n_bytes = n_bytes};
  ebb_fs *fs = &self->fs;
  char *at = (char *)(self + 1);
  fs->call = *call;
  fs->fd = -1;
  fs->call.path = fs->path = copy(&at, call->path, n_path);
  if (call->other != NULL)
    fs->call.other = fs->other = copy(&at, call->other, n_other);
  if (call->data != NULL)
    fs->call.data = copy(&at, call->data, n_data);
  atomic_init(&fs->abandoned, false);
  ebb_list_init(&fs->waiter);
  self->work.data = self;
  ebb_driver_begin(driver, true);
  uv_queue_work(ebb_driver_loop(driver), &self->work, on_work, on_done);
  return fs;
}

void ebb_fs_release(ebb_fs *fs)
{
  request *self = request_of(fs);
  if (fs->done) {
    destroy(self);
    return;
  }
  self->released = true;
  abandon(self);
}

/* --- waiting -------------------------------------------------------------- */

static void leave(ebb_wait *wait)
{
  ebb_fs *fs = wait->source;
  if (!fs->done)
    abandon(request_of(fs));
}

static const ebb_wait_class classes[EBB_FS_N_KINDS] = {
    [EBB_FS_READ] = {"file read", true, leave},
    [EBB_FS_WRITE] = {"file write", true, leave},
    [EBB_FS_APPEND] = {"file append", true, leave},
    [EBB_FS_STAT] = {"file stat", true, leave},
    [EBB_FS_LIST] = {"directory list", true, leave},
    [EBB_FS_SCAN] = {"directory walk", true, leave},
    [EBB_FS_MKDIR] = {"file mkdir", true, leave},
    [EBB_FS_REMOVE] = {"file remove", true, leave},
    [EBB_FS_RENAME] = {"file rename", true, leave},
    [EBB_FS_COPY] = {"file copy", true, leave},
    [EBB_FS_SYMLINK] = {"file symlink", true, leave},
    [EBB_FS_REALPATH] = {"file realpath", true, leave},
    [EBB_FS_CHMOD] = {"file chmod", true, leave},
    [EBB_FS_MKDTEMP] = {"file mkdtemp", true, leave},
    [EBB_FS_OPEN] = {"file open", true, leave},
    [EBB_FS_TMPFILE] = {"file tmpfile", true, leave},
};

void ebb_fs_link(ebb_task *task, uint32_t i, ebb_fs *fs)
{
  EBB_CHECK(!fs->done && ebb_list_is_empty(&fs->waiter));
  ebb_wait_link(task, i, &classes[fs->call.kind], fs, &fs->waiter, 0);
}
