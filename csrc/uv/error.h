/* SPDX-License-Identifier: MIT */
/* Names and words of the system's errors, for numbers of errno and of libuv
   alike. Never allocates. */
#ifndef EBB_UV_ERROR_H
#define EBB_UV_ERROR_H

typedef struct ebb_uv_error {
  char name[32];  /* "ENOENT" */
  char words[96]; /* "no such file or directory" */
} ebb_uv_error;

/* `code` is libuv's (negative). */
void ebb_uv_error_of(int code, ebb_uv_error *error);
/* libuv's code for a value of errno. */
int ebb_uv_error_code(int error_number);

#endif
