/* SPDX-License-Identifier: MIT */
#include "uv/input.h"

#include "base/base.h"

#include <ctype.h>
#include <string.h>

void ebb_input_init(ebb_input *self, const ebb_input_class *cls,
                    ebb_alloc *alloc, ebb_driver *driver)
{
  *self = (ebb_input){.cls = cls, .alloc = alloc, .driver = driver};
  ebb_list_init(&self->waiters);
}

void ebb_input_fini(ebb_input *self)
{
  EBB_CHECK(!ebb_input_is_wanted(self));
  ebb_alloc_put(self->alloc, self->block, self->cap);
  self->block = NULL;
  self->start = self->n = self->cap = 0;
}

/* --- the buffer ----------------------------------------------------------- */

/* What a buffer that was large may keep. */
#define KEPT_BYTES  ((size_t)1 << 18)
#define LEAST_BYTES ((size_t)4096)

char *ebb_input_room(ebb_input *self, size_t n)
{
  if (n <= self->cap - self->start - self->n)
    return self->block + self->start + self->n;
  if (n <= self->cap - self->n && self->start >= self->n) {
    /* at least as much was taken as is left: moving it pays for itself */
    memcpy(self->block, self->block + self->start, self->n);
    self->start = 0;
    return self->block + self->n;
  }
  if (n > SIZE_MAX / 4 - self->n)
    return NULL;
  size_t cap = self->cap < LEAST_BYTES ? LEAST_BYTES : self->cap;
  while (cap - self->n < n || cap < self->n + self->n / 2)
    cap *= 2;
  char *block = ebb_alloc_get(self->alloc, cap);
  if (block == NULL)
    return NULL;
  if (self->n > 0)
    memcpy(block, self->block + self->start, self->n);
  ebb_alloc_put(self->alloc, self->block, self->cap);
  self->block = block;
  self->start = 0;
  self->cap = cap;
  return block + self->n;
}

void ebb_input_take(ebb_input *self, size_t n)
{
  self->start += n;
  self->n -= n;
  self->scanned = 0;
  if (self->n == 0) {
    self->start = 0;
    if (self->cap > KEPT_BYTES)
      ebb_input_fini(self);
  }
  if (n > 0 && self->cls->taken != NULL)
    self->cls->taken(self);
}

void ebb_input_clear(ebb_input *self)
{
  ebb_input_take(self, self->n);
  self->ended = false;
  self->error = 0;
}

/* --- matching ------------------------------------------------------------- */

typedef struct scanner {
  const char *bytes;
  size_t n, at, n_chars;
  bool ended, stopped; /* the next byte decides and is not there */
} scanner;

#define NUMERAL_MAX 200 /* as Lua's own */

static int peek(scanner *s)
{
  if (s->at < s->n)
    return (unsigned char)s->bytes[s->at];
  s->stopped = !s->ended;
  return -1;
}

static bool accept(scanner *s, const char *set)
{
  int c = peek(s);
  if (c <= 0 || strchr(set, c) == NULL || s->n_chars >= NUMERAL_MAX)
    return false;
  s->at++;
  s->n_chars++;
  return true;
}

static size_t accept_digits(scanner *s, bool is_hex)
{
  size_t n = 0;
  while (accept(s, is_hex ? "0123456789abcdefABCDEF" : "0123456789"))
    n++;
  return n;
}

size_t ebb_input_numeral(const char *bytes, size_t n, bool ended)
{
  scanner s = {.bytes = bytes, .n = n, .ended = ended};
  size_t n_digits = 0;
  bool is_hex = false;
  while (peek(&s) >= 0 && isspace(peek(&s)))
    s.at++;
  accept(&s, "+-");
  if (accept(&s, "0")) {
    if (accept(&s, "xX"))
      is_hex = true;
    else
      n_digits = 1;
  }
  n_digits += accept_digits(&s, is_hex);
  if (accept(&s, "."))
    n_digits += accept_digits(&s, is_hex);
  if (n_digits > 0 && accept(&s, is_hex ? "pP" : "eE")) {
    accept(&s, "+-");
    accept_digits(&s, false);
  }
  return s.stopped ? EBB_MORE : s.at;
}

static size_t find_line(ebb_input *self)
{
  const char *bytes = ebb_input_bytes(self);
  const char *end =
      self->n == self->scanned
          ? NULL
          : memchr(bytes + self->scanned, '\n', self->n - self->scanned);
  if (end != NULL)
    return (size_t)(end - bytes) + 1;
  self->scanned = self->n;
  return EBB_MORE;
}

static size_t find_delimiter(ebb_input *self, const ebb_want *want)
{
  const char *bytes = ebb_input_bytes(self);
  size_t n = self->n < want->n ? self->n : want->n;
  while (self->scanned + want->n_delim <= n) {
    const char *at = memchr(bytes + self->scanned, want->delim[0],
                            n - want->n_delim + 1 - self->scanned);
    if (at == NULL) {
      self->scanned = n - want->n_delim + 1;
      break;
    }
    self->scanned = (size_t)(at - bytes);
    if (memcmp(at, want->delim, want->n_delim) == 0)
      return self->scanned + want->n_delim;
    self->scanned++;
  }
  return self->n >= want->n ? want->n : EBB_MORE;
}

size_t ebb_input_match(ebb_input *self, const ebb_want *want)
{
  switch (want->kind) {
  case EBB_WANT_SOME:
    return self->n == 0 ? EBB_MORE : self->n < want->n ? self->n : want->n;
  case EBB_WANT_COUNT:
    return self->n < want->n || self->n == 0 ? EBB_MORE : want->n;
  case EBB_WANT_LINE:
    return find_line(self);
  case EBB_WANT_UNTIL:
    return find_delimiter(self, want);
  case EBB_WANT_NUMBER:
    return ebb_input_numeral(ebb_input_bytes(self), self->n, self->ended);
  default:
    return EBB_MORE;
  }
}

/* --- who waits ------------------------------------------------------------ */

bool ebb_input_is_busy(const ebb_input *self, const ebb_task *task)
{
  return ebb_input_is_wanted(self) ||
         (self->reader != NULL && self->reader != task);
}

static void leave(ebb_wait *wait)
{
  ebb_input *self = wait->source;
  if (self->driver != NULL)
    ebb_driver_end(self->driver, false);
  if (!ebb_input_is_wanted(self))
    self->cls->stop(self);
}

static const ebb_wait_class read_class = {"read", true, leave};

void ebb_input_link(ebb_task *task, uint32_t i, ebb_input *self,
                    const ebb_want *want)
{
  /* two arms of one select: the first is what is waited for */
  bool is_first = !ebb_input_is_wanted(self);
  if (self->driver != NULL)
    ebb_driver_begin(self->driver, false);
  ebb_wait_link(task, i, &read_class, self, &self->waiters, 0);
  if (!is_first)
    return;
  self->want = *want;
  self->cls->start(self);
}

void ebb_input_settled(ebb_input *self)
{
  self->reader = NULL;
  self->ended = false;
  self->error = 0;
}

static void wake(ebb_input *self, int status)
{
  ebb_wait *wait = ebb_waitq_head(&self->waiters);
  if (status == EBB_OK)
    self->reader = wait->task;
  ebb_wake(wait, status);
}

void ebb_input_fed(ebb_input *self, size_t n)
{
  self->n += n;
  if (ebb_input_is_wanted(self) &&
      ebb_input_match(self, &self->want) != EBB_MORE)
    wake(self, EBB_OK);
}

bool ebb_input_ready(ebb_input *self)
{
  if (!ebb_input_is_wanted(self) || !self->want.lazy)
    return false;
  wake(self, EBB_OK);
  return true;
}

void ebb_input_end(ebb_input *self, int error)
{
  self->ended = true;
  self->error = error;
  if (ebb_input_is_wanted(self))
    wake(self, EBB_OK);
}

void ebb_input_close(ebb_input *self)
{
  self->closed = true;
  ebb_wake_all(&self->waiters, EBB_ECLOSED);
}
