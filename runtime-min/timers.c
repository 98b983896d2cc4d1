/* SPDX-License-Identifier: MIT
 *
 * timers.c - bpf_timer_init, _set_callback, _start, _cancel (kernel/bpf/helpers.c; docs/timers.md).
 *
 * Two words of a value say all that other processes need to know: whether it is initialised, with
 * which clock and callback, and which start counts.  Whoever makes the second word 0 has ended that
 * start: the thread of the process that started it, to call the callback; or cancel, an update, a delete. */
#include "timers.h"

#include "arch/x86_64/sys.h"
#include "hash.h"
#include "init.h"
#include "random.h"
#include "rel.h"
#include "self.h"

enum {
	MAX_CLOCKS = 16, CLOCK_REALTIME_ = 0, F_ABS = 1, F_CPU_PIN = 2,
	ID_SHIFT = 32,
	CANCEL_TRIES = 20000,
};

extern const struct rt_timer_fn __start_bpftime_timers[], __stop_bpftime_timers[]
	__attribute__((visibility("hidden")));

static int32_t clock_of(uint64_t what)
{
	return (int32_t)(what >> 1 & (MAX_CLOCKS - 1));
}

typedef uint64_t timer_fn(rt_map m, void *key, void *value);

static timer_fn *callback_of(uint64_t what)
{
	for (const struct rt_timer_fn *f = __start_bpftime_timers; f < __stop_bpftime_timers; f++)
		if (f->id && f->id == what >> ID_SHIFT)
			return (timer_fn *)((uint64_t)&f->fn_rel + (uint64_t)(int64_t)f->fn_rel);
	return NULL;
}

uint64_t rt_timer_init(uint64_t timer, uint64_t flags)
{
	struct rt_timer *t = (struct rt_timer *)timer;
	uint64_t none = 0;

	if (flags != CLOCK_MONOTONIC && flags != CLOCK_REALTIME_ && flags != CLOCK_BOOTTIME)
		return (uint64_t)-RT_EINVAL;
	return rt_cas(&t->what, &none, flags << 1 | 1) ? 0 : (uint64_t)-RT_EBUSY;
}

static int set_callback(struct rt_timer *t, uint64_t id)
{
	uint64_t what = rt_load_acquire(&t->what);

	do
		if (!(what & 1))
			return -RT_EINVAL;
	while (!rt_cas(&t->what, &what, (what & ((1ull << ID_SHIFT) - 1)) | id << ID_SHIFT));
	return 0;
}

uint64_t rt_timer_callback(uint64_t timer, uint64_t id)
{
	return (uint64_t)(int64_t)set_callback((struct rt_timer *)timer, id);
}

/* The map of this payload that `timer` is in a value of. */
static rt_map map_of(const struct rt_timer *timer, void **base)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const int32_t *rel = BPFTIME_REL(const int32_t, pl->objects_rel);

	for (uint32_t i = 0; i < pl->n_objects; i++) {
		const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, rel[i]);
		rt_map m = BPFTIME_REL(const struct bpftime_map, o->maps_rel);

		for (uint32_t k = 0; k < o->n_maps; k++, m++) {
			char *at = m->timer && m->slot_rel ? *BPFTIME_REL(char *, m->slot_rel) : NULL;

			if (!at || (char *)timer < at ||
			    (char *)timer - at >= (int64_t)rt_header(at)->data_bytes)
				continue;
			*base = at;
			return m;
		}
	}
	return NULL;
}

static struct rt_timers *timers(void)
{
	uint64_t at = rt_load_acquire(&bpftime_rt1_self.timers), none = 0;
	struct rt_timers *t;
	int64_t p;

	if (at || !rt_self_wiped())
		return (struct rt_timers *)at;
	p = rt_mmap(0, sizeof(*t), PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (rt_sys_failed(p))
		return NULL;
	t = (struct rt_timers *)p;
	t->seed = rt_random_seed();
	t->tgid = (uint32_t)rt_sys0(SYS_getpid);
	if (rt_cas(&bpftime_rt1_self.timers, &none, (uint64_t)p))
		return t;
	rt_sys2(SYS_munmap, p, sizeof(*t));
	return (struct rt_timers *)none;
}

static uint64_t now_by(int32_t clock)
{
	struct rt_timespec ts = { 0, 0 };

	rt_sys2(SYS_clock_gettime, clock, &ts);
	return (uint64_t)ts.s * 1000000000u + (uint64_t)ts.ns;
}

/* When that is, by the monotonic clock. */
static uint64_t at_of(uint64_t ns, uint64_t flags, int32_t clock)
{
	uint64_t now = rt_ktime_get_ns(), by = flags & F_ABS ? now_by(clock) : 0;

	if (!(flags & F_ABS))
		return now + ns < now ? UINT64_MAX : now + ns;
	if (ns <= by)
		return now;
	return now + (ns - by) < now ? UINT64_MAX : now + (ns - by);
}

static int start(struct rt_timers *t, struct rt_timer *timer, uint64_t at, rt_map m, void *base,
		 uint64_t me)
{
	struct rt_armed *a;
	int r;

	if ((r = rt_timers_thread(t, me)))
		return r;
	a = rt_timers_find(t, timer, rt_load_acquire(&timer->armed));
	if (!a && !(a = rt_timers_add(t)))
		return -RT_ENOMEM;
	a->timer = timer;
	a->m = m;
	a->base = base;
	a->at = at;
	a->armed = (t->seed + ++t->n_arms * 0x9e3779b97f4a7c15ull) << RT_TIMER_SLOT_BITS |
		   (uint32_t)(a - t->slot);
	if (!a->armed)
		a->armed = 1ull << 63;
	rt_timers_put(t, a);
	__atomic_store_n(&timer->armed, a->armed, __ATOMIC_SEQ_CST);
	return 0;
}

uint64_t rt_timer_start(uint64_t at, uint64_t ns, uint64_t flags)
{
	struct rt_timer *timer = (struct rt_timer *)at;
	uint64_t me = rt_me(), what = rt_load_acquire(&timer->what), when;
	struct rt_timers *t;
	void *base;
	rt_map m;
	int r;

	if (flags & ~(uint64_t)(F_ABS | F_CPU_PIN) || !(what & 1) || !callback_of(what))
		return (uint64_t)-RT_EINVAL;
	m = map_of(timer, &base);
	if (!m)
		return (uint64_t)-RT_EINVAL;
	t = timers();
	if (!t)
		return (uint64_t)-RT_ENOMEM;
	when = at_of(ns, flags, clock_of(what));
	if (rt_lock(&t->lock, me))
		return (uint64_t)-RT_EBUSY;
	r = start(t, timer, when, m, base, me);
	if (rt_load(&t->lock) == me)
		rt_unlock(&t->lock);
	if (!r && when < rt_load(&t->until))
		rt_timers_wake(t);
	return (uint64_t)(int64_t)r;
}

uint64_t rt_timer_cancel(uint64_t at)
{
	struct rt_timer *timer = (struct rt_timer *)at;
	struct rt_timers *t = (struct rt_timers *)rt_load_acquire(&bpftime_rt1_self.timers);
	uint64_t me = rt_me(), armed;
	struct rt_armed *a;

	if (!(rt_load_acquire(&timer->what) & 1))
		return (uint64_t)-RT_EINVAL;
	if (t && rt_load_acquire(&t->running) == at && rt_load(&t->tid) == RT_OWNER_TID(me))
		return (uint64_t)-RT_EDEADLK;
	set_callback(timer, 0);
	armed = __atomic_exchange_n(&timer->armed, 0, __ATOMIC_SEQ_CST);
	if (t && armed && !rt_lock_part(&t->lock, me)) {	/* else the thread finds that it has ended */
		a = rt_timers_find(t, timer, armed);
		if (a)
			rt_timers_remove(t, a);
		rt_unlock(&t->lock);
	}
	for (int i = 0; t && i < CANCEL_TRIES && rt_load_acquire(&t->running) == at; i++)
		rt_sys0(SYS_sched_yield);
	return armed != 0;
}

void rt_timer_fire(const struct rt_armed *a)
{
	char *value = (char *)a->timer - (a->m->timer - 1);
	uint64_t armed = a->armed;
	timer_fn *fn = callback_of(rt_load_acquire(&a->timer->what));
	uint32_t index;
	void *key = &index;

	if (!fn || !rt_cas(&a->timer->armed, &armed, 0))
		return;
	if (a->m->type == MAP_TYPE_array) {
		index = (uint32_t)((uint64_t)(value - (char *)a->base) / rt_stride(a->m));
	} else {
		struct rt_hash_view v = rt_hash_view(a->m, a->base);
		uint64_t x = (uint64_t)(value - (char *)rt_hash_entry(&v, 0)) / v.entry_bytes;

		if (x >= v.entries)
			return;
		key = rt_hash_key(rt_hash_entry(&v, (uint32_t)x));
	}
	fn(a->m, key, value);
}
