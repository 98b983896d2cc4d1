/* SPDX-License-Identifier: MIT
 *
 * queue_slow.c - push, pop and peek.  One slot more than there are values, so that a value is
 * written where none is; one store of `ends` then makes the change. */
#include "lock.h"
#include "mem.h"
#include "queue.h"

struct ends {
	uint32_t head, tail;
};

/* What no writer stores a damaged file may hold. */
static struct ends ends_of(rt_map m, const struct rt_queue *q)
{
	uint64_t both = rt_load(&q->ends);
	struct ends e = { (uint32_t)(both >> 32), (uint32_t)both };

	if (e.head > m->max_entries || e.tail > m->max_entries)
		e = (struct ends){ 0, 0 };
	return e;
}

static void set_ends(struct rt_queue *q, struct ends e)
{
	rt_store_release(&q->ends, (uint64_t)e.head << 32 | e.tail);
}

static uint32_t after(rt_map m, uint32_t slot)
{
	return slot == m->max_entries ? 0 : slot + 1;
}

static uint32_t before(rt_map m, uint32_t slot)
{
	return slot ? slot - 1 : m->max_entries;
}

static void *slot_at(rt_map m, void *base, uint32_t slot)
{
	return (char *)base + sizeof(struct rt_queue) + slot * rt_stride(m);
}

/* Kernel: queue_stack_map_push_elem().  BPF_EXIST: a full one loses its oldest value. */
uint64_t rt_queue_push(uint64_t map, uint64_t at, uint64_t value, uint64_t flags)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	struct rt_queue *q = base;
	struct ends e;
	bool full;

	if (flags & MAP_NOEXIST || flags > MAP_EXIST)
		return (uint64_t)-RT_EINVAL;
	if (rt_lock(&q->lock, rt_me()))
		return (uint64_t)-RT_EBUSY;
	e = ends_of(m, q);
	full = after(m, e.head) == e.tail;
	if (full && flags != MAP_EXIST) {
		rt_unlock(&q->lock);
		return (uint64_t)-RT_E2BIG;
	}
	rt_copy(slot_at(m, base, e.head), (const void *)value, m->value_size);
	set_ends(q, (struct ends){ after(m, e.head), full ? after(m, e.tail) : e.tail });
	rt_unlock(&q->lock);
	return 0;
}

int rt_queue_get(rt_map m, void *base, void *value, bool keep)
{
	struct rt_queue *q = base;
	struct ends e;
	uint32_t from;

	if (rt_lock(&q->lock, rt_me())) {
		rt_zero(value, m->value_size);
		return -RT_EBUSY;
	}
	e = ends_of(m, q);
	if (e.head == e.tail) {
		rt_unlock(&q->lock);
		rt_zero(value, m->value_size);
		return -RT_ENOENT;
	}
	from = m->type == MAP_TYPE_stack ? before(m, e.head) : e.tail;
	rt_copy(value, slot_at(m, base, from), m->value_size);
	if (!keep)
		set_ends(q, m->type == MAP_TYPE_stack ? (struct ends){ from, e.tail }
						      : (struct ends){ e.head, after(m, e.tail) });
	rt_unlock(&q->lock);
	return 0;
}

uint64_t rt_queue_pop(uint64_t map, uint64_t base, uint64_t value)
{
	return (uint64_t)(int64_t)rt_queue_get((rt_map)map, (void *)base, (void *)value, false);
}

uint64_t rt_queue_peek(uint64_t map, uint64_t base, uint64_t value)
{
	return (uint64_t)(int64_t)rt_queue_get((rt_map)map, (void *)base, (void *)value, true);
}
