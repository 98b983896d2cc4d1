/* SPDX-License-Identifier: MIT
 *
 * arena_slow.c - pages of an arena are given out, taken back and reserved (kernel/bpf/arena.c,
 * range_tree.c).
 *
 * Under the lock, with `change` naming the pages before the first bit of them is stored to, until behind
 * the last.  Whoever takes the lock over from the dead makes the pages that it names free: those
 * that were being given out nobody was told of, and those that came back are. */
#include "arena.h"

#include "arch/x86_64/sys.h"
#include "lock.h"
#include "mem.h"

enum { WORD = 64 };

struct run {
	uint32_t first, n;
};

static void begin(struct rt_arena *a, struct run r)
{
	rt_store(&a->change, (uint64_t)r.first << 32 | r.n);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(struct rt_arena *a)
{
	rt_store_release(&a->change, 0);
}

/* Sets, or clears, the bits of a run.  Under the lock: nobody else stores to these words. */
static void mark(uint64_t *bits, struct run r, bool set)
{
	for (uint64_t at = r.first, to = (uint64_t)r.first + r.n; at < to;) {
		uint64_t up = at / WORD * WORD + WORD, n = (up < to ? up : to) - at;
		uint64_t mask = (n == WORD ? ~0ull : (1ull << n) - 1) << at % WORD, *w = &bits[at / WORD];

		rt_store_release(w, set ? rt_load(w) | mask : rt_load(w) & ~mask);
		at += n;
	}
}

static void make_free(rt_map m, void *base, struct run r)
{
	struct rt_arena *a = rt_arena(base);

	begin(a, r);
	mark(rt_arena_backed(m, base), r, false);
	mark(rt_arena_taken(base), r, false);
	end(a);
}

static int enter(rt_map m, void *base)
{
	struct rt_arena *a = rt_arena(base);
	uint64_t left;
	struct run r;

	if (rt_lock(&a->lock, rt_me()))
		return -RT_EBUSY;
	left = rt_load(&a->change);
	r = (struct run){ (uint32_t)(left >> 32), (uint32_t)left };
	if (r.n && r.first < m->max_entries && r.n <= m->max_entries - r.first)
		make_free(m, base, r);
	return 0;
}

static void leave(void *base)
{
	rt_unlock(&rt_arena(base)->lock);
}

/* The first page from `at` on whose bit is `set`; n: none. */
static uint32_t next_bit(const uint64_t *bits, uint32_t n, uint32_t at, bool set)
{
	while (at < n) {
		uint64_t w = rt_load(&bits[at / WORD]);

		w = (set ? w : ~w) >> at % WORD;
		if (w) {
			at += (uint32_t)__builtin_ctzll(w);
			return at < n ? at : n;
		}
		at = at / WORD * WORD + WORD;
	}
	return n;
}

static bool is_free(rt_map m, void *base, struct run r)
{
	return next_bit(rt_arena_taken(base), r.first + r.n, r.first, true) == r.first + r.n &&
	       r.first + r.n <= m->max_entries;
}

/* The smallest place that n pages fit in, as in the kernel; of several the first one. */
static bool find(rt_map m, void *base, struct run *r)
{
	const uint64_t *taken = rt_arena_taken(base);
	uint32_t best = UINT32_MAX;

	for (uint32_t at = 0, to; at < m->max_entries; at = to) {
		at = next_bit(taken, m->max_entries, at, false);
		to = next_bit(taken, m->max_entries, at, true);
		if (at < to && to - at >= r->n && to - at < best) {
			best = to - at;
			r->first = at;
		}
	}
	return best != UINT32_MAX;
}

/* Memory for the pages, so that no access of them ever faults: a full filesystem is an error here. */
static bool have_memory(char *p, uint64_t bytes)
{
	int64_t r = rt_sys3(SYS_madvise, p, bytes, MADV_POPULATE_WRITE);
	const uint64_t zero = 0;

	for (uint64_t at = 0; r == -RT_EINVAL && at < bytes; at += MAPFMT_ARENA_PAGE)	/* before Linux 5.14 */
		if (rt_write_user((uint64_t)p + at, sizeof(zero), (uint64_t)&zero))
			return false;
	return !r || r == -RT_EINVAL;
}

/* The page that an address is in; of one that is in none a number that no page has. */
static uint32_t page_of(void *base, uint64_t address)
{
	return (uint32_t)(address - rt_load(&rt_arena(base)->user_start)) / MAPFMT_ARENA_PAGE;
}

static uint64_t give_out(rt_map m, void *base, struct run r)
{
	struct rt_arena *a = rt_arena(base);
	char *p = rt_arena_page(m, base, r.first);
	uint64_t bytes = (uint64_t)r.n * MAPFMT_ARENA_PAGE;

	begin(a, r);
	mark(rt_arena_taken(base), r, true);
	if (!have_memory(p, bytes)) {
		make_free(m, base, r);
		return 0;
	}
	rt_zero(p, bytes);
	mark(rt_arena_backed(m, base), r, true);
	end(a);
	return rt_load(&a->user_start) + (uint64_t)r.first * MAPFMT_ARENA_PAGE;
}

/* Which node the memory is of is not heeded, but it has to be one. */
static bool is_node(int32_t node)
{
	enum { NODES = 1024, MPOL_F_MEMS_ALLOWED = 4, NUMA_NO_NODE = -1 };
	uint64_t mask[NODES / WORD];

	if (!node || node == NUMA_NO_NODE)
		return true;
	rt_zero(mask, sizeof(mask));
	return (uint32_t)node < NODES &&
	       !rt_sys6(SYS_get_mempolicy, 0, (uint64_t)mask, NODES, 0, MPOL_F_MEMS_ALLOWED, 0) &&
	       mask[node / WORD] >> node % WORD & 1;
}

uint64_t rt_arena_alloc(uint64_t map, uint64_t at, uint64_t address, uint64_t pages, uint64_t node,
			uint64_t flags)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	struct run r = { 0, (uint32_t)pages };
	uint64_t result = 0;

	if (flags || !r.n || r.n > m->max_entries || address % MAPFMT_ARENA_PAGE || !is_node((int32_t)node))
		return 0;
	if (address) {
		r.first = page_of(base, address);
		if (r.first > m->max_entries - r.n)
			return 0;
	}
	if (enter(m, base))
		return 0;
	if (address ? is_free(m, base, r) : find(m, base, &r))
		result = give_out(m, base, r);
	leave(base);
	return result;
}

/* Only the lower half of the address counts; what lies outside is left out. */
uint64_t rt_arena_free(uint64_t map, uint64_t at, uint64_t address, uint64_t pages)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	uint32_t low = (uint32_t)address / MAPFMT_ARENA_PAGE * MAPFMT_ARENA_PAGE;
	struct run r = { page_of(base, low), (uint32_t)pages };

	if (!address || !r.n || low < (uint32_t)rt_load(&rt_arena(base)->user_start) ||
	    r.first >= m->max_entries)
		return 0;
	if (r.n > m->max_entries - r.first)
		r.n = m->max_entries - r.first;
	if (enter(m, base))
		return 0;
	make_free(m, base, r);
	leave(base);
	return 0;
}

uint64_t rt_arena_reserve(uint64_t map, uint64_t at, uint64_t address, uint64_t pages)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	struct run r = { 0, (uint32_t)pages };
	int64_t result = 0;

	if (!r.n || address % MAPFMT_ARENA_PAGE)
		return 0;
	r.first = page_of(base, address);
	if ((uint64_t)r.first + r.n > m->max_entries)
		return (uint64_t)-RT_EINVAL;
	if (enter(m, base))
		return (uint64_t)-RT_EBUSY;
	if (is_free(m, base, r)) {
		begin(rt_arena(base), r);
		mark(rt_arena_taken(base), r, true);
		end(rt_arena(base));
	} else {
		result = -RT_EBUSY;
	}
	leave(base);
	return (uint64_t)result;
}
