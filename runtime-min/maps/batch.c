/* SPDX-License-Identifier: MIT
 *
 * batch.c - many elements at a time, as the batch commands of bpf() have them.
 *
 * Source: kernel/bpf/syscall.c generic_map_*_batch(), kernel/bpf/hashtab.c
 * __htab_map_lookup_and_delete_batch().  A cursor is a key, of hash maps the number of a bucket. */
#include "hash_slow.h"
#include "outer.h"
#include "rt_maps.h"

enum batch_ops { OP_LOOKUP = 1, OP_TAKE = 2, OP_UPDATE = 4, OP_DELETE = 8 };

static bool is_hash(uint32_t type)
{
	return type == MAP_TYPE_hash || type == MAP_TYPE_percpu_hash || type == MAP_TYPE_lru_hash ||
	       type == MAP_TYPE_lru_percpu_hash || type == MAP_TYPE_hash_of_maps;
}

static unsigned ops_of(uint32_t type)
{
	if (is_hash(type))
		return OP_LOOKUP | OP_TAKE | OP_UPDATE | OP_DELETE;
	switch (type) {
	case MAP_TYPE_array:
	case MAP_TYPE_percpu_array:
	case MAP_TYPE_array_of_maps:
		return OP_LOOKUP | OP_UPDATE;
	case MAP_TYPE_lpm_trie:
		return OP_LOOKUP | OP_UPDATE | OP_DELETE;
	}
	return 0;
}

/* What all of them look at first.  1: there is something to do. */
static int begin(rt_map m, void *base, struct rt_batch *b, unsigned op, uint32_t *most)
{
	bool reads = op & (OP_LOOKUP | OP_TAKE), writes = op & ~(unsigned)OP_LOOKUP;

	if ((reads && m->flags & MAP_F_WRONLY) || (writes && !rt_map_writable(m, base)))
		return -RT_EPERM;
	if (!(ops_of(m->type) & op))
		return -RT_ENOTSUPP;
	if (b->elem_flags & ~(uint64_t)MAP_LOCK || (b->elem_flags && !m->lock))
		return -RT_EINVAL;
	if (b->flags && is_hash(m->type) && reads)
		return -RT_EINVAL;
	*most = b->count;
	if (!*most)
		return 0;
	b->count = 0;
	return 1;
}

/* The attributes of the hash map that holds the elements. */
static struct bpftime_map hash_of(rt_map m)
{
	return m->type == MAP_TYPE_hash_of_maps ? rt_outer_hash(m) : *m;
}

/* Bucket by bucket: one whole or not at all. */
static int hash_buckets(rt_map map, void *base, struct rt_batch *b, uint32_t most, bool take)
{
	struct bpftime_map m = hash_of(map);
	struct rt_hash_view v = rt_hash_view(&m, base);
	uint64_t bytes = rt_map_value_bytes(map, rt_map_cpus(map, base));
	uint32_t at = 0, n = 0;
	int64_t got = 0;

	if (b->in)
		rt_copy(&at, b->in, sizeof(at));
	if (at >= v.buckets)
		return -RT_ENOENT;
	if (!b->keys || !b->values || !b->out)
		return -RT_EFAULT;
	while (at < v.buckets) {
		got = rt_hash_bucket_out(&v, at, most - n, (char *)b->keys + (uint64_t)n * m.key_size,
					 (char *)b->values + n * bytes, bytes, take);
		if (got < 0)
			break;
		n += (uint32_t)got;
		at += !take || !got;	/* taken: is it empty now? */
	}
	if (got >= 0)
		got = -RT_ENOENT;
	else if (got == -RT_ENOSPC && n)
		got = 0;
	rt_copy(b->out, &at, sizeof(at));
	b->count = n;
	return (int)got;
}

/* Key by key. */
static int keys_in_turn(rt_map m, void *base, struct rt_batch *b, uint32_t most)
{
	uint64_t bytes = rt_map_value_bytes(m, rt_map_cpus(m, base));
	const char *prev = b->in;
	char *keys = b->keys;
	uint32_t n = 0;
	int r = 0;

	if (!keys || !b->values || !b->out)
		return -RT_EFAULT;
	while (n < most) {
		char *key = keys + (uint64_t)n * m->key_size;

		r = rt_map_next_key(m, base, prev, key);
		if (r)
			break;
		rt_copy(b->out, key, m->key_size);
		prev = b->out;
		r = rt_map_lookup(m, base, key, (char *)b->values + n * bytes, b->elem_flags);
		if (r == -RT_ENOENT)	/* an empty slot, or deleted since */
			continue;
		if (r)
			return r;
		n++;
	}
	b->count = n;
	return r;
}

static int lookup(rt_map m, void *base, struct rt_batch *b, unsigned op)
{
	uint32_t most;
	int r = begin(m, base, b, op, &most);

	if (r <= 0)
		return r;
	return is_hash(m->type) ? hash_buckets(m, base, b, most, op == OP_TAKE)
				: keys_in_turn(m, base, b, most);
}

int rt_map_lookup_batch(rt_map m, void *base, struct rt_batch *b)
{
	return lookup(m, base, b, OP_LOOKUP);
}

int rt_map_take_batch(rt_map m, void *base, struct rt_batch *b)
{
	return lookup(m, base, b, OP_TAKE);
}

static int each(rt_map m, void *base, struct rt_batch *b, unsigned op)
{
	uint64_t bytes = rt_map_value_bytes(m, rt_map_cpus(m, base));
	uint32_t most, n = 0;
	int r = begin(m, base, b, op, &most);

	if (r <= 0)
		return r;
	if (!b->keys || (op == OP_UPDATE && !b->values))
		return -RT_EFAULT;
	for (r = 0; n < most; n++) {
		const char *key = (const char *)b->keys + (uint64_t)n * m->key_size;

		r = op == OP_DELETE ? rt_map_delete(m, base, key)
				    : rt_map_update(m, base, key, (const char *)b->values + n * bytes,
						  b->elem_flags);
		if (r)
			break;
	}
	b->count = n;
	return r;
}

int rt_map_update_batch(rt_map m, void *base, struct rt_batch *b)
{
	return each(m, base, b, OP_UPDATE);
}

int rt_map_delete_batch(rt_map m, void *base, struct rt_batch *b)
{
	return each(m, base, b, OP_DELETE);
}
