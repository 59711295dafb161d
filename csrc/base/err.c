/* SPDX-License-Identifier: MIT */
#include "base/err.h"

const char *ebb_err_word(int status)
{
  switch (status) {
  case EBB_OK:
    return "ok";
#define XX(name, number, word)                                                 \
  case EBB_##name:                                                             \
    return word;
    EBB_ERR_MAP(XX)
#undef XX
  default:
    return "unknown";
  }
}
