/* SPDX-License-Identifier: MIT */
/* ebb's status codes, from one list. Negative and below -10000, so that
   libuv's codes pass through untouched. The words are what Lua sees as the
   second result of `nil, reason`. */
#ifndef EBB_BASE_ERR_H
#define EBB_BASE_ERR_H

#define EBB_ERR_MAP(XX)                                                        \
  XX(EAGAIN, -10001, "would wait")                                             \
  XX(ECLOSED, -10002, "closed")                                                \
  XX(ETIMEOUT, -10003, "timeout")                                              \
  XX(ECANCELLED, -10004, "cancelled")                                          \
  XX(EFULL, -10005, "full")                                                    \
  XX(EEMPTY, -10006, "empty")                                                  \
  XX(ENOMEM, -10007, "not enough memory")                                      \
  XX(EINVAL, -10008, "invalid")                                                \
  XX(EBUSY, -10009, "busy")                                                    \
  XX(EDEADLOCK, -10010, "deadlock")

enum {
  EBB_OK = 0,
#define XX(name, number, word) EBB_##name = number,
  EBB_ERR_MAP(XX)
#undef XX
};

/* The word for Lua; "ok" for EBB_OK, "unknown" for what is not ebb's. */
const char *ebb_err_word(int status);

#endif
