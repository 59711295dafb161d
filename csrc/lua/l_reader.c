/* SPDX-License-Identifier: MIT */
/* A read is: match what is buffered, else wait until the source has fed enough
   or ended, then take it. What cannot be pushed for want of memory stays
   buffered. */
#include "lua/l_reader.h"

#include "lua/l_fs.h"
#include "lua/l_mem.h"

#include <ctype.h>
#include <string.h>

enum {
  SOME,
  PEEK,
  COUNT,
  EXACTLY,
  CHOPPED_LINE,
  LINE,
  ALL,
  UNTIL,
  NUMBER,
  INTO
};

typedef struct format {
  int form;
  ebb_want want;
} format;

static const uint8_t wants[] = {
    [SOME] = EBB_WANT_SOME,         [PEEK] = EBB_WANT_SOME,
    [COUNT] = EBB_WANT_COUNT,       [EXACTLY] = EBB_WANT_COUNT,
    [CHOPPED_LINE] = EBB_WANT_LINE, [LINE] = EBB_WANT_LINE,
    [ALL] = EBB_WANT_ALL,           [UNTIL] = EBB_WANT_UNTIL,
    [NUMBER] = EBB_WANT_NUMBER,     [INTO] = EBB_WANT_SOME,
};

static format make_format(int form, size_t n)
{
  return (format){.form = form,
                  .want = {.kind = wants[form],
                           .n = n,
                           .lazy = form == SOME || form == PEEK ||
                                   form == INTO || form == LINE ||
                                   form == CHOPPED_LINE}};
}

static ebbL_reader *check_reader(lua_State *L)
{
  ebbL_header *header = ebbL_object(L, 1);
  if (EBB_UNLIKELY(header == NULL || header->state != ebbL_S(L) ||
                   header->type->op != &ebbL_reader_class ||
                   ebbL_is_body(header)))
    ebbL_typeerror(L, 1, "stream");
  return ebbL_touserdata(L, 1);
}

/* --- taking --------------------------------------------------------------- */

static int push_partial(lua_State *L, const char *why, const char *bytes,
                        size_t n)
{
  ebbL_pushoutcome(L, why);
  lua_pushlstring(L, bytes, n);
  return 3;
}

/* What follows white space; nil if it is no numeral. */
static int push_number(lua_State *L, const char *bytes, size_t n)
{
  char text[256];
  while (n > 0 && isspace((unsigned char)*bytes))
    bytes++, n--;
  if (n < sizeof text) {
    memcpy(text, bytes, n);
    text[n] = 0;
    if (n > 0 && lua_stringtonumber(L, text) == n + 1)
      return 1;
  }
  lua_pushnil(L);
  return 1;
}

static int push_until(lua_State *L, const format *f, const char *bytes,
                      size_t n, bool at_end)
{
  size_t n_delim = f->want.n_delim;
  if (n >= n_delim &&
      memcmp(bytes + n - n_delim, f->want.delim, n_delim) == 0) {
    lua_pushlstring(L, bytes, n);
    return 1;
  }
  return push_partial(L, at_end ? "eof" : "too long", bytes, n);
}

/* The first n bytes, in the format's way; `at_end`: no more come. */
static int push_bytes(lua_State *L, const format *f, const char *bytes,
                      size_t n, bool at_end)
{
  switch (f->form) {
  case ALL:
    lua_pushlstring(L, bytes, n);
    return 1;
  case EXACTLY:
    if (n < f->want.n)
      return push_partial(L, "eof", bytes, n);
    break;
  case UNTIL:
    return push_until(L, f, bytes, n, at_end);
  case NUMBER:
    if (at_end && n == 0)
      break;
    return push_number(L, bytes, n);
  case CHOPPED_LINE:
    if (n > 0 && bytes[n - 1] == '\n') {
      lua_pushlstring(L, bytes, n - 1);
      return 1;
    }
    break;
  case INTO:
    if (n == 0)
      break;
    ebbL_buffer_append(L, ebbL_span_check(L, 2, &ebbL_buffer_type), bytes, n);
    lua_pushinteger(L, (lua_Integer)n);
    return 1;
  default:
    break;
  }
  if (n == 0 && at_end)
    return ebbL_pushoutcome(L, "eof");
  lua_pushlstring(L, bytes, n);
  return 1;
}

/* Takes what meets the format, or the rest when no more comes. Returns
   EBBL_WAIT if neither is there. */
static int take(lua_State *L, ebb_input *input, const format *f)
{
  luaL_checkstack(L, 4, NULL);
  size_t n = ebb_input_match(input, &f->want);
  bool at_end = n == EBB_MORE;
  if (at_end && !input->ended)
    return EBBL_WAIT;
  if (at_end && input->error != 0) {
    int error = input->error; /* what had come stays for read_some */
    ebb_input_settled(input);
    return ebbL_pushuverror(L, error);
  }
  if (at_end)
    n = input->n;
  int n_results = push_bytes(L, f, ebb_input_bytes(input), n, at_end);
  if (f->form != PEEK)
    ebb_input_take(input, n);
  else if (input->cls->taken != NULL)
    input->cls->taken(input); /* it need not keep what it borrowed */
  ebb_input_settled(input);
  return n_results;
}

/* [raises] What a source feeds at once has room. */
static void make_room(lua_State *L, ebb_input *input)
{
  if (EBB_LIKELY(ebb_input_room(input, EBB_INPUT_CHUNK) != NULL))
    return;
  ebbL_collect(L);
  if (ebb_input_room(input, EBB_INPUT_CHUNK) == NULL)
    ebbL_nomem(L);
}

static int attempt(lua_State *L, ebbL_task *task, ebbL_reader *self,
                   const format *f)
{
  ebb_input *input = self->input;
  if (input == NULL || input->closed)
    return ebbL_pushoutcome(L, "closed");
  if (ebbL_rt_of(task->core.rt) != self->rt)
    ebbL_error(L, "EBB052", "this stream belongs to another runtime");
  if (ebb_input_is_busy(input, &task->core))
    ebbL_error(L, "EBB046", "another task reads from this stream");
  input->reader = NULL;
  input->scanned = 0;
  if (f->want.n == 0 &&
      (f->form == EXACTLY || f->form == SOME || f->form == PEEK)) {
    lua_pushliteral(L, "");
    return 1;
  }
  int n = take(L, input, f);
  if (n != EBBL_WAIT)
    return n;
  make_room(L, input);
  if (input->closed) /* by a finaliser */
    return ebbL_pushoutcome(L, "closed");
  if (input->cls->pull == NULL)
    return EBBL_WAIT;
  input->cls->pull(input);
  return take(L, input, f);
}

/* It reads no more, whatever comes of what it was woken for. */
static ebbL_reader *woken(ebbL_reader *self)
{
  if (self->input != NULL)
    self->input->reader = NULL;
  return self;
}

static int settle(lua_State *L, ebbL_task *task, ebbL_reader *self,
                  const format *f)
{
  woken(self);
  if (task->core.status != EBB_OK || self->input == NULL)
    return ebbL_pushoutcome(L, "closed");
  int n = take(L, self->input, f);
  EBB_CHECK(n != EBBL_WAIT);
  return n;
}

/* --- formats -------------------------------------------------------------- */

static size_t check_count(lua_State *L, int arg)
{
  lua_Integer n = ebbL_checkinteger(L, arg, 0, LUA_MAXINTEGER);
  return (size_t)n;
}

/* As the read of Lua's files takes them: with or without a star. */
static format check_format(lua_State *L, int arg)
{
  if (lua_type(L, arg) == LUA_TNUMBER)
    return make_format(COUNT, check_count(L, arg));
  if (lua_isnoneornil(L, arg))
    return make_format(CHOPPED_LINE, 0);
  if (lua_type(L, arg) != LUA_TSTRING)
    ebbL_typeerror(L, arg, "format");
  const char *name = lua_tostring(L, arg);
  switch (name[name[0] == '*']) {
  case 'l':
    return make_format(CHOPPED_LINE, 0);
  case 'L':
    return make_format(LINE, 0);
  case 'a':
    return make_format(ALL, 0);
  case 'n':
    return make_format(NUMBER, 0);
  default:
    ebbL_argerror(L, arg, "invalid format");
    return make_format(ALL, 0);
  }
}

void ebbL_check_format(lua_State *L, int arg)
{
  check_format(L, arg);
}

static size_t opt_max(lua_State *L, int arg)
{
  return lua_isnoneornil(L, arg) ? SIZE_MAX / 2 : check_count(L, arg);
}

/* read_until(delimiter, max) */
static format check_until(lua_State *L, int arg)
{
  format f = make_format(UNTIL, opt_max(L, arg + 1));
  if (lua_type(L, arg) != LUA_TSTRING)
    ebbL_typeerror(L, arg, "string");
  f.want.delim = lua_tolstring(L, arg, &f.want.n_delim);
  if (f.want.n_delim == 0)
    ebbL_argerror(L, arg, "a delimiter of one byte or more expected");
  return f;
}

/* The format of a method whose arguments lie from index 2 on. */
static format check_method(lua_State *L, int form)
{
  switch (form) {
  case SOME:
  case PEEK:
    return make_format(form, opt_max(L, 2));
  case EXACTLY:
    return make_format(EXACTLY, check_count(L, 2));
  case UNTIL:
    return check_until(L, 2);
  case INTO:
    ebbL_span_check(L, 2, &ebbL_buffer_type);
    return make_format(INTO, opt_max(L, 3));
  default:
    return check_format(L, 2);
  }
}

/* --- methods -------------------------------------------------------------- */

/* The same for a lazy want: the task reads itself, and waits again if that was
   not enough (EBBL_WAIT). */
static int settle_lazily(lua_State *L, ebbL_task *task, ebbL_reader *self,
                         const format *f)
{
  ebb_input *input = self->input;
  if (task->core.status != EBB_OK || input == NULL || !f->want.lazy)
    return settle(L, task, self, f);
  woken(self);
  int n = take(L, input, f);
  if (n != EBBL_WAIT)
    return n;
  if (input->closed)
    return ebbL_pushoutcome(L, "closed");
  input->cls->pull(input);
  n = take(L, input, f);
  if (n == EBBL_WAIT)
    ebbL_check_waiting(L, task);
  return n;
}

static int method(lua_State *L, int form, lua_CFunction fn);

static int method_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), method_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_reader *self = woken(ebbL_touserdata(L, 1));
  ebbL_check_woken(L, task);
  format f = check_method(L, (int)ctx);
  int n = settle_lazily(L, task, self, &f);
  if (EBB_LIKELY(n != EBBL_WAIT))
    return n;
  ebb_input_link(&task->core, 0, self->input, &f.want);
  return ebbL_park(L, task, 1, method_k, ctx);
}

static int method(lua_State *L, int form, lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_reader *self = check_reader(L);
  format f = check_method(L, form);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, fn);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  int n = attempt(L, task, self, &f);
  if (n != EBBL_WAIT)
    return n;
  ebbL_check_waiting(L, task);
  ebb_input_link(&task->core, 0, self->input, &f.want);
  return ebbL_park(L, task, 1, method_k, (lua_KContext)form);
}

static int l_read_some(lua_State *L)
{
  return method(L, SOME, l_read_some);
}

static int l_peek(lua_State *L)
{
  return method(L, PEEK, l_peek);
}

/* try_read(max): what is there; never waits, never switches. */
static int l_try_read(lua_State *L)
{
  ebbL_reader *self = check_reader(L);
  format f = make_format(SOME, opt_max(L, 2));
  ebb_input *input = self->input;
  const ebbL_task *task = ebbL_S(L)->current;
  if (input == NULL || input->closed)
    return ebbL_pushoutcome(L, "closed");
  if (ebb_input_is_busy(input, task != NULL ? &task->core : NULL))
    ebbL_error(L, "EBB046", "another task reads from this stream");
  if (f.want.n == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  int n = take(L, input, &f);
  if (n == EBBL_WAIT && input->cls->pull != NULL) {
    make_room(L, input);
    if (!input->closed)
      input->cls->pull(input);
    n = take(L, input, &f);
  }
  return n == EBBL_WAIT ? ebbL_pushoutcome(L, "empty") : n;
}

static int l_read_exactly(lua_State *L)
{
  return method(L, EXACTLY, l_read_exactly);
}

static int l_read_until(lua_State *L)
{
  return method(L, UNTIL, l_read_until);
}

static int l_read_into(lua_State *L)
{
  return method(L, INTO, l_read_into);
}

/* read(format, …). Above the n_formats arguments lie the results so far, one
   each: the count of both says where it is. */
#define CHECKED_FORMATS 200

static int read_on(lua_State *L, ebbL_task *task, int n_formats);

/* Has the read with these results (at the top) come to its end? */
static bool is_last(lua_State *L, int n_formats, int n)
{
  return lua_isnil(L, -n) || lua_gettop(L) - n + 1 >= 1 + 2 * n_formats;
}

static int read_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), read_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_check_woken(L, task);
  int n_formats = (int)ctx;
  format f = check_format(L, lua_gettop(L) - n_formats + 1);
  ebbL_reader *self = ebbL_touserdata(L, 1);
  int n = settle_lazily(L, task, self, &f);
  if (n == EBBL_WAIT) {
    ebb_input_link(&task->core, 0, self->input, &f.want);
    return ebbL_park(L, task, 1, read_k, n_formats);
  }
  if (is_last(L, n_formats, n))
    return lua_gettop(L) - 1 - n_formats;
  return read_on(L, task, n_formats);
}

static int read_on(lua_State *L, ebbL_task *task, int n_formats)
{
  ebbL_reader *self = ebbL_touserdata(L, 1);
  for (;;) {
    format f = check_format(L, lua_gettop(L) - n_formats + 1);
    int n = attempt(L, task, self, &f);
    if (n == EBBL_WAIT) {
      ebbL_check_waiting(L, task);
      ebb_input_link(&task->core, 0, self->input, &f.want);
      return ebbL_park(L, task, 1, read_k, n_formats);
    }
    if (is_last(L, n_formats, n))
      return lua_gettop(L) - 1 - n_formats;
  }
}

static int l_read(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  check_reader(L);
  if (lua_gettop(L) == 1)
    lua_pushliteral(L, "l");
  int n_formats = lua_gettop(L) - 1;
  if (n_formats > CHECKED_FORMATS)
    ebbL_argerror(L, CHECKED_FORMATS + 2, "too many formats");
  for (int i = 0; i < n_formats; i++)
    check_format(L, 2 + i);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_read);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_read);
  luaL_checkstack(L, n_formats + 4, "too many formats");
  return read_on(L, task, n_formats);
}

/* --- ops ------------------------------------------------------------------ */

/* In due_ns is the form, in n the count, in user value 2 the delimiter. */
static format op_format(const ebbL_op *op)
{
  format f = make_format((int)op->due_ns, (size_t)op->n);
  f.want.lazy = false;
  return f;
}

static int op_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  ebbL_op *op = object;
  format f = op_format(op);
  return attempt(L, task, op->target, &f);
}

static void op_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebbL_op *op = object;
  format f = op_format(op);
  ebb_input_link(&task->core, i, ((ebbL_reader *)op->target)->input, &f.want);
}

static int op_settle(lua_State *L, ebbL_task *task, void *object, int at,
                     int payload)
{
  (void)at, (void)payload;
  ebbL_op *op = object;
  format f = op_format(op);
  return settle(L, task, op->target, &f);
}

static const ebbL_opclass op_class = {.name = "read",
                                      .attempt = op_attempt,
                                      .link = op_link,
                                      .settle = op_settle};

static int l_read_op(lua_State *L)
{
  check_reader(L);
  format f = check_format(L, 2);
  ebbL_op *op = ebbL_newop(L, ebbL_S(L), &op_class, 1, 0);
  op->due_ns = (uint64_t)f.form;
  op->n = (lua_Integer)f.want.n;
  return 1;
}

/* --- the stream as an op -------------------------------------------------- */

static const format some = {.form = SOME,
                            .want = {.kind = EBB_WANT_SOME, .n = SIZE_MAX / 2}};

static int stream_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  return attempt(L, task, object, &some);
}

static void stream_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_input_link(&task->core, i, ((ebbL_reader *)object)->input, &some.want);
}

static int stream_settle(lua_State *L, ebbL_task *task, void *object, int at,
                         int payload)
{
  (void)at, (void)payload;
  return settle(L, task, object, &some);
}

const ebbL_opclass ebbL_reader_class = {.name = "read",
                                        .attempt = stream_attempt,
                                        .link = stream_link,
                                        .settle = stream_settle};

void ebbL_addreadmethods(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {{"read", l_read},
                                     {"read_op", l_read_op},
                                     {"read_some", l_read_some},
                                     {"peek", l_peek},
                                     {"try_read", l_try_read},
                                     {"read_exactly", l_read_exactly},
                                     {"read_until", l_read_until},
                                     {"read_into", l_read_into},
                                     {NULL, NULL}};
  ebbL_setfuncs(L, S, methods);
}
