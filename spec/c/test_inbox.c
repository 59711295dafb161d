/* SPDX-License-Identifier: MIT */
/* The inbox: order, who has to tell the taker, closing; and many threads that
   push while one takes. */
#include "base/inbox.h"
#include "check.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

typedef struct letter {
  ebb_letter post;
  int from, n;
} letter;

static void never(ebb_letter *post)
{
  (void)post;
}

TEST(keeps_the_order)
{
  ebb_inbox inbox;
  letter letters[4] = {{{NULL, never}, 0, 0}};
  ebb_inbox_init(&inbox);
  CHECK(ebb_inbox_is_empty(&inbox));
  CHECK(ebb_inbox_take(&inbox) == NULL);
  CHECK_EQ(ebb_inbox_push(&inbox, &letters[0].post), EBB_INBOX_FIRST);
  for (int i = 1; i < 4; i++)
    CHECK_EQ(ebb_inbox_push(&inbox, &letters[i].post), EBB_INBOX_MORE);
  CHECK(!ebb_inbox_is_empty(&inbox));
  ebb_letter *post = ebb_inbox_take(&inbox);
  for (int i = 0; i < 4; i++) {
    CHECK(post == &letters[i].post);
    post = post->next;
  }
  CHECK(post == NULL);
  CHECK(ebb_inbox_is_empty(&inbox));
  CHECK_EQ(ebb_inbox_push(&inbox, &letters[2].post), EBB_INBOX_FIRST);
  CHECK(ebb_inbox_take(&inbox) == &letters[2].post);
}

TEST(closed_takes_nothing)
{
  ebb_inbox inbox;
  letter a = {{NULL, never}, 0, 0}, b = a;
  ebb_inbox_init(&inbox);
  ebb_inbox_push(&inbox, &a.post);
  CHECK(ebb_inbox_close(&inbox) == &a.post);
  CHECK_EQ(ebb_inbox_push(&inbox, &b.post), EBB_INBOX_CLOSED);
  CHECK(ebb_inbox_is_empty(&inbox));
  CHECK(ebb_inbox_take(&inbox) == NULL);
  CHECK(ebb_inbox_close(&inbox) == NULL);
  CHECK_EQ(ebb_inbox_push(&inbox, &b.post), EBB_INBOX_CLOSED);
}

enum { N_THREADS = 4, N_LETTERS = 5000 };

static ebb_inbox shared;
static atomic_int n_told;

static void *push_all(void *arg)
{
  letter *letters = arg;
  for (int i = 0; i < N_LETTERS; i++)
    if (ebb_inbox_push(&shared, &letters[i].post) == EBB_INBOX_FIRST)
      atomic_fetch_add(&n_told, 1);
  return NULL;
}

TEST(threads_push_while_one_takes)
{
  pthread_t threads[N_THREADS];
  letter *letters = calloc((size_t)N_THREADS * N_LETTERS, sizeof *letters);
  int seen[N_THREADS] = {0}, n = 0, n_taken = 0;
  ebb_inbox_init(&shared);
  for (int t = 0; t < N_THREADS; t++) {
    for (int i = 0; i < N_LETTERS; i++)
      letters[t * N_LETTERS + i] = (letter){{NULL, never}, t, i};
    CHECK_EQ(pthread_create(&threads[t], NULL, push_all,
                            letters + (size_t)t * N_LETTERS),
             0);
  }
  while (n < N_THREADS * N_LETTERS) {
    ebb_letter *post = ebb_inbox_take(&shared);
    n_taken += post != NULL;
    for (; post != NULL; post = post->next, n++) {
      letter *at = (letter *)post;
      CHECK_EQ(at->n, seen[at->from]); /* each one's in its order */
      seen[at->from] = at->n + 1;
    }
  }
  for (int t = 0; t < N_THREADS; t++)
    pthread_join(threads[t], NULL);
  CHECK_EQ(atomic_load(&n_told), n_taken); /* told once for each taking */
  free(letters);
}

int main(void)
{
  RUN(keeps_the_order);
  RUN(closed_takes_nothing);
  RUN(threads_push_while_one_takes);
  return check_report();
}
