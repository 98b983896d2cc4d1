/* SPDX-License-Identifier: MIT
 *
 * bloom_filter.c - BPF_MAP_TYPE_BLOOM_FILTER has no keys; helpers/queue.c has what programs do. */
#include "kinds.h"

RT_FAST void *rt_bloom_filter_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_bloom_filter_update(rt_map m, void *base, const void *key, const void *value,
				   uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

RT_FAST int rt_bloom_filter_remove(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return -RT_EOPNOTSUPP;
}
