/* SPDX-License-Identifier: MIT */
/* What goes from one thread to another: bytes, and things that travel beside
   them because bytes cannot carry them (a counted object, a block of memory,
   code). The bytes alone may come from anywhere: a reader checks every step
   against the end, and what it points to beside them must be there. What they
   mean is csrc/lua/l_clone.c's.

   A message owns its bytes and what is attached, until the latter is taken out;
   small ones are one allocation. From malloc, as sender and receiver are
   different threads. One thread at a time. Writers are amortised O(bytes). */
#ifndef EBB_BASE_MESSAGE_H
#define EBB_BASE_MESSAGE_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ebb_attachment {
  int kind;
  void *object; /* NULL: taken */
  size_t n_bytes;
  void (*drop)(void *object);
} ebb_attachment;

#define EBB_MESSAGE_INLINE 152

typedef struct ebb_message {
  ebb_list link; /* for whoever keeps it */
  unsigned char *bytes;
  size_t n_bytes, cap;
  ebb_attachment *attached;
  uint32_t n_attached, cap_attached;
  unsigned char first[EBB_MESSAGE_INLINE];
} ebb_message;

/* NULL: no memory. */
ebb_message *ebb_message_new(void);
void ebb_message_free(ebb_message *message); /* NULL is fine */
/* Empty again, ready to be written. */
void ebb_message_clear(ebb_message *message);

/* --- writing: false when there is no memory ------------------------------- */

bool ebb_message_put(ebb_message *message, const void *bytes, size_t n_bytes);
bool ebb_message_put_byte(ebb_message *message, unsigned char byte);
bool ebb_message_put_number(ebb_message *message, uint64_t n); /* 1 to 10 */
bool ebb_message_put_double(ebb_message *message, double d);
/* Its index is `n_attached` as it was before. When it fails, the object is the
   caller's still. */
bool ebb_message_attach(ebb_message *message, ebb_attachment attachment);

/* --- reading -------------------------------------------------------------- */

typedef struct ebb_reader {
  const unsigned char *at, *end;
  bool is_bad; /* something was missing or wrong; all else read is 0 then */
} ebb_reader;

void ebb_reader_init(ebb_reader *reader, const ebb_message *message);
static inline size_t ebb_reader_left(const ebb_reader *reader)
{
  return (size_t)(reader->end - reader->at);
}
unsigned char ebb_reader_byte(ebb_reader *reader);
uint64_t ebb_reader_number(ebb_reader *reader);
double ebb_reader_double(ebb_reader *reader);
/* n_bytes of the message itself; NULL if there are less. */
const unsigned char *ebb_reader_bytes(ebb_reader *reader, uint64_t n_bytes);

#endif
