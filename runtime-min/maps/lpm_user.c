/* SPDX-License-Identifier: MIT
 *
 * lpm_user.c - BPF_MAP_TYPE_LPM_TRIE: a hash map of prefixes, and the set of prefix lengths that
 * were ever used (docs/maps.md).
 *
 *     struct rt_lpm          lengths
 *     a hash map             key: prefix length, data cut to it; value: data as given, value */
#include "hash_slow.h"

enum {
	LPM_FLAGS = MAP_F_NO_PREALLOC | MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY |
		    MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG,
	DATA_MAX = 256, KEY_MIN = 5, KEY_MAX = 4 + DATA_MAX,
	VALUE_MAX = (1 << 22) - DATA_MAX - 24,	/* KMALLOC_MAX_SIZE, struct lpm_trie_node */
	WORDS = DATA_MAX * 8 / 64 + 1, HASH_OFF = 320, COPIES = 64,
};

struct rt_lpm {
	uint64_t lengths[WORDS];	/* bit n: a prefix of n bits was put in; never cleared */
};
_Static_assert(sizeof(struct rt_lpm) <= HASH_OFF, "the hash map begins behind it");

struct prefix {
	uint32_t bits;
	uint8_t  data[DATA_MAX];
};

static uint32_t data_bytes(rt_map m)
{
	return m->key_size - 4;
}

/* Of the value in the hash map: where the map's own value lies. */
static uint32_t value_off(rt_map m)
{
	return (uint32_t)rt_round_up(data_bytes(m), 8);
}

static struct bpftime_map hash_of(rt_map m)
{
	return (struct bpftime_map){
		.type = MAP_TYPE_lpm_trie, .key_size = m->key_size,
		.value_size = value_off(m) + m->value_size, .max_entries = m->max_entries,
	};
}

static void *hash_base(void *base)
{
	return (char *)base + HASH_OFF;
}

/* The key, or false when its length is not one. */
static bool get_prefix(rt_map m, const void *key, struct prefix *p)
{
	rt_copy(p, key, m->key_size);
	return p->bits <= data_bytes(m) * 8;
}

/* Clears what is behind the first `bits` bits. */
static void cut(rt_map m, struct prefix *p, uint32_t bits)
{
	uint32_t at = bits / 8;

	p->bits = bits;
	if (at < data_bytes(m)) {
		p->data[at] &= (uint8_t)~(0xff >> bits % 8);
		rt_zero(p->data + at + 1, data_bytes(m) - at - 1);
	}
}

/* The longest length in use that is at most `bits`; -1: none. */
static int32_t length_at_most(const struct rt_lpm *l, int32_t bits)
{
	while (bits >= 0) {
		uint64_t w = rt_load_acquire(&l->lengths[bits / 64]) &
			     (~0ull >> (63 - bits % 64));

		if (w)
			return bits / 64 * 64 + 63 - __builtin_clzll(w);
		bits = bits / 64 * 64 - 1;
	}
	return -1;
}

/* The value in the hash map of the longest prefix that fits; *p becomes that prefix. */
static char *find(rt_map m, void *base, struct prefix *p)
{
	struct bpftime_map h = hash_of(m);
	char *v;

	for (int32_t n = (int32_t)p->bits; (n = length_at_most(base, n)) >= 0; n--) {
		cut(m, p, (uint32_t)n);
		v = (char *)rt_hash_find((uint64_t)&h, (uint64_t)hash_base(base), (uint64_t)p);
		if (v)
			return v;
	}
	return NULL;
}

uint64_t rt_lpm_find(uint64_t map, uint64_t base, uint64_t key)
{
	rt_map m = (rt_map)map;
	struct prefix p;
	char *v = get_prefix(m, (const void *)key, &p) ? find(m, (void *)base, &p) : NULL;

	return v ? (uint64_t)(v + value_off(m)) : 0;
}

/* Kernel: trie_update_elem(). */
uint64_t rt_lpm_put(uint64_t map, uint64_t base, uint64_t key, uint64_t value, uint64_t flags)
{
	rt_map m = (rt_map)map;
	struct bpftime_map h = hash_of(m);
	struct rt_lpm *l = (struct rt_lpm *)base;
	struct prefix p;
	struct rt_hash_parts v = { (const char *)key + 4, (const void *)value, data_bytes(m),
				   value_off(m), m->value_size };
	int64_t r;

	if (flags > MAP_EXIST || !get_prefix(m, (const void *)key, &p))
		return (uint64_t)-RT_EINVAL;
	if (flags != MAP_EXIST)		/* before the prefix is there: who sees that sees this */
		__atomic_fetch_or(&l->lengths[p.bits / 64], 1ull << p.bits % 64, __ATOMIC_SEQ_CST);
	cut(m, &p, p.bits);
	r = rt_hash_put_parts(&h, hash_base((void *)base), &p, &v, flags);
	return (uint64_t)(r == -RT_E2BIG ? -RT_ENOSPC : r);
}

uint64_t rt_lpm_del(uint64_t map, uint64_t base, uint64_t key)
{
	rt_map m = (rt_map)map;
	struct bpftime_map h = hash_of(m);
	struct prefix p;

	if (!get_prefix(m, (const void *)key, &p))
		return (uint64_t)-RT_EINVAL;
	cut(m, &p, p.bits);
	return rt_hash_out((uint64_t)&h, (uint64_t)hash_base((void *)base), (uint64_t)&p, 0);
}

int rt_lpm_trie_check(rt_map m)
{
	if (!m->max_entries || !(m->flags & MAP_F_NO_PREALLOC) || m->flags & ~(uint32_t)LPM_FLAGS ||
	    m->key_size < KEY_MIN || m->key_size > KEY_MAX || !m->value_size ||
	    m->value_size > VALUE_MAX)
		return -RT_EINVAL;
	return m->max_entries >= RT_HASH_END / 2 ? -RT_E2BIG : 0;
}

uint64_t rt_lpm_trie_size(rt_map m, uint32_t cpus)
{
	struct bpftime_map h = hash_of(m);

	return HASH_OFF + rt_hash_size(&h, cpus);
}

void rt_lpm_trie_format(rt_map m, void *base, uint32_t cpus)
{
	struct bpftime_map h = hash_of(m);

	rt_hash_format(&h, hash_base(base), cpus);
}

/* Copies `bytes` at `off` of the value of an exact prefix, never torn.  0, -ENOENT, -EBUSY. */
static int copy_exact(rt_map m, void *base, const struct prefix *p, uint32_t off, uint32_t bytes,
		      void *to)
{
	struct bpftime_map h = hash_of(m);
	struct rt_hash_view v = rt_hash_view(&h, hash_base(base));
	uint32_t b = rt_hash_of(&v, p), x;
	uint64_t state;
	int r;

	for (int i = 0; i < COPIES; i++) {
		r = rt_hash_walk(&v, b, p, &x, &state);
		if (r == -RT_EAGAIN)
			continue;
		if (r)
			return r;
		rt_copy_words(to, rt_hash_value(&v, x, state) + off, bytes);
		if (rt_hash_is_whole(&v, x, state))
			return 0;
	}
	if (rt_hash_enter(&v, b, rt_me()))
		return rt_busy();
	r = rt_hash_walk(&v, b, p, &x, &state);
	if (!r)
		rt_copy_words(to, rt_hash_value(&v, x, state) + off, bytes);
	rt_unlock(&rt_hash_bucket(&v, b)->lock);
	return r ? -RT_ENOENT : 0;
}

int rt_lpm_trie_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	struct prefix p;
	int r;

	if (flags)
		return -RT_EINVAL;
	if (!get_prefix(m, key, &p))
		return -RT_ENOENT;
	for (int i = 0; i < COPIES; i++) {
		if (!find(m, base, &p))
			return -RT_ENOENT;
		r = copy_exact(m, base, &p, value_off(m), m->value_size, value);
		if (r != -RT_ENOENT)
			return r;
		get_prefix(m, key, &p);		/* it went meanwhile */
	}
	return -RT_EBUSY;
}

int rt_lpm_trie_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	return (int)rt_lpm_put((uint64_t)m, (uint64_t)base, (uint64_t)key, (uint64_t)value, flags);
}

/* Keys come out as they were given last, with what was behind the prefix. */
int rt_lpm_trie_next(rt_map m, void *base, const void *key, void *next)
{
	struct bpftime_map h = hash_of(m);
	struct prefix p, found;
	bool first = !key || !get_prefix(m, key, &p);
	int r;

	if (!first)
		cut(m, &p, p.bits);
	for (int i = 0; i < COPIES; i++) {
		r = rt_hash_next(&h, hash_base(base), first ? NULL : &p, &found);
		if (r)
			return r;
		r = copy_exact(m, base, &found, 0, data_bytes(m), (char *)next + 4);
		if (!r)
			rt_copy(next, &found.bits, 4);
		if (r != -RT_ENOENT)
			return r;
		p = found;
		first = false;
	}
	return -RT_ENOENT;
}
