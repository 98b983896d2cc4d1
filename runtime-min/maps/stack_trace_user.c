/* SPDX-License-Identifier: MIT
 *
 * stack_trace_user.c - bpf_get_stackid, bpf_get_stack, and BPF_MAP_TYPE_STACK_TRACE as processes
 * see it.  Source: kernel/bpf/stackmap.c; ids are the kernel's hash. */
#include "jhash.h"
#include "lock.h"
#include "stack_trace.h"
#include "unwind.h"

enum {
	SKIP_MASK = 0xff, USER_STACK = 1 << 8, FAST_CMP = 1 << 9, REUSE = 1 << 10,
	USER_BUILD_ID = 1 << 11,
	STACK_FLAGS = MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY,
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

static uint64_t *addresses(struct rt_stack_bucket *b)
{
	return (uint64_t *)(b + 1);
}

/* The bucket is locked: not live until all of it is written. */
static void fill(rt_map m, struct rt_stack_bucket *b, const uint64_t *ip, uint32_t n, uint32_t hash)
{
	uint64_t state = rt_load(&b->state) | 1;

	rt_store_release(&b->state, state + 1);
	rt_store(&b->hash, hash);
	rt_store(&b->n, n);
	rt_copy_words(addresses(b), ip, n * 8ull);
	for (uint32_t i = n; i < m->value_size / 8; i++)
		rt_store(addresses(b) + i, 0);
	rt_store_release(&b->state, state + 2);
}

/* Kernel: __bpf_get_stackid(). */
uint64_t rt_get_stackid(uint64_t ctx, uint64_t map, uint64_t base, uint64_t flags)
{
	rt_map m = (rt_map)map;
	uint64_t ip[RT_STACK_DEPTH];
	struct rt_stack_bucket *b;
	uint32_t hash, id;
	bool live, same;
	int64_t n, r;

	if (flags & ~(uint64_t)(SKIP_MASK | USER_STACK | FAST_CMP | REUSE))
		return (uint64_t)-RT_EINVAL;
	n = stack_of((const void *)ctx, ip, flags, m->value_size / 8);
	if (n < 0)
		return (uint64_t)n;
	if ((uint64_t)n > m->value_size / 8)
		n = m->value_size / 8;
	hash = rt_jhash(ip, (uint32_t)n * 8, 0);
	id = hash & (rt_stack_buckets(m) - 1);
	b = rt_stack_bucket(m, (void *)base, id);
	if (rt_lock(&b->lock, rt_me()))
		return (uint64_t)-RT_EBUSY;
	live = rt_load(&b->state) & 1;
	same = live && rt_load(&b->hash) == hash;
	if (same && !(flags & FAST_CMP))
		same = rt_load(&b->n) == n && rt_equal(addresses(b), ip, (uint32_t)n * 8);
	r = id;
	if (live && !same && !(flags & REUSE))
		r = -RT_EEXIST;
	else if (!same)
		fill(m, b, ip, (uint32_t)n, hash);
	rt_unlock(&b->lock);
	return (uint64_t)r;
}

/* Kernel: __bpf_get_stack(). */
uint64_t rt_get_stack(uint64_t ctx, uint64_t to, uint64_t bytes, uint64_t flags)
{
	uint64_t ip[RT_STACK_DEPTH];
	int64_t n = -RT_EINVAL;

	if (!(flags & ~(uint64_t)(SKIP_MASK | USER_STACK)) && bytes % 8 == 0)
		n = stack_of((const void *)ctx, ip, flags,
			     bytes / 8 < RT_STACK_DEPTH ? (uint32_t)(bytes / 8) : RT_STACK_DEPTH);
	if (n < 0) {
		rt_zero((void *)to, bytes);
		return (uint64_t)n;
	}
	rt_copy_long((void *)to, ip, (uint64_t)n * 8);
	rt_zero((char *)to + n * 8, bytes - (uint64_t)n * 8);
	return (uint64_t)n * 8;
}

int rt_stack_trace_check(rt_map m)
{
	if (m->flags & ~(uint32_t)STACK_FLAGS || !m->max_entries || m->key_size != 4 ||
	    !m->value_size || m->value_size % 8 || m->value_size / 8 > RT_STACK_DEPTH)
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
		rt_copy_words(value, addresses(b), m->value_size);
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
