/* SPDX-License-Identifier: MIT
 *
 * hash_c.h - inside a hash map (hash.h is no C++). */
#ifndef TEST_RUNTIME_HASH_C_H
#define TEST_RUNTIME_HASH_C_H

#include <stdint.h>

#include "objfmt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hash_c_bucket {
	uint32_t *head, *pending;
	uint32_t  end;		/* what ends its chain */
};
/* The bucket of a key. */
struct hash_c_bucket hash_c_bucket(const struct bpftime_map *m, void *base, const void *key);

#ifdef __cplusplus
}
#endif
#endif
