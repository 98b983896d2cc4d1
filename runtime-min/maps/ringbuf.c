/* SPDX-License-Identifier: MIT
 *
 * ringbuf.c - BPF_MAP_TYPE_RINGBUF: a ring buffer has no elements; its helpers are in
 * helpers/ringbuf.c. */
#include "kinds.h"

RT_FAST void *rt_ringbuf_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_ringbuf_update(rt_map m, void *base, const void *key, const void *value,
			      uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_ENOTSUPP;
}

RT_FAST int rt_ringbuf_remove(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return -RT_ENOTSUPP;
}
