/* SPDX-License-Identifier: MIT
 *
 * bpf_spin_lock, bpf_spin_unlock (kernel/bpf/helpers.c).  A lock that is not to be had is not
 * waited for for ever: 1, and the program ends there. */
#include "rt_helpers.h"
#include "spin.h"

RT_FAST uint64_t bpftime_h_spin_lock(const struct bpftime_map *m, void *base, void *lock)
{
	(void)m;
	return rt_spin_lock(base, lock) != 0;
}

RT_FAST void bpftime_h_spin_unlock(void *lock)
{
	rt_spin_unlock(lock);
}
