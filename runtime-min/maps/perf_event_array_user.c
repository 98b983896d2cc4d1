/* SPDX-License-Identifier: MIT
 *
 * perf_event_array_user.c - BPF_MAP_TYPE_PERF_EVENT_ARRAY: one ring buffer for all CPUs, whose
 * records say which CPU they are from (docs/maps.md). */
#include "cpu.h"
#include "mem.h"
#include "ring_slow.h"
#include "rt_maps.h"

enum { PRESERVE_ELEMS = 1 << 11, CURRENT_CPU = 0xffffffff };

/* max_entries 0 is what objects say that leave the number of CPUs to their loader. */
int rt_perf_event_array_check(rt_map m)
{
	return rt_fd_array_check(m, PRESERVE_ELEMS);
}

uint64_t rt_perf_event_array_size(rt_map m, uint32_t cpus)
{
	(void)m, (void)cpus;
	return RT_RING_DATA_OFF + RT_PERF_BYTES;
}

void rt_perf_event_array_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_perf_event_array_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value;
	return flags ? -RT_EINVAL : -RT_ENOTSUPP;
}

/* A value would be the descriptor of a perf event. */
int rt_perf_event_array_write(rt_map m, void *base, const void *key, const void *value,
			      uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

int rt_perf_event_array_next(rt_map m, void *base, const void *key, void *next)
{
	(void)base;
	return m->max_entries ? rt_index_next(m, key, next) : -RT_ENOENT;
}

/* Kernel: __bpf_perf_event_output(). */
uint64_t rt_perf_output(uint64_t map, uint64_t base, uint64_t flags, uint64_t data, uint64_t bytes)
{
	struct bpftime_map ring = rt_ring_map((rt_map)map);
	uint32_t max = ((rt_map)map)->max_entries, cpu = rt_cpu_now(), index = (uint32_t)flags;
	struct rt_perf_sample *s;

	if (flags >> 32)
		return (uint64_t)-RT_EINVAL;
	if (index == CURRENT_CPU)
		index = cpu;
	if (max && index >= max)
		return (uint64_t)-RT_E2BIG;
	if (index != cpu)
		return (uint64_t)-RT_EOPNOTSUPP;
	if (bytes > RT_PERF_BYTES / 2)
		return (uint64_t)-RT_ENOSPC;
	s = (struct rt_perf_sample *)rt_ring_reserve((uint64_t)&ring, base, sizeof(*s) + bytes, 0);
	if (!s)
		return (uint64_t)-RT_ENOSPC;
	s->cpu = cpu;
	s->bytes = (uint32_t)bytes;
	rt_copy(s->data, (const void *)data, bytes);
	__atomic_exchange_n((uint32_t *)s - 2, (uint32_t)(sizeof(*s) + bytes), __ATOMIC_SEQ_CST);
	rt_ring_notify(&ring, (void *)base, s, 0);
	return 0;
}
