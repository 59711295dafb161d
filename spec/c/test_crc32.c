/* SPDX-License-Identifier: MIT */
/* Known values, parts against the whole, every alignment. */
#include "base/crc32.h"
#include "check.h"

TEST(known_values)
{
  CHECK_EQ(ebb_crc32(0, "", 0), 0);
  CHECK_EQ(ebb_crc32(0, "a", 1), 0xe8b7be43);
  CHECK_EQ(ebb_crc32(0, "123456789", 9), 0xcbf43926);
  CHECK_EQ(ebb_crc32(0, "The quick brown fox jumps over the lazy dog", 43),
           0x414fa339);
}

TEST(parts_make_the_whole)
{
  unsigned char bytes[200];
  for (int i = 0; i < 200; i++)
    bytes[i] = (unsigned char)(i * 37 + 11);
  for (size_t from = 0; from < 8; from++) {
    uint32_t whole = ebb_crc32(0, bytes + from, 150);
    for (size_t n = 0; n <= 150; n++) {
      uint32_t part = ebb_crc32(0, bytes + from, n);
      CHECK_EQ(ebb_crc32(part, bytes + from + n, 150 - n), whole);
    }
  }
}

int main(void)
{
  RUN(known_values);
  RUN(parts_make_the_whole);
  return check_report();
}
