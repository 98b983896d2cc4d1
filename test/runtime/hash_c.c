/* SPDX-License-Identifier: MIT */
#include "hash_c.h"

#include "hash.h"

struct hash_c_bucket hash_c_bucket(const struct bpftime_map *m, void *base, const void *key)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint32_t b = rt_hash_of(&v, key);
	struct rt_bucket *bucket = rt_hash_bucket(&v, b);

	return (struct hash_c_bucket){ &bucket->head, &bucket->pending, RT_HASH_END | b };
}
