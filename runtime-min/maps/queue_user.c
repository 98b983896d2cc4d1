/* SPDX-License-Identifier: MIT
 *
 * queue_user.c - queues and stacks as processes see them: update pushes, lookup peeks,
 * rt_map_take() pops. */
#include "queue.h"

enum {
	QUEUE_FLAGS = MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY | MAP_F_RDONLY_PROG |
		      MAP_F_WRONLY_PROG,
	VALUE_MAX = 1 << 22,	/* KMALLOC_MAX_SIZE */
};

static int check(rt_map m)
{
	if (m->key_size || !m->value_size || !m->max_entries || m->flags & ~(uint32_t)QUEUE_FLAGS)
		return -RT_EINVAL;
	return m->value_size > VALUE_MAX || m->max_entries == UINT32_MAX ? -RT_E2BIG : 0;
}

#define QUEUE_KIND(kind_)                                                                 \
	int rt_##kind_##_check(rt_map m)                                                   \
	{                                                                                  \
		return check(m);                                                           \
	}                                                                                  \
	uint64_t rt_##kind_##_size(rt_map m, uint32_t cpus)                                \
	{                                                                                  \
		(void)cpus;                                                                \
		return sizeof(struct rt_queue) + rt_stride(m) * (m->max_entries + 1ull);   \
	}                                                                                  \
	void rt_##kind_##_format(rt_map m, void *base, uint32_t cpus)                      \
	{                                                                                  \
		(void)m, (void)base, (void)cpus;                                           \
	}                                                                                  \
	int rt_##kind_##_read(rt_map m, void *base, const void *key, void *value,          \
			      uint64_t flags)                                              \
	{                                                                                  \
		(void)key;                                                                 \
		return flags ? -RT_EINVAL : rt_queue_get(m, base, value, true);            \
	}                                                                                  \
	int rt_##kind_##_write(rt_map m, void *base, const void *key, const void *value,   \
			       uint64_t flags)                                             \
	{                                                                                  \
		(void)key;                                                                 \
		return (int)rt_queue_push((uint64_t)m, (uint64_t)base, (uint64_t)value, flags); \
	}                                                                                  \
	int rt_##kind_##_next(rt_map m, void *base, const void *key, void *next)           \
	{                                                                                  \
		(void)m, (void)base, (void)key, (void)next;                                \
		return -RT_EINVAL;                                                         \
	}

QUEUE_KIND(queue)
QUEUE_KIND(stack)
