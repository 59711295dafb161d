/* SPDX-License-Identifier: MIT */
#include "uv/error.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

/* What files and sockets may say that some version of libuv has no name for. */
static const struct {
  int number;
  const char *name, *words;
} others[] = {
#if defined(EDQUOT)
    {EDQUOT, "EDQUOT", "disk quota exceeded"},
#endif
#if defined(ESTALE)
    {ESTALE, "ESTALE", "stale file handle"},
#endif
#if defined(EOWNERDEAD)
    {EOWNERDEAD, "EOWNERDEAD", "owner died"},
#endif
#if defined(ENOTBLK)
    {ENOTBLK, "ENOTBLK", "block device required"},
#endif
    {ECHILD, "ECHILD", "no child processes"},
    {EDEADLK, "EDEADLK", "resource deadlock avoided"},
    {ENOLCK, "ENOLCK", "no locks available"},
};

void ebb_uv_error_of(int code, ebb_uv_error *error)
{
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    if (code != ebb_uv_error_code(others[i].number))
      continue;
    snprintf(error->name, sizeof error->name, "%s", others[i].name);
    snprintf(error->words, sizeof error->words, "%s", others[i].words);
    return;
  }
  uv_err_name_r(code, error->name, sizeof error->name);
  uv_strerror_r(code, error->words, sizeof error->words);
}

int ebb_uv_error_code(int error_number)
{
  return uv_translate_sys_error(error_number);
}
