/* SPDX-License-Identifier: MIT
 *
 * task_storage_slow.c - bpf_task_storage_get and bpf_task_storage_delete, and how a thread is told
 * from one that had its id before.
 *
 * Ids come round again only when the kernel has given out all others, which takes it a long time
 * compared with FRESH_NS.  So a thread that was here a moment ago is the one that made the entry;
 * after longer it is asked when it began. */
#include "task_storage.h"

#include "proc.h"
#include "random.h"

enum { F_CREATE = 1, FRESH_NS = 20000000 };

uint64_t rt_task_key(uint32_t *unnamed)
{
	uint64_t me = rt_me(), none = 0, nonce;

	*unnamed = !RT_OWNER_NS(me) || !RT_OWNER_START(me);
	if (!*unnamed)
		return me;
	if (!rt_self_wiped())	/* a child would have the same number */
		return 0;
	nonce = rt_load(&bpftime_rt1_self.nonce);
	if (!nonce) {
		nonce = rt_random_seed() >> RT_TID_BITS | 1;
		if (!rt_cas(&bpftime_rt1_self.nonce, &none, nonce))
			nonce = none;
	}
	return nonce << RT_TID_BITS | RT_OWNER_TID(me);
}

/* Is the thread that made the entry `key` proved to have ended? */
static bool ended(uint64_t key, const struct rt_task *t, uint64_t me)
{
	uint32_t tid = RT_OWNER_TID(key), start;

	if (rt_load(&t->unnamed)) {
		uint64_t nonce = rt_load(&bpftime_rt1_self.nonce);

		return key >> RT_TID_BITS == nonce && rt_thread_gone(tid, 0, 0);
	}
	if (rt_owner_dead(key, me))
		return true;
	if (RT_OWNER_NS(key) != RT_OWNER_NS(me) || !rt_load(&t->start))
		return false;
	start = rt_thread_start(tid);
	return start && start != rt_load(&t->start);
}

uint32_t rt_task_sweep(rt_map h, void *base)
{
	struct rt_hash_view v = rt_hash_view(h, base);
	uint64_t me = rt_me();
	uint32_t n = 0;

	for (uint32_t x = 0; x < v.entries; x++) {
		struct rt_entry *e = rt_hash_entry(&v, x);
		uint64_t state = rt_load_acquire(&e->state), key;

		if (!(state & RT_LIVE))
			continue;
		key = rt_load((uint64_t *)rt_hash_key(e));
		if (ended(key, (struct rt_task *)rt_hash_value(&v, x, state), me) &&
		    !rt_hash_take(h, base, &key, NULL, 0))
			n++;
	}
	return n;
}

/* An entry for the running thread, which has none. */
static int64_t make(rt_map m, rt_map h, void *base, uint64_t key, const struct rt_task *t,
		    const void *value)
{
	struct rt_hash_parts v = { t, value, sizeof(*t), sizeof(*t), m->value_size };
	int64_t r = rt_hash_put_parts(h, base, &key, &v, MAP_NOEXIST);

	if (r == -RT_E2BIG && rt_task_sweep(h, base))
		r = rt_hash_put_parts(h, base, &key, &v, MAP_NOEXIST);
	return r;
}

static struct rt_task *find(rt_map h, void *base, uint64_t key)
{
	return (struct rt_task *)rt_hash_find((uint64_t)h, (uint64_t)base, (uint64_t)&key);
}

/* The running thread's entry; NULL when there is none, or it was that of another one, which is
 * deleted then. */
static struct rt_task *mine(rt_map h, void *base, uint64_t key, uint64_t now)
{
	struct rt_task *t = find(h, base, key);
	uint64_t used;
	uint32_t start;

	if (!t)
		return NULL;
	used = rt_load(&t->used);
	if (now - used >= FRESH_NS) {
		start = rt_load(&t->start) ? rt_thread_start(RT_OWNER_TID(key)) : 0;
		if (start && start != rt_load(&t->start)) {
			rt_hash_take(h, base, &key, NULL, 0);
			return NULL;
		}
	}
	if (used != now)
		rt_store(&t->used, now);
	return t;
}

/* Kernel: bpf_task_storage_get(). */
uint64_t rt_task_get(uint64_t map, uint64_t at, uint64_t value, uint64_t flags)
{
	rt_map m = (rt_map)map;
	struct bpftime_map h = rt_tasks_hash(m);
	struct rt_task *t, new = { .used = rt_ktime_get_coarse_ns() };
	void *base = (void *)at;
	uint64_t key;

	if (flags & ~(uint64_t)F_CREATE)
		return 0;
	key = rt_task_key(&new.unnamed);
	if (!key)
		return 0;
	t = mine(&h, base, key, new.used);
	if (!t && flags & F_CREATE) {
		new.start = rt_thread_start(RT_OWNER_TID(key));
		make(m, &h, base, key, &new, (const void *)value);
		t = find(&h, base, key);
	}
	return t ? (uint64_t)(t + 1) : 0;
}

/* Kernel: bpf_task_storage_delete(); with a thread id bpf_pid_task_storage_delete_elem(). */
uint64_t rt_task_del(uint64_t map, uint64_t at, uint64_t k)
{
	struct bpftime_map h = rt_tasks_hash((rt_map)map);
	void *base = (void *)at;
	uint32_t unnamed;
	uint64_t key;

	if (k)
		return (uint64_t)(int64_t)rt_task_remove((rt_map)map, base, (const void *)k);
	key = rt_task_key(&unnamed);
	if (!key || !mine(&h, base, key, rt_ktime_get_coarse_ns()))
		return (uint64_t)-RT_ENOENT;
	return (uint64_t)(int64_t)rt_hash_take(&h, base, &key, NULL, 0);
}
