/* SPDX-License-Identifier: MIT */
/* Copying from one stream to another without making strings: what the source
   has buffered is written from where it lies, and taken when it has gone. So a
   copy that is cancelled loses nothing, and many at a time leave no garbage. */
#include "lua/l_fs.h"
#include "lua/l_stream.h"
#include "lua/l_time.h"
#include "uv/error.h"

#include <errno.h>

/* After this many bytes the others have their turn. */
#define TURN_BYTES ((lua_KContext)1 << 20)

static const ebb_want some = {
    .kind = EBB_WANT_SOME, .n = SIZE_MAX / 2, .lazy = true};

static int copy_k(lua_State *L, int status, lua_KContext ctx);

static int push_failed(lua_State *L, int error, lua_KContext n_done)
{
  luaL_checkstack(L, 4, NULL);
  int n = error == EBB_ECLOSED ? ebbL_pushoutcome(L, "closed")
                               : ebbL_pushuverror(L, error);
  lua_pushinteger(L, (lua_Integer)n_done);
  return n + 1;
}

/* No more comes: the bytes copied, or the source's error. */
static int push_ended(lua_State *L, ebb_input *input, lua_KContext n_done)
{
  int error = input->error;
  ebb_input_settled(input);
  if (error != 0)
    return push_failed(L, error, n_done);
  lua_pushinteger(L, (lua_Integer)n_done);
  return 1;
}

static int wait_to_read(lua_State *L, ebbL_task *task, ebb_input *input,
                        lua_KContext n_done)
{
  ebbL_check_waiting(L, task);
  ebb_input_link(&task->core, 0, input, &some);
  return ebbL_park(L, task, 1, copy_k, n_done);
}

/* The source is this task's meanwhile. */
static int wait_to_write(lua_State *L, ebbL_task *task, ebb_input *input,
                         ebb_output *output, lua_KContext n_done)
{
  ebbL_check_waiting(L, task);
  input->reader = &task->core;
  ebb_output_link(&task->core, 0, output, &ebb_write_class);
  return ebbL_park(L, task, 1, copy_k, n_done);
}

static int take_a_turn(lua_State *L, ebbL_task *task, ebb_input *input,
                       ebb_output *output, lua_KContext n_done)
{
  ebbL_check_waiting(L, task);
  input->reader = output->writer = &task->core;
  return ebbL_let_others(L, task, copy_k, n_done);
}

/* Streams at 1 and 2, at 3 how many bytes at most. */
static int copy_on(lua_State *L, ebbL_task *task, lua_KContext n_done)
{
  ebb_input *input = ((ebbL_stream *)ebbL_touserdata(L, 1))->reader.input;
  ebb_output *output = ((ebbL_stream *)ebbL_touserdata(L, 2))->output;
  lua_KContext max = (lua_KContext)lua_tointeger(L, 3), n_begun = n_done;
  while (n_done < max) {
    if (input->n == 0) {
      if (!input->ended)
        input->cls->pull(input);
      if (input->n == 0 && input->ended)
        return push_ended(L, input, n_done);
      if (input->n == 0)
        return wait_to_read(L, task, input, n_done);
    }
    lua_KContext n_left = max - n_done;
    struct iovec piece = {(void *)ebb_input_bytes(input),
                          input->n < (size_t)n_left ? input->n
                                                    : (size_t)n_left};
    ptrdiff_t n = output->ended ? ebb_uv_error_code(EPIPE)
                                : ebb_output_write(output, &piece, 1);
    if (n == EBB_EAGAIN)
      return wait_to_write(L, task, input, output, n_done);
    if (n < 0)
      return push_failed(L, (int)n, n_done);
    ebb_input_take(input, (size_t)n);
    n_done += n;
    if (n_done - n_begun >= TURN_BYTES)
      return take_a_turn(L, task, input, output, n_done);
  }
  lua_pushinteger(L, (lua_Integer)n_done);
  return 1;
}

/* 0, or EBB_ECLOSED. */
static int state_of(const ebbL_stream *from, const ebbL_stream *to)
{
  if (ebbL_stream_is_closed(from) || ebbL_stream_is_closed(to))
    return EBB_ECLOSED;
  return 0;
}

static int copy_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), copy_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_stream *from = ebbL_touserdata(L, 1), *to = ebbL_touserdata(L, 2);
  if (EBB_LIKELY(from->reader.input != NULL))
    from->reader.input->reader = NULL;
  if (EBB_LIKELY(to->output != NULL))
    to->output->writer = NULL;
  ebbL_check_woken(L, task);
  int error = state_of(from, to);
  if (error != 0)
    return push_failed(L, error, ctx);
  return copy_on(L, task, ctx);
}

/* [raises] EBB046, EBB052 */
static void check_ends(lua_State *L, ebbL_task *task, ebbL_stream *from,
                       ebbL_stream *to)
{
  const ebbL_rt *rt = ebbL_rt_of(task->core.rt);
  if (from->reader.rt != rt || to->reader.rt != rt)
    ebbL_error(L, "EBB052", "this stream belongs to another runtime");
  if (ebb_input_is_busy(from->reader.input, &task->core))
    ebbL_error(L, "EBB046", "another task reads from this stream");
  if (ebb_output_is_busy(to->output, &task->core))
    ebbL_error(L, "EBB046", "another task writes to this stream");
}

/* copy(from, to, max) → bytes, or as a write that failed; false: one of them is
   no socket and no end of a pair in memory. */
static int l_copy(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_settop(L, 3);
  if (!ebbL_is_stream(L, 1) || !ebbL_is_stream(L, 2)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  ebbL_stream *from = ebbL_check_stream(L, 1), *to = ebbL_check_stream(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_copy);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_copy);
  int error = state_of(from, to);
  if (error != 0)
    return push_failed(L, error, 0);
  check_ends(L, task, from, to);
  ebb_input_settled(from->reader.input);
  to->output->writer = NULL;
  return copy_on(L, task, 0);
}

void ebbL_open_copy(lua_State *L, ebbL_state *S)
{
  ebbL_pushfunction(L, S, l_copy);
  lua_setfield(L, -2, "_copy");
}
