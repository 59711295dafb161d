/* SPDX-License-Identifier: MIT */
/* Tokens, scopes and promises: who is told, in which order, and that nothing
   recurses or is told twice. */
#include "base/err.h"
#include "check.h"
#include "host.h"
#include "sync/promise.h"
#include "sync/scope.h"
#include "sync/token.h"

enum { MAX_SEEN = 16 };

typedef struct seen {
  ebb_token *tokens[MAX_SEEN];
  int n;
} seen;

static void on_cancel(ebb_token *token, void *ud)
{
  seen *s = ud;
  CHECK(token->cancelled);
  if (s->n < MAX_SEEN)
    s->tokens[s->n] = token;
  s->n++;
}

/*      0
      /   \
     1     4
    / \     \
   2   3     5      in depth-first order */
static void make_tree(ebb_token *tokens)
{
  static const int parents[] = {-1, 0, 1, 1, 0, 4};
  for (int i = 0; i < 6; i++)
    ebb_token_init(&tokens[i], parents[i] < 0 ? NULL : &tokens[parents[i]]);
}

TEST(cancel_is_depth_first)
{
  ebb_token tokens[6], late;
  seen s = {.n = 0};
  make_tree(tokens);
  CHECK(ebb_token_cancel(&tokens[0], on_cancel, &s));
  CHECK_EQ(s.n, 6);
  for (int i = 0; i < 6; i++)
    CHECK(s.tokens[i] == &tokens[i]);
  CHECK(!ebb_token_cancel(&tokens[0], on_cancel, &s));
  CHECK(!ebb_token_cancel(&tokens[3], on_cancel, &s));
  CHECK_EQ(s.n, 6);
  ebb_token_init(&late, &tokens[2]);
  CHECK(late.cancelled);
  ebb_token_fini(&late);
  CHECK(ebb_list_is_empty(&tokens[2].children));
}

TEST(cancel_of_a_branch)
{
  ebb_token tokens[6];
  seen s = {.n = 0};
  make_tree(tokens);
  CHECK(ebb_token_cancel(&tokens[1], on_cancel, &s));
  CHECK_EQ(s.n, 3);
  CHECK(!tokens[0].cancelled && !tokens[4].cancelled && !tokens[5].cancelled);
  CHECK(ebb_token_cancel(&tokens[0], on_cancel, &s));
  CHECK_EQ(s.n, 6); /* each once */
  for (int i = 0; i < 6; i++)
    CHECK(tokens[i].cancelled);
}

TEST(fini_of_a_parent)
{
  ebb_token tokens[6];
  seen s = {.n = 0};
  make_tree(tokens);
  ebb_token_fini(&tokens[1]);
  CHECK(tokens[2].parent == NULL && tokens[3].parent == NULL);
  CHECK(ebb_token_cancel(&tokens[0], on_cancel, &s));
  CHECK_EQ(s.n, 3);
  CHECK(!tokens[2].cancelled && !tokens[3].cancelled);
  CHECK(ebb_token_cancel(&tokens[2], NULL, NULL));
  CHECK(!tokens[3].cancelled);
  ebb_token_fini(&tokens[2]);
  ebb_token_fini(&tokens[2]); /* twice is harmless */
}

TEST(deep_and_wide_trees)
{
  enum { N = 200000 };
  ebb_token *tokens = malloc(N * sizeof *tokens);
  seen s = {.n = 0};
  for (int i = 0; i < N; i++)
    ebb_token_init(&tokens[i], i == 0 ? NULL : &tokens[i - 1]);
  CHECK(ebb_token_cancel(&tokens[0], on_cancel, &s));
  CHECK_EQ(s.n, N);
  CHECK(tokens[N - 1].cancelled);
  for (int i = 0; i < N; i++)
    ebb_token_init(&tokens[i], i == 0 ? NULL : &tokens[0]);
  s.n = 0;
  CHECK(ebb_token_cancel(&tokens[0], on_cancel, &s));
  CHECK_EQ(s.n, N);
  free(tokens);
}

TEST(cancel_wakes_waiters)
{
  world w;
  ebb_token parent, child;
  actor a[3];
  world_open(&w);
  ebb_token_init(&parent, NULL);
  ebb_token_init(&child, &parent);
  actor_spawn(&w, &a[0], step_wait, &child.waiters);
  actor_spawn(&w, &a[1], step_wait, &parent.waiters);
  actor_spawn(&w, &a[2], step_wait, &child.waiters);
  world_run(&w);
  ebb_token_cancel(&parent, NULL, NULL);
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(a[i].task.state, EBB_TASK_READY);
    CHECK_EQ(a[i].task.status, EBB_OK);
  }
  CHECK(ebb_container_of(w.rt.ready.next, ebb_task, link) == &a[1].task);
  world_run(&w);
  CHECK(world_close(&w));
}

TEST(cancel_strikes_runs)
{
  world w;
  ebb_token token;
  ebb_token_run runs[2];
  actor a;
  ebb_waitq queue;
  ebb_list_init(&queue);
  world_open(&w);
  ebb_token_init(&token, NULL);
  actor_spawn(&w, &a, step_wait, &queue);
  ebb_token_run_open(&token, &runs[0], &a.task);
  CHECK(!runs[0].region.struck);
  ebb_rt_run_ready(&w.rt, 1);
  ebb_token_cancel(&token, NULL, NULL);
  CHECK(runs[0].region.struck && !runs[0].region.soft);
  CHECK_EQ(a.task.status, EBB_ECANCELLED);
  CHECK(ebb_region_visible(&a.task) == &runs[0].region);
  /* under a cancelled token a run is struck from the start */
  ebb_token_run_open(&token, &runs[1], &a.task);
  CHECK(runs[1].region.struck);
  CHECK_EQ(a.task.n_struck, 2);
  ebb_token_run_close(&runs[1]);
  ebb_token_run_close(&runs[0]);
  CHECK_EQ(a.task.n_struck, 0);
  CHECK(ebb_list_is_empty(&token.runs));
  world_run(&w);
  CHECK(world_close(&w));
}

/* --- scopes --- */

TEST(scope_waits_for_the_last)
{
  enum { N = 5 };
  world w;
  ebb_scope scope;
  actor children[N], waiters[2];
  ebb_waitq queue;
  ebb_list_init(&queue);
  world_open(&w);
  ebb_scope_init(&scope);
  for (int i = 0; i < 2; i++)
    actor_spawn(&w, &waiters[i], step_wait, &scope.waiters);
  for (int i = 0; i < N; i++) {
    actor_spawn(&w, &children[i], step_wait, &queue);
    ebb_scope_adopt(&scope, &children[i].task);
    CHECK(children[i].task.scope == &scope);
  }
  world_run(&w);
  int i = 0;
  ebb_list_foreach(node, &scope.children)
    CHECK(ebb_container_of(node, ebb_task, sibling) == &children[i++].task);
  CHECK_EQ(i, N);
  static const int order[N] = {2, 0, 4, 1, 3};
  for (i = 0; i < N; i++) {
    ebb_task *task = &children[order[i]].task;
    CHECK_EQ(scope.n_children, N - i);
    CHECK_EQ(waiters[0].task.state, EBB_TASK_PARKED);
    actor_kill(&children[order[i]]);
    ebb_scope_left(&scope, task);
    CHECK(task->scope == NULL);
  }
  CHECK(ebb_list_is_empty(&scope.children));
  CHECK_EQ(waiters[0].task.state, EBB_TASK_READY);
  CHECK_EQ(waiters[1].task.state, EBB_TASK_READY);
  world_run(&w);
  CHECK(world_close(&w));
}

/* --- promises, words --- */

TEST(promise_settles_once)
{
  for (int abandoned = 0; abandoned < 2; abandoned++) {
    world w;
    ebb_promise promise;
    actor a[2];
    world_open(&w);
    ebb_promise_init(&promise);
    CHECK(!promise.settled && !promise.abandoned);
    for (int i = 0; i < 2; i++)
      actor_spawn(&w, &a[i], step_wait, &promise.waiters);
    world_run(&w);
    CHECK(ebb_promise_settle(&promise, abandoned));
    CHECK(promise.settled);
    CHECK_EQ(promise.abandoned, abandoned);
    CHECK_EQ(a[0].task.status, abandoned ? EBB_ECLOSED : EBB_OK);
    CHECK_EQ(a[1].task.state, EBB_TASK_READY);
    CHECK(!ebb_promise_settle(&promise, !abandoned));
    CHECK_EQ(promise.abandoned, abandoned);
    world_run(&w);
    CHECK(world_close(&w));
  }
}

TEST(words)
{
  static const int codes[] = {
#define XX(name, number, word) number,
      EBB_ERR_MAP(XX)
#undef XX
  };
  CHECK_STR(ebb_err_word(EBB_OK), "ok");
  CHECK_STR(ebb_err_word(EBB_ECLOSED), "closed");
  CHECK_STR(ebb_err_word(EBB_EDEADLOCK), "deadlock");
  CHECK_STR(ebb_err_word(1), "unknown");
  CHECK_STR(ebb_err_word(-1), "unknown");
  CHECK_STR(ebb_err_word(INT32_MIN), "unknown");
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    CHECK(codes[i] < -10000);
    CHECK(strcmp(ebb_err_word(codes[i]), "unknown") != 0);
    for (size_t k = 0; k < i; k++) {
      CHECK(codes[i] != codes[k]);
      CHECK(strcmp(ebb_err_word(codes[i]), ebb_err_word(codes[k])) != 0);
    }
  }
}

int main(void)
{
  RUN(cancel_is_depth_first);
  RUN(cancel_of_a_branch);
  RUN(fini_of_a_parent);
  RUN(deep_and_wide_trees);
  RUN(cancel_wakes_waiters);
  RUN(cancel_strikes_runs);
  RUN(scope_waits_for_the_last);
  RUN(promise_settles_once);
  RUN(words);
  return check_report();
}
