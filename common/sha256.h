/* SPDX-License-Identifier: MIT
 *
 * sha256.h - SHA-256 (FIPS 180-4). */
#ifndef BPFTIME_COMMON_SHA256_H
#define BPFTIME_COMMON_SHA256_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t  block[64];	/* the bytes % 64 that wait for more */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_done(struct sha256 *s, uint8_t out[32]);
/* All in one. */
void sha256(const void *p, size_t n, uint8_t out[32]);

#ifdef __cplusplus
}
#endif
#endif
