/* SPDX-License-Identifier: MIT
 *
 * spin.c - whole values under their bpf_spin_lock (BPF_F_LOCK). */
#include "spin.h"

static uint32_t *lock_of(const struct bpftime_map *m, void *value)
{
	return (uint32_t *)((char *)value + m->lock - 1);
}

uint64_t rt_value_put(uint64_t map, uint64_t base, uint64_t value, uint64_t from)
{
	const struct bpftime_map *m = (const struct bpftime_map *)map;
	void *to = (void *)value;

	if (rt_spin_lock((void *)base, lock_of(m, to)))
		return (uint64_t)-RT_EBUSY;
	rt_value_in(m, to, (const void *)from);
	rt_spin_unlock(lock_of(m, to));
	return 0;
}

int rt_value_get(const struct bpftime_map *m, void *base, void *to, void *value)
{
	if (rt_spin_lock(base, lock_of(m, value)))
		return -RT_EBUSY;
	rt_value_out(m, to, value);
	rt_spin_unlock(lock_of(m, value));
	return 0;
}
