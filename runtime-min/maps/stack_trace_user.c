/* SPDX-License-Identifier: MIT
 *
 * stack_trace_user.c - bpf_get_stackid, bpf_get_stack, and BPF_MAP_TYPE_STACK_TRACE as processes
 * see it.  Source: kernel/bpf/stackmap.c; ids are the kernel's hash. */
#include "build_ids.h"
#include "jhash.h"
#include "lock.h"
#include "stack_trace.h"
#include "unwind.h"

enum {
	SKIP_MASK = 0xff, USER_STACK = 1 << 8, FAST_CMP = 1 << 9, REUSE = 1 << 10,
	USER_BUILD_ID = 1 << 11,
	STACK_FLAGS = MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY | MAP_F_STACK_BUILD_ID,
	COPIES = 64,
};

/* Returns how many addresses are left behind what is skipped, or -errno; ip has room for
 * RT_STACK_DEPTH. */
static int64_t stack_of(const void *ctx, uint64_t *ip, uint64_t flags, uint32_t depth)
{
	uint32_t skip = (uint32_t)flags & SKIP_MASK, max = depth + skip, n;

	if (!(flags & USER_STACK))
		return -RT_EFAULT;	/* the kernel's own stack */
	n = rt_stack_walk(ctx, ip, max < RT_STACK_DEPTH ? max : RT_STACK_DEPTH);
	if (n <= skip)
		return -RT_EFAULT;
	rt_copy_words(ip, ip + skip, (n - skip) * 8ull);
	return n - skip;
}

static uint32_t element_bytes(rt_map m)
{
	return m->flags & MAP_F_STACK_BUILD_ID ? sizeof(struct mapfmt_build_id) : sizeof(uint64_t);
}

/* A stack on its way into a map. */
struct taken {
	const uint64_t *ip;
	const struct rt_build_ids *ids;	/* NULL: the map has addresses */
	uint32_t n, hash;
};

static uint64_t *elements(struct rt_stack_bucket *b)
{
	return (uint64_t *)(b + 1);
}

static bool is_same(struct rt_stack_bucket *b, const struct taken *t)
{
	struct mapfmt_build_id e;

	if (rt_load(&b->n) != t->n)
		return false;
	if (!t->ids)
		return rt_equal(elements(b), t->ip, t->n * 8);
	for (uint32_t i = 0; i < t->n; i++) {
		rt_build_ids_get(t->ids, i, t->ip[i], &e);
		if (!rt_equal(elements(b) + i * sizeof(e) / 8, &e, sizeof(e)))
			return false;
	}
	return true;
}

/* The bucket is locked: not live until all of it is written. */
static void fill(rt_map m, struct rt_stack_bucket *b, const struct taken *t)
{
	uint64_t state = rt_load(&b->state) | 1;
	uint32_t words = t->n * element_bytes(m) / 8;
	struct mapfmt_build_id e;

	rt_store_release(&b->state, state + 1);
	rt_store(&b->hash, t->hash);
	rt_store(&b->n, t->n);
	if (!t->ids)
		rt_copy_words(elements(b), t->ip, t->n * 8ull);
	for (uint32_t i = 0; t->ids && i < t->n; i++) {
		rt_build_ids_get(t->ids, i, t->ip[i], &e);
		rt_copy_words(elements(b) + i * sizeof(e) / 8, &e, sizeof(e));
	}
	for (uint32_t i = words; i < m->value_size / 8; i++)
		rt_store(elements(b) + i, 0);
	rt_store_release(&b->state, state + 2);
}

static int64_t put(rt_map m, void *base, const struct taken *t, uint64_t flags)
{
	uint32_t id = t->hash & (rt_stack_buckets(m) - 1);
	struct rt_stack_bucket *b = rt_stack_bucket(m, base, id);
	bool live, same;
	int64_t r = id;

	if (rt_lock(&b->lock, rt_me()))
		return -RT_EBUSY;
	live = rt_load(&b->state) & 1;
	same = live && rt_load(&b->hash) == t->hash && (flags & FAST_CMP || is_same(b, t));
	if (live && !same && !(flags & REUSE))
		r = -RT_EEXIST;
	else if (!same)
		fill(m, b, t);
	rt_unlock(&b->lock);
	return r;
}

/* Files are looked for before the bucket is locked.  Not inline: stacks of addresses go without its frame. */
static __attribute__((noinline)) int64_t put_with_ids(rt_map m, void *base, struct taken *t, uint64_t flags)
{
	struct rt_build_ids ids;

	rt_build_ids_find(&ids, t->ip, t->n);
	t->ids = &ids;
	return put(m, base, t, flags);
}

/* Kernel: __bpf_get_stackid(). */
uint64_t rt_get_stackid(uint64_t ctx, uint64_t map, uint64_t base, uint64_t flags)
{
	rt_map m = (rt_map)map;
	uint32_t depth = m->value_size / element_bytes(m);
	uint64_t ip[RT_STACK_DEPTH];
	struct taken t = { .ip = ip };
	int64_t n;

	if (flags & ~(uint64_t)(SKIP_MASK | USER_STACK | FAST_CMP | REUSE))
		return (uint64_t)-RT_EINVAL;
	n = stack_of((const void *)ctx, ip, flags, depth);
	if (n < 0)
		return (uint64_t)n;
	t.n = n > depth ? depth : (uint32_t)n;
	t.hash = rt_jhash(ip, t.n * 8, 0);
	return (uint64_t)(m->flags & MAP_F_STACK_BUILD_ID ? put_with_ids(m, (void *)base, &t, flags)
							   : put(m, (void *)base, &t, flags));
}

/* Not inline, for the same reason. */
static __attribute__((noinline)) void copy_with_ids(struct mapfmt_build_id *to, const uint64_t *ip, uint32_t n)
{
	struct rt_build_ids ids;
	struct mapfmt_build_id e;

	rt_build_ids_find(&ids, ip, n);
	for (uint32_t i = 0; i < n; i++) {
		rt_build_ids_get(&ids, i, ip[i], &e);
		__builtin_memcpy(to + i, &e, sizeof(e));
	}
}

/* Kernel: __bpf_get_stack(). */
uint64_t rt_get_stack(uint64_t ctx, uint64_t to, uint64_t bytes, uint64_t flags)
{
	bool build_ids = flags & USER_BUILD_ID;
	uint64_t size = build_ids ? sizeof(struct mapfmt_build_id) : sizeof(uint64_t), depth = bytes / size;
	uint64_t ip[RT_STACK_DEPTH];
	int64_t n = -RT_EINVAL;

	if (!(flags & ~(uint64_t)(SKIP_MASK | USER_STACK | USER_BUILD_ID)) && bytes % size == 0 &&
	    (flags & USER_STACK || !build_ids))
		n = stack_of((const void *)ctx, ip, flags, depth < RT_STACK_DEPTH ? (uint32_t)depth : RT_STACK_DEPTH);
	if (n < 0) {
		rt_zero((void *)to, bytes);
		return (uint64_t)n;
	}
	if (build_ids)
		copy_with_ids((void *)to, ip, (uint32_t)n);
	else
		rt_copy_long((void *)to, ip, (uint64_t)n * 8);
	rt_zero((char *)to + (uint64_t)n * size, bytes - (uint64_t)n * size);
	return (uint64_t)n * size;
}

int rt_stack_trace_check(rt_map m)
{
	if (m->flags & ~(uint32_t)STACK_FLAGS || !m->max_entries || m->key_size != 4 ||
	    !m->value_size || m->value_size % element_bytes(m) || m->value_size / element_bytes(m) > RT_STACK_DEPTH)
		return -RT_EINVAL;
	return m->max_entries > 1u << 31 ? -RT_E2BIG : 0;
}

uint64_t rt_stack_trace_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return rt_stack_buckets(m) * (sizeof(struct rt_stack_bucket) + (uint64_t)m->value_size);
}

void rt_stack_trace_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_stack_trace_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	uint32_t id = rt_index(key);
	struct rt_stack_bucket *b = rt_stack_bucket(m, base, id);

	if (flags)
		return -RT_EINVAL;
	for (int i = 0; id < rt_stack_buckets(m) && i < COPIES; i++) {
		uint64_t state = rt_load_acquire(&b->state);

		if (!(state & 1))
			return -RT_ENOENT;
		rt_copy_words(value, elements(b), m->value_size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (rt_load(&b->state) == state)
			return 0;
	}
	return id < rt_stack_buckets(m) ? -RT_EBUSY : -RT_ENOENT;
}

int rt_stack_trace_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

/* Kernel: stack_map_get_next_key(). */
int rt_stack_trace_next(rt_map m, void *base, const void *key, void *next)
{
	uint32_t n = rt_stack_buckets(m), id = key ? rt_index(key) : n;

	id = id < n && rt_load(&rt_stack_bucket(m, base, id)->state) & 1 ? id + 1 : 0;
	while (id < n && !(rt_load(&rt_stack_bucket(m, base, id)->state) & 1))
		id++;
	if (id >= n)
		return -RT_ENOENT;
	__builtin_memcpy(next, &id, sizeof(id));
	return 0;
}
