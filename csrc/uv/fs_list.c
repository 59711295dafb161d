/* SPDX-License-Identifier: MIT */
/* The names in a directory, sorted by their bytes, with their kinds if asked.
 */
#include "uv/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kind that the directory itself knows, or unknown. */
static char entry_type(const struct dirent *entry)
{
#if defined(DT_UNKNOWN)
  switch (entry->d_type) {
  case DT_REG:
    return EBB_FS_FILE;
  case DT_DIR:
    return EBB_FS_DIRECTORY;
  case DT_LNK:
    return EBB_FS_SYMBOLIC_LINK;
  case DT_FIFO:
    return EBB_FS_FIFO;
  case DT_SOCK:
    return EBB_FS_SOCKET;
  case DT_CHR:
    return EBB_FS_CHAR_DEVICE;
  case DT_BLK:
    return EBB_FS_BLOCK_DEVICE;
  default:
    break;
  }
#else
  (void)entry;
#endif
  return EBB_FS_UNKNOWN;
}

static char type_of(const ebb_fs *fs, DIR *dir, const struct dirent *entry)
{
  struct stat info;
  if (fs->call.kind != EBB_FS_SCAN)
    return EBB_FS_UNKNOWN;
  char type = entry_type(entry);
  if (type == EBB_FS_UNKNOWN &&
      fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
    type = ebb__fs_type((unsigned)info.st_mode);
  return type;
}

static bool is_dots(const char *name)
{
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

/* A record of fs->data: the type, the name, a zero. */
static bool add(ebb_fs *fs, size_t *cap, char type, const char *name)
{
  size_t n_name = strlen(name) + 1;
  while (*cap - fs->n_bytes < n_name + 1) {
    size_t wanted = *cap == 0 ? 4096 : *cap * 2;
    char *data = realloc(fs->data, wanted);
    if (data == NULL) {
      errno = ENOMEM;
      return false;
    }
    fs->data = data;
    *cap = wanted;
  }
  fs->data[fs->n_bytes] = type;
  memcpy(fs->data + fs->n_bytes + 1, name, n_name);
  fs->n_bytes += n_name + 1;
  fs->n_items++;
  return true;
}

static int compare(const void *a, const void *b)
{
  return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static int sort_items(ebb_fs *fs)
{
  if (fs->n_items == 0)
    return 0;
  fs->items = malloc(fs->n_items * sizeof *fs->items);
  if (fs->items == NULL) {
    errno = ENOMEM;
    return -1;
  }
  char *at = fs->data;
  for (size_t i = 0; i < fs->n_items; i++) {
    fs->items[i] = at;
    at += strlen(at + 1) + 2;
  }
  qsort(fs->items, fs->n_items, sizeof *fs->items, compare);
  return 0;
}

static int read_entries(ebb_fs *fs, DIR *dir)
{
  size_t cap = 0;
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (entry == NULL)
      return errno == 0 ? 0 : -1;
    if (is_dots(entry->d_name))
      continue;
    if (!add(fs, &cap, type_of(fs, dir, entry), entry->d_name))
      return -1;
  }
}

int ebb__fs_list(ebb_fs *fs)
{
  DIR *dir = opendir(fs->path);
  if (dir == NULL)
    return -1;
  int result = read_entries(fs, dir);
  int error = errno;
  closedir(dir);
  errno = error;
  return result == 0 ? sort_items(fs) : -1;
}
