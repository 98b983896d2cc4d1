/* SPDX-License-Identifier: MIT
 *
 * prog_array.c - BPF_MAP_TYPE_PROG_ARRAY: ids of programs, for bpf_tail_call().
 *
 *     id(i) = ((uint32_t *)base)[i]; 0 = empty.  An id is the first four bytes of a
 *     program's hash; each payload looks it up among its own programs. */
#include "kinds.h"

RT_FAST void *rt_prog_array_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_prog_array_update(rt_map m, void *base, const void *key, const void *value,
				 uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

RT_FAST int rt_prog_array_remove(rt_map m, void *base, const void *key)
{
	uint32_t i = rt_index(key);

	if (i >= m->max_entries)
		return -RT_E2BIG;
	return __atomic_exchange_n((uint32_t *)base + i, 0, __ATOMIC_ACQ_REL) ? 0 : -RT_ENOENT;
}
