/* SPDX-License-Identifier: MIT */
#include "uv/duplex.h"

#include "base/base.h"
#include "uv/error.h"

#include <errno.h>
#include <string.h>

typedef struct pair pair;

typedef struct end {
  ebb_duplex duplex;
  struct end *other;
  pair *pair;
} end;

struct pair {
  ebb_alloc *alloc;
  size_t capacity;
  int n_owners;
  end ends[2];
};

static end *end_of(ebb_duplex *self)
{
  return ebb_container_of(self, end, duplex);
}

static end *reader_of(ebb_input *input)
{
  return end_of(ebb_container_of(input, ebb_duplex, input));
}

static end *writer_of(ebb_output *output)
{
  return end_of(ebb_container_of(output, ebb_duplex, output));
}

/* --- the reading side ----------------------------------------------------- */

static bool is_over(const end *writer)
{
  return writer->duplex.closed || writer->duplex.output.ended;
}

static void pull(ebb_input *input)
{
  if (is_over(reader_of(input)->other))
    ebb_input_end(input, 0);
}

/* There is room, or somebody wants more than there is room for. */
static void ask(ebb_input *input)
{
  ebb_output_ready(&reader_of(input)->other->duplex.output);
}

static void stop_reading(ebb_input *input)
{
  (void)input;
}

static const ebb_input_class input_class = {
    .pull = pull, .start = ask, .stop = stop_reading, .taken = ask};

/* --- the writing side ----------------------------------------------------- */

/* Who waits for more is given more than there is room for. */
static size_t room_of(const end *self)
{
  const ebb_input *input = &self->other->duplex.input;
  size_t capacity = self->pair->capacity;
  if (ebb_input_is_wanted(input))
    return capacity;
  return input->n < capacity ? capacity - input->n : 0;
}

static bool is_ready(ebb_output *output)
{
  const end *self = writer_of(output);
  return self->other->duplex.closed || room_of(self) > 0;
}

static ptrdiff_t write_output(ebb_output *output, const struct iovec *pieces,
                              int n)
{
  end *self = writer_of(output);
  if (self->other->duplex.closed)
    return ebb_uv_error_code(EPIPE);
  ebb_input *input = &self->other->duplex.input;
  size_t n_room = room_of(self), n_done = 0;
  if (n_room == 0)
    return EBB_EAGAIN;
  for (int i = 0; i < n && n_done < n_room; i++) {
    size_t n_bytes = pieces[i].iov_len;
    if (n_bytes > n_room - n_done)
      n_bytes = n_room - n_done;
    char *room = ebb_input_room(input, n_bytes);
    if (room == NULL)
      return n_done > 0 ? (ptrdiff_t)n_done : ebb_uv_error_code(ENOMEM);
    memcpy(room, pieces[i].iov_base, n_bytes);
    ebb_input_fed(input, n_bytes);
    n_done += n_bytes;
  }
  return (ptrdiff_t)n_done;
}

static void nothing(ebb_output *output)
{
  (void)output;
}

static int shut_output(ebb_output *output)
{
  end *other = writer_of(output)->other;
  if (ebb_input_is_wanted(&other->duplex.input))
    ebb_input_end(&other->duplex.input, 0);
  return 0;
}

static const ebb_output_class output_class = {.write = write_output,
                                              .is_ready = is_ready,
                                              .start = nothing,
                                              .stop = nothing,
                                              .shutdown = shut_output};

/* --- opening and closing -------------------------------------------------- */

bool ebb_duplex_open(ebb_alloc *alloc, size_t capacity, ebb_duplex *ends[2])
{
  pair *self = ebb_alloc_get(alloc, sizeof *self);
  if (self == NULL)
    return false;
  *self = (pair){.alloc = alloc, .capacity = capacity, .n_owners = 2};
  for (int i = 0; i < 2; i++) {
    end *at = &self->ends[i];
    at->other = &self->ends[1 - i];
    at->pair = self;
    ebb_input_init(&at->duplex.input, &input_class, alloc, NULL);
    ebb_output_init(&at->duplex.output, &output_class, NULL);
    ends[i] = &at->duplex;
  }
  return true;
}

void ebb_duplex_close(ebb_duplex *duplex)
{
  end *other = end_of(duplex)->other;
  if (duplex->closed)
    return;
  duplex->closed = true;
  ebb_input_close(&duplex->input);
  ebb_output_close(&duplex->output);
  if (ebb_input_is_wanted(&other->duplex.input))
    ebb_input_end(&other->duplex.input, 0);
  ebb_output_ready(&other->duplex.output);
}

void ebb_duplex_release(ebb_duplex *duplex)
{
  pair *self = end_of(duplex)->pair;
  ebb_duplex_close(duplex);
  if (--self->n_owners > 0)
    return;
  for (int i = 0; i < 2; i++)
    ebb_input_fini(&self->ends[i].duplex.input);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}
