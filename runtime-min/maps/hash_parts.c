/* SPDX-License-Identifier: MIT
 *
 * hash_parts.c - values made of two: those of the hash map inside an lpm_trie or a task_storage. */
#include "hash_slow.h"

int64_t rt_hash_put_parts(rt_map m, void *base, const void *key, const struct rt_hash_parts *p, uint64_t flags)
{
	return (int64_t)rt_hash_put((uint64_t)m, (uint64_t)base, (uint64_t)key, (uint64_t)p, flags | RT_HASH_PARTS, 0);
}

void rt_hash_write_parts(char *to, const struct rt_hash_parts *p)
{
	rt_copy_in(to, p->data, p->data_bytes);
	if (p->value)
		rt_copy_in(to + p->value_off, p->value, p->value_bytes);
	for (uint32_t i = 0; !p->value && i < p->value_bytes; i += 8)
		rt_store((uint64_t *)(to + p->value_off + i), 0);
}
