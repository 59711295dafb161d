/* SPDX-License-Identifier: MIT */
/* main for the fuzz targets where there is no libFuzzer: every file of the
   folder given, then mutations of them for some seconds.

     target [-max_total_time=SECONDS] [-seed=N] [-artifact_prefix=PATH]
       [CORPUS FOLDER]

   The input that is tried is in the file PATHinput while it is tried, so that
   one that crashes is there afterwards. */
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

#define MAX_BYTES  512
#define MAX_INPUTS 4096

typedef struct input {
  size_t n_bytes;
  uint8_t bytes[MAX_BYTES];
} input;

static input *inputs[MAX_INPUTS];
static size_t n_inputs;
static uint64_t state;
static char input_path[4096] = "fuzz-input";

static uint64_t next_random(uint64_t below)
{
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % below;
}

static void run(const input *in)
{
  static FILE *file;
  if (file == NULL)
    file = fopen(input_path, "w+b");
  if (file != NULL) {
    rewind(file);
    if (ftruncate(fileno(file), 0) == 0)
      fwrite(in->bytes, 1, in->n_bytes, file);
    fflush(file);
  }
  LLVMFuzzerTestOneInput(in->bytes, in->n_bytes);
}

static void keep(const input *in)
{
  if (n_inputs == MAX_INPUTS)
    return;
  input *copy = malloc(sizeof *copy);
  if (copy == NULL)
    abort();
  *copy = *in;
  inputs[n_inputs++] = copy;
}

static void read_folder(const char *path)
{
  DIR *dir = opendir(path);
  if (dir == NULL)
    return;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char name[1024];
    input in;
    if (entry->d_name[0] == '.')
      continue;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    FILE *file = fopen(name, "rb");
    if (file == NULL)
      continue;
    in.n_bytes = fread(in.bytes, 1, MAX_BYTES, file);
    fclose(file);
    keep(&in);
  }
  closedir(dir);
}

/* Bytes changed, put in, taken out, repeated, taken from another input. */
static void mutate(input *in)
{
  for (uint64_t n = 1 + next_random(6); n > 0; n--) {
    size_t at = in->n_bytes > 0 ? (size_t)next_random(in->n_bytes) : 0;
    const input *other = inputs[next_random(n_inputs)];
    switch (next_random(6)) {
    case 0:
      if (in->n_bytes > 0)
        in->bytes[at] = (uint8_t)next_random(256);
      break;
    case 1:
      if (in->n_bytes > 0)
        in->bytes[at] ^= (uint8_t)(1 << next_random(8));
      break;
    case 2:
      if (in->n_bytes < MAX_BYTES) {
        memmove(in->bytes + at + 1, in->bytes + at, in->n_bytes - at);
        in->bytes[at] = (uint8_t)next_random(32);
        in->n_bytes++;
      }
      break;
    case 3:
      if (in->n_bytes > 0) {
        memmove(in->bytes + at, in->bytes + at + 1, in->n_bytes - at - 1);
        in->n_bytes--;
      }
      break;
    default:
      if (other->n_bytes > 0 && in->n_bytes > 0) {
        size_t from = (size_t)next_random(other->n_bytes);
        size_t n_taken = 1 + (size_t)next_random(other->n_bytes - from);
        if (n_taken > MAX_BYTES - at)
          n_taken = MAX_BYTES - at;
        memcpy(in->bytes + at, other->bytes + from, n_taken);
        if (at + n_taken > in->n_bytes)
          in->n_bytes = at + n_taken;
      }
    }
  }
}

int main(int argc, char **argv)
{
  long seconds = 10;
  state = (uint64_t)time(NULL);
  LLVMFuzzerInitialize(&argc, &argv);
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "-max_total_time=", 16) == 0)
      seconds = strtol(argv[i] + 16, NULL, 10);
    else if (strncmp(argv[i], "-seed=", 6) == 0)
      state = strtoull(argv[i] + 6, NULL, 10);
    else if (strncmp(argv[i], "-artifact_prefix=", 17) == 0)
      snprintf(input_path, sizeof input_path, "%sinput", argv[i] + 17);
    else if (argv[i][0] != '-')
      read_folder(argv[i]);
  }
  printf("seed %llu, %zu files\n", (unsigned long long)state, n_inputs);
  fflush(stdout);
  size_t n_files = n_inputs;
  for (size_t i = 0; i < n_files; i++)
    run(inputs[i]);
  input in = {.n_bytes = 0};
  keep(&in);
  uint64_t n_runs = n_files;
  for (time_t end = time(NULL) + seconds; time(NULL) < end; n_runs++) {
    in = *inputs[next_random(n_inputs)];
    mutate(&in);
    run(&in);
    if (n_runs % 1000 == 0)
      keep(&in);
  }
  printf("Done %llu runs in %ld second(s)\n", (unsigned long long)n_runs,
         seconds);
  remove(input_path);
  for (size_t i = 0; i < n_inputs; i++)
    free(inputs[i]);
  return 0;
}
