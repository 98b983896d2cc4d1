/* SPDX-License-Identifier: MIT
 *
 * perf_event_array.c - BPF_MAP_TYPE_PERF_EVENT_ARRAY: bpf_perf_event_output() is all that
 * programs do with it. */
#include "kinds.h"

RT_FAST void *rt_perf_event_array_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_perf_event_array_update(rt_map m, void *base, const void *key, const void *value,
				       uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

/* There are no events to be taken out: every CPU has one, always. */
RT_FAST int rt_perf_event_array_remove(rt_map m, void *base, const void *key)
{
	(void)base;
	return rt_index(key) < m->max_entries ? -RT_ENOENT : -RT_E2BIG;
}
