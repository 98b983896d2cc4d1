/* SPDX-License-Identifier: MIT
 *
 * bloom_filter_user.c - the filter itself, and BPF_MAP_TYPE_BLOOM_FILTER as processes see it.
 *
 *     uint64_t seed, reserved[7];  uint64_t bits[]
 *
 * The number of bits and the hash are the kernel's (kernel/bpf/bloom_filter.c), so with
 * BPF_F_ZERO_SEED the answers are, too.  Bits are set by atomic or; a push that a kill
 * interrupts has set some of them, which at worst makes a value that is not there seem to be. */
#include "jhash.h"
#include "kinds.h"
#include "random.h"

enum {
	BLOOM_FLAGS = MAP_F_NUMA_NODE | MAP_F_ZERO_SEED | MAP_F_RDONLY | MAP_F_WRONLY |
		      MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG,
	HASHES = 5, HEADER_BYTES = 64, VALUE_MAX = 1 << 22,
};

static uint32_t hashes(rt_map m)
{
	return m->map_extra ? (uint32_t)m->map_extra : HASHES;
}

/* Bits - 1. */
static uint32_t mask_of(rt_map m)
{
	uint64_t bits = (uint64_t)m->max_entries * hashes(m);

	if (bits > UINT32_MAX || bits / 5 * 7 > 1ull << 31)
		return UINT32_MAX;
	bits = bits / 5 * 7;
	return bits <= 64 ? 63 : (uint32_t)((1ull << (64 - __builtin_clzll(bits - 1))) - 1);
}

static uint64_t *word_of(rt_map m, void *base, const void *value, uint32_t i, uint32_t mask, uint64_t *bit)
{
	uint32_t h = rt_jhash(value, m->value_size, (uint32_t)*(uint64_t *)base + i) & mask;

	*bit = 1ull << h % 64;
	return (uint64_t *)((char *)base + HEADER_BYTES) + h / 64;
}

uint64_t rt_bloom_push(uint64_t map, uint64_t base, uint64_t value, uint64_t flags)
{
	rt_map m = (rt_map)map;
	uint32_t mask = mask_of(m);
	uint64_t bit;

	if (flags)
		return (uint64_t)-RT_EINVAL;
	for (uint32_t i = 0; i < hashes(m); i++) {
		uint64_t *w = word_of(m, (void *)base, (const void *)value, i, mask, &bit);

		if (!(rt_load(w) & bit))
			__atomic_fetch_or(w, bit, __ATOMIC_RELEASE);
	}
	return 0;
}

uint64_t rt_bloom_peek(uint64_t map, uint64_t base, uint64_t value)
{
	rt_map m = (rt_map)map;
	uint32_t mask = mask_of(m);
	uint64_t bit;

	for (uint32_t i = 0; i < hashes(m); i++)
		if (!(rt_load_acquire(word_of(m, (void *)base, (const void *)value, i, mask, &bit)) & bit))
			return (uint64_t)-RT_ENOENT;
	return 0;
}

int rt_bloom_filter_check(rt_map m)
{
	if (m->value_size > VALUE_MAX)
		return -RT_E2BIG;
	if (m->key_size || !m->value_size || !m->max_entries || m->flags & ~(uint32_t)BLOOM_FLAGS ||
	    m->map_extra & ~0xfull)
		return -RT_EINVAL;
	return 0;
}

uint64_t rt_bloom_filter_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return HEADER_BYTES + (mask_of(m) + 1ull) / 8;
}

void rt_bloom_filter_format(rt_map m, void *base, uint32_t cpus)
{
	(void)cpus;
	*(uint64_t *)base = m->flags & MAP_F_ZERO_SEED ? 0 : rt_random_seed();
}

/* The value is given, not returned. */
int rt_bloom_filter_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	(void)key;
	return flags ? -RT_EINVAL : (int)rt_bloom_peek((uint64_t)m, (uint64_t)base, (uint64_t)value);
}

int rt_bloom_filter_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	(void)key;
	return (int)rt_bloom_push((uint64_t)m, (uint64_t)base, (uint64_t)value, flags);
}

int rt_bloom_filter_next(rt_map m, void *base, const void *key, void *next)
{
	(void)m, (void)base, (void)key, (void)next;
	return -RT_EOPNOTSUPP;
}
