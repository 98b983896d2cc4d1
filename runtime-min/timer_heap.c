/* SPDX-License-Identifier: MIT
 *
 * timer_heap.c - which timer is next: a binary heap of slots. */
#include "timers.h"

static bool before(const struct rt_timers *t, uint32_t x, uint32_t y)
{
	return t->slot[t->heap[x]].at < t->slot[t->heap[y]].at;
}

static void swap(struct rt_timers *t, uint32_t x, uint32_t y)
{
	uint32_t s = t->heap[x];

	t->heap[x] = t->heap[y];
	t->heap[y] = s;
	t->slot[t->heap[x]].pos = x;
	t->slot[t->heap[y]].pos = y;
}

static void settle(struct rt_timers *t, uint32_t at)
{
	for (; at && before(t, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(t, at, (at - 1) / 2);
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < t->n && before(t, child + 1, child))
			child++;
		if (child >= t->n || !before(t, child, at))
			return;
		swap(t, at, child);
		at = child;
	}
}

static bool ended(const struct rt_armed *a)
{
	return rt_load_acquire(&a->timer->armed) != a->armed;
}

/* Starts that were ended by others, or with their elements, make room. */
static void sweep(struct rt_timers *t)
{
	for (uint32_t i = t->n; i--;)
		if (i < t->n && ended(&t->slot[t->heap[i]]))
			rt_timers_remove(t, &t->slot[t->heap[i]]);
}

struct rt_armed *rt_timers_add(struct rt_timers *t)
{
	struct rt_armed *a;

	if (!t->free && t->n_slots == RT_TIMERS)
		sweep(t);
	if (t->free) {
		a = &t->slot[t->free - 1];
		t->free = a->pos;
	} else if (t->n_slots < RT_TIMERS) {
		a = &t->slot[t->n_slots++];
	} else {
		return NULL;
	}
	a->pos = UINT32_MAX;
	return a;
}

void rt_timers_put(struct rt_timers *t, struct rt_armed *a)
{
	if (a->pos == UINT32_MAX) {
		a->pos = t->n;
		t->heap[t->n++] = (uint32_t)(a - t->slot);
	}
	settle(t, a->pos);
}

void rt_timers_remove(struct rt_timers *t, struct rt_armed *a)
{
	uint32_t at = a->pos;

	if (at != UINT32_MAX) {
		swap(t, at, --t->n);
		if (at < t->n)
			settle(t, at);
	}
	a->armed = 0;
	a->pos = t->free;
	t->free = (uint32_t)(a - t->slot) + 1;
}

struct rt_armed *rt_timers_find(struct rt_timers *t, const struct rt_timer *timer, uint64_t armed)
{
	uint32_t s = armed & ((1u << RT_TIMER_SLOT_BITS) - 1);
	struct rt_armed *a = &t->slot[s % RT_TIMERS];

	return armed && s < t->n_slots && a->armed == armed && a->timer == timer ? a : NULL;
}
