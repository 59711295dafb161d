/* SPDX-License-Identifier: MIT */
/* CRC-32 as zlib, gzip and PNG have it. Finds damage, not malice. */
#ifndef EBB_BASE_CRC32_H
#define EBB_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of n_bytes that follow those whose checksum is `crc` (0: none). O(n). */
uint32_t ebb_crc32(uint32_t crc, const void *data, size_t n_bytes);

#endif
