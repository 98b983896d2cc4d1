/* SPDX-License-Identifier: MIT
 *
 * task_storage_user.c - BPF_MAP_TYPE_TASK_STORAGE as processes see it: keys are thread ids of the
 * process's own pid namespace, where the kernel has descriptors. */
#include "task_storage.h"

#include "proc.h"

enum {
	F_CLONE = 1 << 9,
	VALUE_MAX = 65535 - 128,	/* BPF_LOCAL_STORAGE_MAX_VALUE_SIZE */
	COPIES = 64,
};

/* Kernel: bpf_local_storage_map_alloc_check(). */
int rt_task_storage_check(rt_map m)
{
	if (m->flags & ~(uint32_t)(MAP_F_NO_PREALLOC | F_CLONE) || !(m->flags & MAP_F_NO_PREALLOC) ||
	    m->max_entries || m->key_size != 4 || !m->value_size || !m->key_btf_id || !m->value_btf_id)
		return -RT_EINVAL;
	return m->value_size > VALUE_MAX ? -RT_E2BIG : 0;
}

uint64_t rt_task_storage_size(rt_map m, uint32_t cpus)
{
	struct bpftime_map h = rt_tasks_hash(m);

	return rt_hash_size(&h, cpus);
}

void rt_task_storage_format(rt_map m, void *base, uint32_t cpus)
{
	struct bpftime_map h = rt_tasks_hash(m);

	rt_hash_format(&h, base, cpus);
}

/* What the entry of thread `tid` is known by; 0: there is no such thread, or it cannot be told. */
static uint64_t key_of(uint32_t tid, struct rt_task *t)
{
	uint64_t me = rt_me();
	uint32_t start;

	*t = (struct rt_task){ .start = rt_thread_start(tid) };
	if (tid == RT_OWNER_TID(me))
		return rt_task_key(&t->unnamed);
	start = RT_OWNER_NS(me) ? rt_process_start(tid) : 0;
	return start ? (uint64_t)start << (RT_TID_BITS + RT_NS_BITS) |
		       (uint64_t)RT_OWNER_NS(me) << RT_TID_BITS | tid
		     : 0;
}

/* Does the entry belong to the thread that has its id now? */
static bool is_of(const struct rt_task *t, const struct rt_task *now)
{
	return !rt_load(&t->start) || !now->start || rt_load(&t->start) == now->start;
}

/* Copies the value of an entry, never torn.  0, -ENOENT, -EBUSY. */
static int copy(rt_map m, rt_map h, void *base, uint64_t key, const struct rt_task *now, void *value)
{
	struct rt_hash_view v = rt_hash_view(h, base);
	uint32_t b = rt_hash_of(&v, &key), x;
	const struct rt_task *t;
	uint64_t state;
	bool mine;
	int r;

	for (int i = 0; i < COPIES; i++) {
		r = rt_hash_walk(&v, b, &key, &x, &state);
		if (r == -RT_EAGAIN)
			continue;
		if (r)
			return r;
		t = (const struct rt_task *)rt_hash_value(&v, x, state);
		mine = is_of(t, now);
		if (value)
			rt_copy_words(value, t + 1, m->value_size);
		if (rt_hash_is_whole(&v, x, state))
			return mine ? 0 : -RT_ENOENT;
	}
	return rt_busy();
}

int rt_task_storage_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	struct bpftime_map h = rt_tasks_hash(m);
	struct rt_task now;
	uint64_t k;

	if (flags)
		return -RT_EINVAL;
	k = key_of(rt_index(key), &now);
	return k ? copy(m, &h, base, k, &now, value) : -RT_ENOENT;
}

/* Kernel: bpf_pid_task_storage_update_elem(). */
int rt_task_storage_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	struct bpftime_map h = rt_tasks_hash(m);
	struct rt_task now;
	struct rt_hash_parts v = { &now, value, sizeof(now), sizeof(now), m->value_size };
	uint64_t k = key_of(rt_index(key), &now);
	int r;

	if (!k)
		return -RT_ENOENT;
	if (flags > MAP_EXIST)
		return -RT_EINVAL;
	r = copy(m, &h, base, k, &now, NULL);
	if (r == -RT_ENOENT)	/* what another thread of that id left, if anything */
		rt_hash_take(&h, base, &k, NULL, 0);
	r = (int)rt_hash_put_parts(&h, base, &k, &v, flags);
	if (r == -RT_E2BIG && rt_task_sweep(&h, base))
		r = (int)rt_hash_put_parts(&h, base, &k, &v, flags);
	return r == -RT_E2BIG ? -RT_ENOMEM : r;
}

int rt_task_remove(rt_map m, void *base, const void *key)
{
	struct bpftime_map h = rt_tasks_hash(m);
	struct rt_task now;
	uint64_t k = key_of(rt_index(key), &now);
	int r = k ? copy(m, &h, base, k, &now, NULL) : -RT_ENOENT;

	return r ? r : rt_hash_take(&h, base, &k, NULL, 0);
}

/* Of living threads of this namespace; the kernel has iterator programs for that. */
int rt_task_storage_next(rt_map m, void *base, const void *key, void *next)
{
	struct bpftime_map h = rt_tasks_hash(m);
	uint64_t k = 0, me = rt_me();
	struct rt_task now;
	bool first = !key;
	uint32_t tid;
	int r;

	if (!first)
		k = key_of(rt_index(key), &now);
	for (uint32_t steps = h.max_entries; steps; steps--) {
		r = rt_hash_next(&h, base, first || !k ? NULL : &k, &k);
		if (r)
			return r;
		first = false;
		tid = RT_OWNER_TID(k);
		if (key_of(tid, &now) != k || copy(m, &h, base, k, &now, NULL) || rt_owner_dead(k, me))
			continue;
		rt_copy(next, &tid, sizeof(tid));
		return 0;
	}
	return -RT_ENOENT;
}
