/* SPDX-License-Identifier: MIT
 *
 * lpm_trie.c - BPF_MAP_TYPE_LPM_TRIE as programs see it; all of it is in lpm_user.c. */
#include "kinds.h"

RT_FAST void *rt_lpm_trie_lookup(rt_map m, void *base, const void *key)
{
	return (void *)bpftime_rt1_lpm_find((uint64_t)m, (uint64_t)base, (uint64_t)key);
}

RT_FAST int rt_lpm_trie_update(rt_map m, void *base, const void *key, const void *value,
			       uint64_t flags)
{
	return (int)bpftime_rt1_lpm_put((uint64_t)m, (uint64_t)base, (uint64_t)key,
					(uint64_t)value, flags);
}

RT_FAST int rt_lpm_trie_remove(rt_map m, void *base, const void *key)
{
	return (int)bpftime_rt1_lpm_del((uint64_t)m, (uint64_t)base, (uint64_t)key);
}
