/* SPDX-License-Identifier: MIT */
/* The reading end without Lua: what meets a want, fed in pieces of every size;
   who is woken; numerals; no memory. */
#include "check.h"
#include "uv/input.h"
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

static ebb_input input;
static int n_started, n_stopped;

static void start(ebb_input *self)
{
  (void)self;
  n_started++;
}

static void stop(ebb_input *self)
{
  (void)self;
  n_stopped++;
}

static const ebb_input_class cls = {.start = start, .stop = stop};

static void begin_input(void)
{
  begin();
  n_started = n_stopped = 0;
  ebb_input_init(&input, &cls, &alloc, NULL);
}

static void end_input(void)
{
  end();
  ebb_input_fini(&input);
  CHECK_EQ(alloc.live_bytes, 0);
}

static void feed(const char *bytes, size_t n)
{
  char *room = ebb_input_room(&input, n);
  CHECK(room != NULL);
  memcpy(room, bytes, n);
  ebb_input_fed(&input, n);
}

static void feed_text(const char *text)
{
  feed(text, strlen(text));
}

static bool holds(const char *text)
{
  return input.n == strlen(text) &&
         memcmp(ebb_input_bytes(&input), text, input.n) == 0;
}

static size_t match(int kind, size_t n, const char *delim)
{
  ebb_want want = {.kind = (uint8_t)kind, .n = n, .delim = delim};
  want.n_delim = delim != NULL ? strlen(delim) : 0;
  input.scanned = 0;
  return ebb_input_match(&input, &want);
}

static void wait_for(int i, int kind, size_t n, const char *delim)
{
  ebb_want want = {.kind = (uint8_t)kind, .n = n, .delim = delim};
  want.n_delim = delim != NULL ? strlen(delim) : 0;
  input.scanned = 0;
  ebb_input_link(run_task(i), 0, &input, &want);
  park(i, 1);
}

TEST(what_meets_a_want)
{
  begin_input();
  CHECK_EQ(match(EBB_WANT_SOME, 5, NULL), EBB_MORE);
  CHECK_EQ(match(EBB_WANT_COUNT, 0, NULL), EBB_MORE);
  feed_text("ab\ncd--e-f");
  CHECK_EQ(match(EBB_WANT_SOME, 5, NULL), 5);
  CHECK_EQ(match(EBB_WANT_SOME, 50, NULL), 10);
  CHECK_EQ(match(EBB_WANT_COUNT, 0, NULL), 0);
  CHECK_EQ(match(EBB_WANT_COUNT, 10, NULL), 10);
  CHECK_EQ(match(EBB_WANT_COUNT, 11, NULL), EBB_MORE);
  CHECK_EQ(match(EBB_WANT_LINE, 0, NULL), 3);
  CHECK_EQ(match(EBB_WANT_ALL, 0, NULL), EBB_MORE);
  CHECK_EQ(match(EBB_WANT_UNTIL, 100, "--"), 7);
  CHECK_EQ(match(EBB_WANT_UNTIL, 7, "--"), 7);
  CHECK_EQ(match(EBB_WANT_UNTIL, 6, "--"), 6); /* too long */
  CHECK_EQ(match(EBB_WANT_UNTIL, 100, "-f"), 10);
  CHECK_EQ(match(EBB_WANT_UNTIL, 100, "-x"), EBB_MORE);
  CHECK_EQ(match(EBB_WANT_UNTIL, 1, "--"), 1);
  ebb_input_take(&input, 3);
  CHECK_EQ(match(EBB_WANT_LINE, 0, NULL), EBB_MORE);
  ebb_input_clear(&input);
  CHECK_EQ(input.n, 0);
  end_input();
}

/* The same result however it comes. */
TEST(fed_in_pieces_of_every_size)
{
  static const char text[] = "x--y-\n-z---end-of-it";
  static const struct {
    int kind;
    size_t n;
    const char *delim;
    size_t wanted;
  } cases[] = {
      {EBB_WANT_COUNT, 13, NULL, 13},   {EBB_WANT_LINE, 0, NULL, 6},
      {EBB_WANT_UNTIL, 100, "---", 11}, {EBB_WANT_UNTIL, 100, "-of-it", 20},
      {EBB_WANT_UNTIL, 9, "---", 9},    {EBB_WANT_UNTIL, 100, "-z", 8},
      {EBB_WANT_UNTIL, 100, "-\n-", 7}, {EBB_WANT_UNTIL, 100, "--e", 12},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    for (size_t piece = 1; piece < sizeof text; piece++) {
      begin_input();
      wait_for(0, cases[c].kind, cases[c].n, cases[c].delim);
      size_t at = 0, n_all = sizeof text - 1;
      while (is_waiting(0) && at < n_all) {
        size_t n = piece < n_all - at ? piece : n_all - at;
        feed(text + at, n);
        at += n;
      }
      CHECK(!is_waiting(0));
      CHECK_EQ(input.reader == &tasks[0], true);
      CHECK_EQ(ebb_input_match(&input, &input.want), cases[c].wanted);
      CHECK(at >= cases[c].wanted && at < cases[c].wanted + piece);
      CHECK_EQ(n_started, 1);
      CHECK_EQ(n_stopped, 1);
      end_input();
    }
  }
}

TEST(what_had_come_stays)
{
  begin_input();
  wait_for(0, EBB_WANT_COUNT, 10, NULL);
  feed_text("half");
  CHECK(is_waiting(0));
  CHECK(ebb_input_is_busy(&input, &tasks[1]));
  cancel(0);
  CHECK_EQ(n_stopped, 1);
  CHECK(holds("half"));
  CHECK(!ebb_input_is_busy(&input, &tasks[1]));
  wait_for(1, EBB_WANT_LINE, 0, NULL);
  feed_text(" a line\nrest");
  CHECK(!is_waiting(1));
  CHECK(tasks[1].took);
  CHECK(ebb_input_is_busy(&input, &tasks[2]));
  CHECK(!ebb_input_is_busy(&input, &tasks[1]));
  ebb_input_take(&input, 12);
  ebb_input_settled(&input);
  CHECK(holds("rest"));
  CHECK(!ebb_input_is_busy(&input, &tasks[2]));
  end_input();
}

TEST(ends_and_closes)
{
  begin_input();
  wait_for(0, EBB_WANT_ALL, 0, NULL);
  feed_text("all");
  CHECK(is_waiting(0));
  ebb_input_end(&input, 0);
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(input.ended);
  ebb_input_settled(&input);
  CHECK(!input.ended);
  wait_for(1, EBB_WANT_COUNT, 100, NULL);
  ebb_input_close(&input);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  end_input();
}

static size_t numeral(const char *text, bool ended)
{
  return ebb_input_numeral(text, strlen(text), ended);
}

TEST(numerals)
{
  static const struct {
    const char *text;
    size_t n;
  } cases[] = {{"12 ", 2},    {" \n-3.5e+1x", 9}, {"0x1Fp4,", 6}, {"0x.8 ", 4},
               {".5.5", 2},   {"1e", 2},          {"+x", 1},      {"nan", 0},
               {"12e5e5", 4}, {"0x", 2},          {"00012", 5},   {"   ", 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK_EQ(numeral(cases[i].text, true), cases[i].n);
  CHECK_EQ(numeral("12", false), EBB_MORE);
  CHECK_EQ(numeral("12 ", false), 2);
  CHECK_EQ(numeral("-", false), EBB_MORE);
  CHECK_EQ(numeral("  ", false), EBB_MORE);
  CHECK_EQ(numeral("x", false), 0);
  CHECK_EQ(numeral("", true), 0);
}

/* A queue of a few bytes does not grow, whatever goes through. */
TEST(bounded_while_it_is_read)
{
  char bytes[1000];
  begin_input();
  memset(bytes, 'x', sizeof bytes);
  for (int i = 0; i < 10000; i++) {
    feed(bytes, sizeof bytes);
    if (i > 2)
      ebb_input_take(&input, sizeof bytes);
  }
  CHECK(alloc.peak_bytes < 70000);
  ebb_input_clear(&input);
  for (int i = 0; i < 1000; i++)
    feed(bytes, sizeof bytes);
  ebb_input_take(&input, 1000000);
  CHECK(input.cap == 0); /* much is given back */
  end_input();
}

static void *none(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud, (void)old_bytes;
  if (new_bytes == 0)
    free(ptr);
  return NULL;
}

/* What is left after a take goes along when there is room made for more. */
TEST(what_is_left_moves_along)
{
  char text[6001];
  for (size_t n_taken = 100; n_taken < 6000; n_taken += 700) {
    begin_input();
    for (size_t i = 0; i < sizeof text; i++)
      text[i] = (char)('a' + i % 23);
    text[6000] = 0;
    feed(text, 6000);
    ebb_input_take(&input, n_taken);
    CHECK(ebb_input_room(&input, 20000) != NULL);
    CHECK(holds(text + n_taken));
    end_input();
  }
}

TEST(no_memory)
{
  begin_input();
  feed_text("kept");
  ebb_alloc_fn before = alloc.fn;
  alloc.fn = none;
  CHECK(ebb_input_room(&input, 1000000) == NULL);
  CHECK(ebb_input_room(&input, SIZE_MAX / 2) == NULL);
  alloc.fn = before;
  CHECK(holds("kept"));
  end_input();
}

int main(void)
{
  RUN(what_meets_a_want);
  RUN(fed_in_pieces_of_every_size);
  RUN(what_had_come_stays);
  RUN(ends_and_closes);
  RUN(numerals);
  RUN(bounded_while_it_is_read);
  RUN(what_is_left_moves_along);
  RUN(no_memory);
  return check_report();
}
