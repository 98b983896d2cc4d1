/* SPDX-License-Identifier: MIT
 *
 * user.c - rt_maps.h: checks what is common to all kinds, then calls the kind.
 *
 * From a map to the functions of its kind it is a switch over the rows of maps.def, not a
 * table of function pointers: those would be absolute addresses.  No payload holds this file:
 * it would bring all kinds with it. */
#include "rt_maps.h"

#include "hash_slow.h"
#include "mem.h"
#include "outer.h"
#include "queue.h"
#include "shape.h"

/* Of a payload's own maps the linker has seen to that. */
static bool lock_fits(rt_map m)
{
	return !m->lock || ((m->type == MAP_TYPE_hash || m->type == MAP_TYPE_array) &&
			    (m->lock - 1) % 4 == 0 && m->value_size >= 4 &&
			    m->lock - 1 <= m->value_size - 4);
}

static bool timer_fits(rt_map m)
{
	return !m->timer || ((m->type == MAP_TYPE_hash || m->type == MAP_TYPE_lru_hash ||
			      m->type == MAP_TYPE_array) && (m->timer - 1) % 8 == 0 &&
			     m->value_size >= RT_TIMER_BYTES && m->timer - 1 <= m->value_size - RT_TIMER_BYTES);
}

static uint64_t kind_any(enum rt_kind_op op, rt_map m, void *base, uint32_t cpus)
{
	if (op == RT_KIND_CHECK && (!lock_fits(m) || !timer_fits(m)))
		return (uint64_t)-RT_EINVAL;
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_)                                             \
	case id_:                                                                          \
		RT_KIND_OPS(name_);                                                        \
		return 0;
#include "maps.def"
	}
	return op == RT_KIND_CHECK ? (uint64_t)-RT_EINVAL : 0;
}

int rt_map_check(rt_map m)
{
	if (m->type == MAP_TYPE_arena)	/* the one kind, beside Bloom filters, with a map_extra */
		return (int)kind_any(RT_KIND_CHECK, m, NULL, 0);
	return rt_shape_check(kind_any, m);
}

uint64_t rt_map_size(rt_map m, uint32_t cpus)
{
	if (m->type == MAP_TYPE_arena)
		return rt_map_check(m) || !cpus ? 0 : rt_arena_size(m, cpus);
	return rt_shape_bytes(kind_any, m, cpus);
}

uint64_t rt_map_mapped_bytes(rt_map m, uint32_t cpus)
{
	uint64_t n = rt_map_size(m, cpus);

	return n ? n + rt_shape_again(m) : 0;
}

void rt_map_format(rt_map m, void *base, uint32_t cpus)
{
	kind_any(RT_KIND_FORMAT, m, base, cpus);
}

uint64_t rt_map_value_bytes(rt_map m, uint32_t cpus)
{
	if (map_holds_maps(m->type))
		return sizeof(struct mapfmt_ref);
	if (m->type == MAP_TYPE_cgroup_array)
		return sizeof(uint64_t);
	return rt_shape_per_cpu(m->type) ? rt_round_up(m->value_size, 8) * cpus : m->value_size;
}

void rt_map_header(struct mapfmt_header *h, rt_map m, uint32_t cpus, const char *name,
		   const char *object, const uint8_t stamp[8])
{
	rt_shape_header(h, m, rt_map_size(m, cpus), cpus, name, object, stamp);
}

bool rt_map_header_matches(const struct mapfmt_header *h, rt_map m, uint32_t cpus)
{
	return rt_shape_matches(h, m, rt_map_size(m, cpus), cpus);
}

void rt_map_of_header(struct bpftime_map *m, const struct mapfmt_header *h)
{
	rt_zero(m, sizeof(*m));
	m->version = OBJFMT_MAP_VERSION;
	m->size = sizeof(*m);
	m->type = h->type;
	m->key_size = h->key_size;
	m->value_size = h->value_size;
	m->max_entries = h->max_entries;
	m->flags = h->flags;
	m->bits = h->bits;
	m->map_extra = h->map_extra;
	m->lock = h->lock;
	m->timer = h->timer;
	m->key_btf_id = h->key_btf_id;
	m->value_btf_id = h->value_btf_id;
}

bool rt_map_writable(rt_map m, void *base)
{
	return !(m->flags & MAP_F_RDONLY) && !rt_load(&rt_header(base)->frozen);
}

int rt_map_freeze(rt_map m, void *base)
{
	uint32_t thawed = 0;

	if (m->lock || m->timer)
		return -RT_ENOTSUPP;
	if (!rt_map_writable(m, base))
		return -RT_EPERM;
	return rt_cas(&rt_header(base)->frozen, &thawed, 1) ? 0 : -RT_EBUSY;
}

int rt_map_lookup(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	if (m->flags & MAP_F_WRONLY)
		return -RT_EPERM;
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_read(m, base, key, value, flags);
#include "maps.def"
	}
	return -RT_EINVAL;
}

int rt_map_update(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	if (!rt_map_writable(m, base))
		return -RT_EPERM;
	if (flags & MAP_LOCK && !m->lock)
		return -RT_EINVAL;
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_write(m, base, key, value, flags);
#include "maps.def"
	}
	return -RT_EINVAL;
}

int rt_map_delete(rt_map m, void *base, const void *key)
{
	if (!rt_map_writable(m, base))
		return -RT_EPERM;
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_remove(m, base, key);
#include "maps.def"
	}
	return -RT_EINVAL;
}

int rt_map_take(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	int r;

	if (m->flags & MAP_F_WRONLY || !rt_map_writable(m, base))
		return -RT_EPERM;
	switch (m->type) {
	case MAP_TYPE_stack_trace:
		r = flags ? -RT_EINVAL : rt_stack_trace_read(m, base, key, value, 0);
		return r ? r : rt_stack_trace_remove(m, base, key);
	case MAP_TYPE_queue:
	case MAP_TYPE_stack:
		return flags ? -RT_EINVAL : rt_queue_get(m, base, value, false);
	case MAP_TYPE_hash:
	case MAP_TYPE_percpu_hash:
	case MAP_TYPE_lru_hash:
	case MAP_TYPE_lru_percpu_hash:
		return flags & ~(uint64_t)MAP_LOCK || (flags && !m->lock)
			? -RT_EINVAL : rt_hash_take(m, base, key, value, flags);
	}
	return flags ? -RT_EINVAL : -RT_ENOTSUPP;
}

int rt_map_next_key(rt_map m, void *base, const void *key, void *next)
{
	if (m->flags & MAP_F_WRONLY)
		return -RT_EPERM;
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_next(m, base, key, next);
#include "maps.def"
	}
	return -RT_EINVAL;
}
