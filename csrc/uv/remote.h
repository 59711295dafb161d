/* SPDX-License-Identifier: MIT */
/* How other threads reach a runtime: what they post runs in its thread, from
   within ebb_driver_poll and ebb_driver_wait, where it may wake tasks. Posts
   that come before the runtime looks cost one wake-up of its loop together.

   A remote is counted and outlives its driver: who holds one may post at any
   time and learns whether anybody will ever look. Posts that were accepted run,
   at the latest while the driver closes. */
#ifndef EBB_UV_REMOTE_H
#define EBB_UV_REMOTE_H

#include "base/inbox.h"
#include "uv/driver.h"

/* The driver's one remote, made now if need be; borrowed. NULL: no memory. */
ebb_remote *ebb_remote_of(ebb_driver *driver);

/* From any thread. */
void ebb__remote_retain(ebb_remote *remote);
void ebb__remote_release(ebb_remote *remote);
/* From any thread: post->run(post) is going to be called in the driver's.
   False: the driver is closed, nothing will be. */
bool ebb_remote_post(ebb_remote *remote, ebb_letter *post);

/* --- between the files of this: for the driver ---------------------------- */

/* Runs what has been posted. */
void ebb__remote_drain(ebb_remote *remote);
bool ebb__remote_is_empty(const ebb_remote *remote);
/* The driver goes: runs what is left and lets go. */
void ebb__remote_close(ebb_remote *remote);

#endif
