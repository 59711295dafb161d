/* SPDX-License-Identifier: MIT */
/* Messages: what is written is read, nothing past the end ever is. */
#include "base/message.h"
#include "check.h"
#include "malloc_fails.h"

#include <math.h>
#include <stdlib.h>

TEST(numbers)
{
  static const uint64_t numbers[] = {
      0, 1, 127, 128, 129, 16383, 16384, UINT32_MAX, 1ull << 62, UINT64_MAX};
  enum { N = sizeof numbers / sizeof *numbers };
  ebb_message *message = ebb_message_new();
  ebb_reader reader;
  for (int i = 0; i < N; i++)
    CHECK(ebb_message_put_number(message, numbers[i]));
  ebb_reader_init(&reader, message);
  for (int i = 0; i < N; i++)
    CHECK(ebb_reader_number(&reader) == numbers[i]);
  CHECK_EQ(ebb_reader_left(&reader), 0);
  CHECK(!reader.is_bad);
  CHECK_EQ(ebb_reader_number(&reader), 0);
  CHECK(reader.is_bad);
  ebb_message_free(message);
}

TEST(doubles_and_bytes)
{
  ebb_message *message = ebb_message_new();
  ebb_reader reader;
  char big[5000];
  memset(big, 7, sizeof big);
  CHECK(ebb_message_put_double(message, -0.0));
  CHECK(ebb_message_put(message, big, sizeof big));
  CHECK(ebb_message_put(message, NULL, 0));
  CHECK(ebb_message_put_byte(message, 9));
  ebb_reader_init(&reader, message);
  CHECK(signbit(ebb_reader_double(&reader)));
  const unsigned char *bytes = ebb_reader_bytes(&reader, sizeof big);
  CHECK(bytes != NULL && memcmp(bytes, big, sizeof big) == 0);
  CHECK_EQ(ebb_reader_byte(&reader), 9);
  CHECK(!reader.is_bad);
  CHECK_EQ(ebb_reader_byte(&reader), 0);
  CHECK(reader.is_bad);
  ebb_message_free(message);
  ebb_message_free(NULL);
}

TEST(short_and_overlong)
{
  ebb_message *message = ebb_message_new();
  ebb_reader reader;
  for (int i = 0; i < 20; i++)
    ebb_message_put_byte(message, 0xff); /* a number without an end */
  ebb_reader_init(&reader, message);
  CHECK_EQ(ebb_reader_number(&reader), 0);
  CHECK(reader.is_bad);
  ebb_message_clear(message);
  ebb_message_put_byte(message, 0x80);
  ebb_reader_init(&reader, message);
  CHECK_EQ(ebb_reader_number(&reader), 0);
  CHECK(reader.is_bad);
  ebb_reader_init(&reader, message);
  CHECK(ebb_reader_bytes(&reader, UINT64_MAX) == NULL);
  CHECK(ebb_reader_double(&reader) == 0);
  CHECK(reader.is_bad);
  ebb_message_free(message);
}

static int n_dropped;

static void drop(void *object)
{
  (void)object;
  n_dropped++;
}

TEST(attachments)
{
  ebb_message *message = ebb_message_new();
  int objects[10];
  for (int i = 0; i < 10; i++) {
    ebb_attachment attachment = {i, &objects[i], 4, drop};
    CHECK(ebb_message_attach(message, attachment));
  }
  CHECK_EQ(message->n_attached, 10);
  CHECK(message->attached[7].object == &objects[7]);
  message->attached[3].object = NULL; /* taken out */
  ebb_message_clear(message);
  CHECK_EQ(n_dropped, 9);
  CHECK_EQ(message->n_attached, 0);
  ebb_attachment attachment = {0, objects, 4, drop};
  ebb_message_attach(message, attachment);
  ebb_message_free(message);
  CHECK_EQ(n_dropped, 10);
}

#if defined(EBB_WRAPS_MALLOC)

/* Nothing is lost or half written when there is no memory. */
TEST(without_memory)
{
  char big[3000];
  ebb_reader reader;
  memset(big, 5, sizeof big);
  malloc_fail_from(1);
  CHECK(ebb_message_new() == NULL);
  malloc_fail_from(0);
  ebb_message *message = ebb_message_new();
  CHECK(ebb_message_put_number(message, 12345));
  malloc_fail_from(1);
  int n_bytes = 0; /* as many as have room without asking for more */
  while (ebb_message_put_byte(message, 7))
    n_bytes++;
  CHECK(!ebb_message_put(message, big, sizeof big));
  CHECK(!ebb_message_put_number(message, 1));
  CHECK(!ebb_message_put_double(message, 1));
  CHECK(!ebb_message_attach(message, (ebb_attachment){.object = NULL}));
  malloc_fail_from(0);
  CHECK(ebb_message_put(message, big, sizeof big));
  malloc_fail_from(1); /* and what has grown once */
  CHECK(!ebb_message_put(message, big, sizeof big) ||
        !ebb_message_put(message, big, sizeof big));
  malloc_fail_from(0);
  ebb_reader_init(&reader, message);
  CHECK_EQ(ebb_reader_number(&reader), 12345);
  for (int i = 0; i < n_bytes; i++)
    CHECK_EQ(ebb_reader_byte(&reader), 7);
  const unsigned char *bytes = ebb_reader_bytes(&reader, sizeof big);
  CHECK(bytes != NULL && memcmp(bytes, big, sizeof big) == 0);
  ebb_message_free(message);
}
#endif

/* More than there can be is refused, not counted round. */
TEST(too_large)
{
  ebb_message *message = ebb_message_new();
  CHECK(!ebb_message_put(message, "x", SIZE_MAX));
  CHECK(!ebb_message_put(message, "x", SIZE_MAX / 2));
  CHECK(ebb_message_put(message, "x", 1));
  ebb_message_free(message);
}

int main(void)
{
  RUN(numbers);
  RUN(doubles_and_bytes);
  RUN(short_and_overlong);
  RUN(attachments);
#if defined(EBB_WRAPS_MALLOC)
  RUN(without_memory);
#endif
  RUN(too_large);
  return check_report();
}
