/* SPDX-License-Identifier: MIT */
#include "base/message.h"

#include <stdlib.h>
#include <string.h>

ebb_message *ebb_message_new(void)
{
  ebb_message *self = malloc(sizeof *self);
  if (self == NULL)
    return NULL;
  ebb_list_init(&self->link);
  self->bytes = self->first;
  self->cap = sizeof self->first;
  self->n_bytes = 0;
  self->attached = NULL;
  self->n_attached = self->cap_attached = 0;
  return self;
}

void ebb_message_clear(ebb_message *self)
{
  for (uint32_t i = 0; i < self->n_attached; i++)
    if (self->attached[i].object != NULL)
      self->attached[i].drop(self->attached[i].object);
  self->n_attached = 0;
  self->n_bytes = 0;
}

void ebb_message_free(ebb_message *self)
{
  if (self == NULL)
    return;
  ebb_message_clear(self);
  free(self->attached);
  if (self->bytes != self->first)
    free(self->bytes);
  free(self);
}

/* --- writing --- */

static bool grow(ebb_message *self, size_t n_more)
{
  size_t cap = self->cap * 2;
  if (n_more > SIZE_MAX / 4 || self->n_bytes > SIZE_MAX / 4)
    return false;
  if (cap < self->n_bytes + n_more)
    cap = self->n_bytes + n_more;
  unsigned char *old = self->bytes == self->first ? NULL : self->bytes;
  unsigned char *bytes = realloc(old, cap);
  if (bytes == NULL)
    return false;
  if (old == NULL)
    memcpy(bytes, self->first, self->n_bytes);
  self->bytes = bytes;
  self->cap = cap;
  return true;
}

bool ebb_message_put(ebb_message *self, const void *bytes, size_t n_bytes)
{
  if (n_bytes > self->cap - self->n_bytes && !grow(self, n_bytes))
    return false;
  if (n_bytes > 0)
    memcpy(self->bytes + self->n_bytes, bytes, n_bytes);
  self->n_bytes += n_bytes;
  return true;
}

bool ebb_message_put_byte(ebb_message *self, unsigned char byte)
{
  if (self->n_bytes == self->cap && !grow(self, 1))
    return false;
  self->bytes[self->n_bytes++] = byte;
  return true;
}

bool ebb_message_put_number(ebb_message *self, uint64_t n)
{
  unsigned char bytes[10];
  size_t n_bytes = 0;
  while (n >= 0x80) {
    bytes[n_bytes++] = (unsigned char)(n | 0x80);
    n >>= 7;
  }
  bytes[n_bytes++] = (unsigned char)n;
  return ebb_message_put(self, bytes, n_bytes);
}

bool ebb_message_put_double(ebb_message *self, double d)
{
  return ebb_message_put(self, &d, sizeof d);
}

bool ebb_message_attach(ebb_message *self, ebb_attachment attachment)
{
  if (self->n_attached == self->cap_attached) {
    uint32_t cap = self->cap_attached < 4 ? 4 : self->cap_attached * 2;
    ebb_attachment *list =
        cap > UINT32_MAX / 2 / sizeof *list
            ? NULL
            : realloc(self->attached, cap * sizeof *self->attached);
    if (list == NULL)
      return false;
    self->attached = list;
    self->cap_attached = cap;
  }
  self->attached[self->n_attached++] = attachment;
  return true;
}

/* --- reading --- */

void ebb_reader_init(ebb_reader *self, const ebb_message *message)
{
  self->at = message->bytes;
  self->end = message->bytes + message->n_bytes;
  self->is_bad = false;
}

const unsigned char *ebb_reader_bytes(ebb_reader *self, uint64_t n_bytes)
{
  if (n_bytes > ebb_reader_left(self)) {
    self->at = self->end;
    self->is_bad = true;
    return NULL;
  }
  const unsigned char *bytes = self->at;
  self->at += n_bytes;
  return bytes;
}

unsigned char ebb_reader_byte(ebb_reader *self)
{
  const unsigned char *byte = ebb_reader_bytes(self, 1);
  return byte != NULL ? *byte : 0;
}

uint64_t ebb_reader_number(ebb_reader *self)
{
  uint64_t n = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    unsigned char byte = ebb_reader_byte(self);
    if (shift == 63 && byte > 1)
      break;
    n |= (uint64_t)(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0)
      return n;
  }
  self->is_bad = true;
  return 0;
}

double ebb_reader_double(ebb_reader *self)
{
  double d = 0;
  const unsigned char *bytes = ebb_reader_bytes(self, sizeof d);
  if (bytes != NULL)
    memcpy(&d, bytes, sizeof d);
  return d;
}
