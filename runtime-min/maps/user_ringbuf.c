/* SPDX-License-Identifier: MIT
 *
 * user_ringbuf.c - BPF_MAP_TYPE_USER_RINGBUF: processes write samples, programs read them. */
#include "kinds.h"

RT_FAST void *rt_user_ringbuf_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_user_ringbuf_update(rt_map m, void *base, const void *key, const void *value,
				   uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_ENOTSUPP;
}

RT_FAST int rt_user_ringbuf_remove(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return -RT_ENOTSUPP;
}
