/* SPDX-License-Identifier: MIT
 *
 * inner.c - from an element of a map of maps to the map, in this process.
 *
 * What is found is entered in a table and in the cache behind the map of maps, and stays: a
 * program may hold a map for as long as it runs, and nothing tells how long that is. */
#include "arch/x86_64/sys.h"
#include "control.h"
#include "files.h"
#include "maps/hash_slow.h"
#include "maps/outer.h"
#include "rt_maps.h"

enum { TRIES = 64 };

struct rt_inner *bpftime_rt1_inners;
static uint32_t used;	/* entries given out; may exceed RT_INNERS */

static struct rt_inner *table(void)
{
	struct rt_inner *t = rt_load_acquire(&bpftime_rt1_inners), *none = NULL;
	uint64_t bytes = rt_round_up(RT_INNERS * sizeof(*t), RT_PAGE_BYTES);
	int64_t p;

	if (t)
		return t;
	p = rt_sys6(SYS_mmap, 0, bytes, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0);
	if (rt_sys_failed(p))
		return NULL;
	if (rt_cas(&bpftime_rt1_inners, &none, (struct rt_inner *)p))
		return (struct rt_inner *)p;
	rt_sys2(SYS_munmap, p, bytes);
	return none;
}

bool rt_inner_add(const struct mapfmt_ref *ref, rt_map m, void *base)
{
	struct rt_inner *t = table();
	uint32_t i = t && rt_load(&used) < RT_INNERS ? rt_add(&used, 1) : RT_INNERS;

	if (i >= RT_INNERS)
		return false;
	t[i].ref = *ref;
	t[i].base = base;
	t[i].m = *m;
	t[i].m.name_rel = t[i].m.object_rel = t[i].m.room_rel = 0;
	t[i].m.init_rel = t[i].m.inner_rel = t[i].m.kind_rel = 0;
	t[i].m.slot_rel = (int32_t)(offsetof(struct rt_inner, base) -
				    offsetof(struct rt_inner, m.slot_rel));
	rt_store_release(&t[i].ready, 1);
	return true;
}

/* Index in the table; RT_INNER_NONE. */
static uint32_t find(rt_map outer, uint64_t birth)
{
	const struct bpftime_map *t = BPFTIME_REL(const struct bpftime_map, outer->inner_rel);
	struct rt_inner *in = rt_load_acquire(&bpftime_rt1_inners);
	struct mapfmt_inner like;

	if (!in || !t)
		return RT_INNER_NONE;
	like = rt_map_template(t);
	for (uint32_t i = 0; i < RT_INNERS && i < rt_load(&used); i++)
		if (rt_load_acquire(&in[i].ready) && in[i].ref.birth == birth &&
		    rt_map_fits(&like, &in[i].m))
			return i;
	return RT_INNER_NONE;
}

/* Signals are held off: a handler that leaves by longjmp would leave descriptors behind. */
static int64_t open_held(rt_map outer, const struct mapfmt_ref *ref, struct bpftime_map *m,
			 void **base)
{
	uint64_t async = RT_ASYNC_SIGNALS, old;
	int64_t r;

	rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &async, &old, SIGSET_BYTES);
	r = rt_files_open_inner(outer, ref, m, base);
	rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_BYTES);
	return r;
}

/* Two threads may open one map at a time: then the table has it twice.
 * *again: another try may have more luck. */
static uint32_t resolve(rt_map outer, const struct mapfmt_ref *ref, bool *again)
{
	uint32_t i = find(outer, ref->birth);
	struct bpftime_map m;
	void *base;
	int64_t r;

	*again = false;
	if (i != RT_INNER_NONE || rt_load(&used) >= RT_INNERS)
		return i;
	r = open_held(outer, ref, &m, &base);
	*again = r == -RT_EMFILE || r == -RT_ENFILE || r == -RT_ENOMEM || r == -RT_EINTR;
	if (r)
		return RT_INNER_NONE;
	if (!rt_inner_add(ref, &m, base))
		rt_files_close_inner(outer, &m, base);
	return find(outer, ref->birth);
}

/* The element of a key and what it holds, whole.  false: none, or its bucket stays locked. */
static bool copy_ref(const struct rt_hash_view *v, const void *key, struct mapfmt_ref *ref, uint32_t *x,
		     uint64_t *state)
{
	uint32_t b = rt_hash_of(v, key);
	int r = 0;

	for (int i = 0; i < TRIES && r != -RT_ENOENT; i++) {
		r = rt_hash_walk(v, b, key, x, state);
		if (r)
			continue;
		rt_copy(ref, rt_hash_value(v, *x, *state), sizeof(*ref));
		if (rt_hash_is_whole(v, *x, *state))
			return true;
	}
	if (r == -RT_ENOENT || rt_hash_enter(v, b, rt_me()))
		return false;
	r = rt_hash_walk(v, b, key, x, state);
	if (!r)
		rt_copy(ref, rt_hash_value(v, *x, *state), sizeof(*ref));
	rt_unlock(&rt_hash_bucket(v, b)->lock);
	return !r;
}

uint64_t rt_inner_find(uint64_t map, uint64_t at, uint64_t key)
{
	rt_map m = (rt_map)map;
	struct bpftime_map h = rt_outer_hash(m);
	struct rt_hash_view v = rt_hash_view(&h, (void *)at);
	struct mapfmt_ref ref;
	uint64_t state, word, *cached;
	uint32_t i = RT_INNER_NONE, x;
	bool again;

	if (!copy_ref(&v, (const void *)key, &ref, &x, &state))
		return 0;
	cached = &rt_outer_cache(&v)[x];
	word = state << RT_INNER_BITS | RT_INNER_NONE;
	if (rt_load(cached) != word) {	/* else it was looked for, in vain */
		ref.name[sizeof(ref.name) - 1] = 0;
		i = resolve(m, &ref, &again);
		if (!again)
			rt_store_release(cached, state << RT_INNER_BITS | i);
	}
	if (i == RT_INNER_NONE) {
		rt_add(&rt_control()->unmapped, 1);
		return 0;
	}
	return (uint64_t)&bpftime_rt1_inners[i].m;
}
