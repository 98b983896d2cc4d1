/* SPDX-License-Identifier: MIT
 *
 * queue.c - BPF_MAP_TYPE_QUEUE and _STACK: they have no keys; helpers/queue.c has what programs
 * do with them. */
#include "kinds.h"

#define QUEUE_KIND(kind_)                                                                 \
	RT_FAST void *rt_##kind_##_lookup(rt_map m, void *base, const void *key)           \
	{                                                                                  \
		(void)m, (void)base, (void)key;                                            \
		return NULL;                                                               \
	}                                                                                  \
	RT_FAST int rt_##kind_##_update(rt_map m, void *base, const void *key,             \
					const void *value, uint64_t flags)                 \
	{                                                                                  \
		(void)m, (void)base, (void)key, (void)value, (void)flags;                  \
		return -RT_EINVAL;                                                         \
	}                                                                                  \
	RT_FAST int rt_##kind_##_remove(rt_map m, void *base, const void *key)             \
	{                                                                                  \
		(void)m, (void)base, (void)key;                                            \
		return -RT_EINVAL;                                                         \
	}

QUEUE_KIND(queue)
QUEUE_KIND(stack)
