/* SPDX-License-Identifier: MIT */
/* The reading end of a byte stream: what has come and nobody has taken, and the
   one task that waits for more, with what it wants. The source (a file, a pipe,
   a socket) feeds it and is asked to only while somebody waits. What a read
   that ended otherwise had been given stays for the next one.

   A task that was woken owns the buffer until it has taken its part. Memory is
   that of what is buffered. Knows neither Lua nor libuv. */
#ifndef EBB_UV_INPUT_H
#define EBB_UV_INPUT_H

#include "core/task.h"
#include "uv/driver.h"

enum {
  EBB_WANT_SOME,   /* anything, at most n bytes */
  EBB_WANT_COUNT,  /* n bytes; with n = 0: to know whether there are more */
  EBB_WANT_LINE,   /* up to and with a line end */
  EBB_WANT_ALL,    /* up to the end */
  EBB_WANT_UNTIL,  /* up to and with the delimiter; n bytes at most */
  EBB_WANT_NUMBER, /* what begins like a numeral of Lua */
};

typedef struct ebb_want {
  uint8_t kind;
  size_t n;
  const char *delim; /* UNTIL: kept by who waits */
  size_t n_delim;
  bool lazy; /* who waits pulls itself: a wake may say no more than that there
                may be something */
} ebb_want;

typedef struct ebb_input ebb_input;

typedef struct ebb_input_class {
  /* Optional: feeds what is there, without waiting. Called before somebody
     waits: what start needs memory for is got here. */
  void (*pull)(ebb_input *self);
  /* Somebody waits: feeds, from the next turn on, until the want is met. Then,
     or when the wait ends otherwise, it is told to stop. */
  void (*start)(ebb_input *self);
  void (*stop)(ebb_input *self);
  /* Optional: something was taken, there is room for more. */
  void (*taken)(ebb_input *self);
} ebb_input_class;

struct ebb_input {
  const ebb_input_class *cls;
  ebb_alloc *alloc;
  ebb_driver *driver; /* busy while somebody waits; may be NULL */
  char *block;
  size_t start, n, cap; /* block[start … start + n - 1] is buffered */
  size_t scanned;       /* that many hold nothing of what is looked for */
  bool ended;           /* the source had no more: until the next read */
  bool closed;
  int error;        /* of the source; 0: the end */
  ebb_task *reader; /* it was woken and takes its part soon */
  ebb_want want;    /* of who waits */
  ebb_waitq waiters;
};

#define EBB_MORE SIZE_MAX

/* Who waits has made room for that much; more than it may fail. */
#define EBB_INPUT_CHUNK ((size_t)65536)

static inline const char *ebb_input_bytes(const ebb_input *self)
{
  return self->block + self->start;
}

void ebb_input_init(ebb_input *self, const ebb_input_class *cls,
                    ebb_alloc *alloc, ebb_driver *driver);
/* Frees what is buffered; nobody waits. */
void ebb_input_fini(ebb_input *self);

/* --- for who reads -------------------------------------------------------- */

/* Somebody else reads at the moment. */
bool ebb_input_is_busy(const ebb_input *self, const ebb_task *task);
/* How many bytes meet the want, or EBB_MORE: it depends on what comes. */
size_t ebb_input_match(ebb_input *self, const ebb_want *want);
/* How many of these bytes belong to a numeral (after white space), EBB_MORE if
   the next byte decides. */
size_t ebb_input_numeral(const char *bytes, size_t n, bool ended);
/* The first n bytes are taken. */
void ebb_input_take(ebb_input *self, size_t n);
void ebb_input_clear(ebb_input *self);
/* "read" of `self`: a wake with EBB_OK says that the want is met or the input
   has ended; EBB_ECLOSED. */
void ebb_input_link(ebb_task *task, uint32_t i, ebb_input *self,
                    const ebb_want *want);
/* The woken task has taken its part. */
void ebb_input_settled(ebb_input *self);

/* --- for the source ------------------------------------------------------- */

static inline bool ebb_input_is_wanted(const ebb_input *self)
{
  return !ebb_list_is_empty(&self->waiters);
}
/* Room for n more bytes, at the end; NULL without memory. */
char *ebb_input_room(ebb_input *self, size_t n);
/* The source is ready: wakes who waits with a lazy want; true if there was
   one. */
bool ebb_input_ready(ebb_input *self);
/* n bytes have been put there: wakes who waits if its want is met. */
void ebb_input_fed(ebb_input *self, size_t n);
/* No more comes (now): error 0 or libuv's code. */
void ebb_input_end(ebb_input *self, int error);
/* No more will ever come or be taken: wakes who waits. */
void ebb_input_close(ebb_input *self);

#endif
