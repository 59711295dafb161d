/* SPDX-License-Identifier: MIT */
/* Watching a directory (what happens to its entries) or a file. A file is
   watched by way of its directory, so that it may be deleted, written anew and
   put in place by a rename, as editors do, and is watched still; links are
   followed once, when the watch is opened.

   Events wait in a bounded buffer; an event that is in it already is not noted
   again. What comes when it is full is counted, and told after what is in it.
   When what is watched is gone for good (the directory), the watch has an
   error.

   Owned by who opened it, until ebb_fs_watch_release. Knows no Lua. */
#ifndef EBB_UV_FS_WATCH_H
#define EBB_UV_FS_WATCH_H

#include "uv/mailbox.h"

#define EBB_FS_WATCH_MAX 1024 /* events in the buffer */

typedef struct ebb_fs_event {
  ebb_mail mail;
  bool is_rename; /* came, went or was renamed; else its content or data did
                     change */
  uint32_t hash;  /* of the name */
  size_t n_name;
  char name[];
} ebb_fs_event;

typedef struct ebb_fs_watch {
  ebb_mailbox box;
  uint64_t n_lost; /* since the last event of the buffer */
  int error;       /* libuv's code: nothing will come any more */
  bool closed;
} ebb_fs_watch;

/* NULL: *error is libuv's code. Asks the system where the path leads. */
ebb_fs_watch *ebb_fs_watch_open(ebb_driver *driver, ebb_alloc *alloc,
                                const char *path, int *error);
/* "file watch": a wake with EBB_OK hands over an event. EBB_ECLOSED when it is
   closed, libuv's code when it fails. */
void ebb_fs_watch_link(ebb_task *task, uint32_t i, ebb_fs_watch *self);
/* The first event of the buffer is done with. */
void ebb_fs_watch_drop(ebb_fs_watch *self, ebb_fs_event *event);
/* Drops the events, wakes who waits. Closing twice is harmless; closing the
   driver closes. */
void ebb_fs_watch_close(ebb_fs_watch *self);
/* Closes, and frees it once its handle is gone. Also after the driver is. */
void ebb_fs_watch_release(ebb_fs_watch *self);

static inline ebb_fs_event *ebb_fs_event_of(ebb_mail *mail)
{
  return mail == NULL ? NULL : ebb_container_of(mail, ebb_fs_event, mail);
}

#endif
