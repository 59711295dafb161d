/* SPDX-License-Identifier: MIT */
#include "uv/error.h"

#include <uv.h>

void ebb_uv_error_of(int code, ebb_uv_error *error)
{
  uv_err_name_r(code, error->name, sizeof error->name);
  uv_strerror_r(code, error->words, sizeof error->words);
}

int ebb_uv_error_code(int error_number)
{
  return uv_translate_sys_error(error_number);
}
