/* SPDX-License-Identifier: MIT
 *
 * stack_trace.c - BPF_MAP_TYPE_STACK_TRACE as programs see it: they put stacks in by
 * bpf_get_stackid() and may delete them. */
#include "stack_trace.h"

RT_FAST void *rt_stack_trace_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_stack_trace_update(rt_map m, void *base, const void *key, const void *value,
				  uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

/* Kernel: stack_map_delete_elem(). */
RT_FAST int rt_stack_trace_remove(rt_map m, void *base, const void *key)
{
	uint32_t id = rt_index(key);
	struct rt_stack_bucket *b = rt_stack_bucket(m, base, id);
	uint64_t was;

	if (id >= rt_stack_buckets(m))
		return -RT_E2BIG;
	was = rt_load_acquire(&b->state);
	while (was & 1)
		if (rt_cas(&b->state, &was, was + 1))
			return 0;
	return -RT_ENOENT;
}
