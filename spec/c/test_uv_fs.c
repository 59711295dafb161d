/* SPDX-License-Identifier: MIT */
/* Requests to the file system, without Lua and without tasks: who frees what,
   and that a closed driver waits for what runs. */
#include "check.h"
#include "uv/error.h"
#include "uv/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static ebb_alloc alloc;
static ebb_driver *driver;
static char root[64];
static char path[128];

static void begin(void)
{
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK_EQ(error, 0);
  strcpy(root, "/tmp/ebb-test-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  snprintf(path, sizeof path, "%s/f", root);
}

static void end(void)
{
  ebb_driver_close(driver);
  CHECK_EQ(alloc.live_bytes, 0);
  unlink(path);
  CHECK_EQ(rmdir(root), 0);
}

static ebb_fs *start(ebb_fs_call call)
{
  ebb_fs *fs = ebb_fs_start(driver, &alloc, &call);
  CHECK(fs != NULL);
  return fs;
}

/* Nobody waits in a task: results are dropped with the end, errors stay. */
static int finish(ebb_fs *fs)
{
  while (!fs->done)
    ebb_driver_wait(driver, EBB_NEVER);
  int error = fs->error;
  ebb_fs_release(fs);
  return error;
}

TEST(write_and_stat)
{
  begin();
  CHECK_EQ(
      finish(start((ebb_fs_call){
          .kind = EBB_FS_WRITE, .path = path, .data = "a\0b", .n_bytes = 3})),
      0);
  ebb_fs *fs = start((ebb_fs_call){.kind = EBB_FS_STAT, .path = path});
  while (!fs->done)
    ebb_driver_wait(driver, EBB_NEVER);
  CHECK_EQ(fs->stat.n_bytes, 3);
  CHECK_EQ(fs->stat.type, EBB_FS_FILE);
  ebb_fs_release(fs);
  end();
}

TEST(errors_are_libuvs)
{
  begin();
  CHECK_EQ(finish(start((ebb_fs_call){.kind = EBB_FS_READ, .path = path})),
           UV_ENOENT);
  CHECK_EQ(finish(start((ebb_fs_call){.kind = EBB_FS_READ, .path = root})),
           UV_EISDIR);
  CHECK_EQ(finish(start((ebb_fs_call){.kind = EBB_FS_N_KINDS, .path = ""})),
           UV_ENOSYS);
  end();
}

/* Those that libuv has no name for, too. */
TEST(errors_have_names)
{
  ebb_uv_error error;
  ebb_uv_error_of(ebb_uv_error_code(EDQUOT), &error);
  CHECK_STR(error.name, "EDQUOT");
  CHECK_STR(error.words, "disk quota exceeded");
  ebb_uv_error_of(UV_ENOENT, &error);
  CHECK_STR(error.name, "ENOENT");
}

TEST(is_busy_while_it_runs)
{
  begin();
  CHECK(!ebb_driver_is_busy(driver));
  ebb_fs *fs = start((ebb_fs_call){.kind = EBB_FS_STAT, .path = root});
  CHECK(ebb_driver_is_busy(driver));
  CHECK(ebb_driver_holds_time(driver));
  finish(fs);
  CHECK(!ebb_driver_is_busy(driver));
  CHECK(!ebb_driver_holds_time(driver));
  end();
}

TEST(released_before_its_end)
{
  begin();
  for (int i = 0; i < 100; i++)
    ebb_fs_release(start((ebb_fs_call){.kind = EBB_FS_LIST, .path = root}));
  while (ebb_driver_is_busy(driver))
    ebb_driver_wait(driver, EBB_NEVER);
  end();
}

TEST(closed_with_requests_in_flight)
{
  begin();
  CHECK_EQ(mkfifo(path, 0600), 0);
  for (int i = 0; i < 20; i++) {
    ebb_fs_release(start((ebb_fs_call){.kind = EBB_FS_READ, .path = path}));
    ebb_fs_release(start((ebb_fs_call){.kind = EBB_FS_STAT, .path = root}));
  }
  end();
}

TEST(released_after_the_close)
{
  begin();
  ebb_fs *fs = start((ebb_fs_call){.kind = EBB_FS_LIST, .path = "/dev"});
  ebb_driver_close(driver);
  CHECK(fs->done);
  ebb_fs_release(fs);
  CHECK_EQ(alloc.live_bytes, 0);
  int error;
  driver = ebb_driver_open(&alloc, NULL, &error);
  end();
}

static void *no_memory(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud, (void)ptr, (void)old_bytes, (void)new_bytes;
  return NULL;
}

TEST(out_of_memory)
{
  begin();
  ebb_alloc none;
  ebb_alloc_init(&none, no_memory, NULL);
  ebb_fs_call call = {.kind = EBB_FS_READ, .path = path};
  CHECK(ebb_fs_start(driver, &none, &call) == NULL);
  call = (ebb_fs_call){
      .kind = EBB_FS_WRITE, .path = path, .data = "", .n_bytes = SIZE_MAX};
  CHECK(ebb_fs_start(driver, &alloc, &call) == NULL);
  CHECK(!ebb_driver_is_busy(driver));
  end();
}

int main(void)
{
  RUN(write_and_stat);
  RUN(errors_are_libuvs);
  RUN(errors_have_names);
  RUN(is_busy_while_it_runs);
  RUN(released_before_its_end);
  RUN(closed_with_requests_in_flight);
  RUN(released_after_the_close);
  RUN(out_of_memory);
  return check_report();
}
