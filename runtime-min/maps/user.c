/* SPDX-License-Identifier: MIT
 *
 * user.c - rt_maps.h: checks what is common to all kinds, then calls the kind.
 *
 * From a map to the functions of its kind it is a switch over the rows of maps.def, not a
 * table of function pointers: those would be absolute addresses. */
#include "rt_maps.h"

#include "arch/x86_64/sys.h"
#include "hash_slow.h"
#include "kinds.h"
#include "mem.h"
#include "outer.h"
#include "queue.h"
#include "random.h"
#include "ring.h"

enum { MAX_BYTES_SHIFT = 40 };

static int kind_check(rt_map m)
{
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_check(m);
#include "maps.def"
	}
	return -RT_EINVAL;
}

static uint64_t kind_size(rt_map m, uint32_t cpus)
{
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_size(m, cpus);
#include "maps.def"
	}
	return 0;
}

static bool both(uint32_t flags, uint32_t pair)
{
	return (flags & pair) == pair;
}

static bool lock_fits(rt_map m)
{
	return !m->lock || ((m->type == MAP_TYPE_hash || m->type == MAP_TYPE_array) &&
			    (m->lock - 1) % 4 == 0 && m->value_size >= 4 &&
			    m->lock - 1 <= m->value_size - 4);
}

int rt_map_check(rt_map m)
{
	int r;

	if (both(m->flags, MAP_F_RDONLY | MAP_F_WRONLY) || !lock_fits(m))
		return -RT_EINVAL;
	r = kind_check(m);
	if (r == -RT_E2BIG && m->type == MAP_TYPE_bloom_filter)	/* what it looks at first */
		return r;
	if (both(m->flags, MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG) ||
	    (m->map_extra && m->type != MAP_TYPE_bloom_filter))
		return -RT_EINVAL;
	return r;
}

uint64_t rt_map_size(rt_map m, uint32_t cpus)
{
	uint64_t n;

	if (rt_map_check(m) || !cpus)
		return 0;
	n = kind_size(m, cpus);
	if (!n || n >> MAX_BYTES_SHIFT)
		return 0;
	return rt_round_up(n, RT_PAGE_BYTES);
}

uint64_t rt_map_mapped_bytes(rt_map m, uint32_t cpus)
{
	uint64_t n = rt_map_size(m, cpus);

	if (!n || (m->type != MAP_TYPE_ringbuf && m->type != MAP_TYPE_perf_event_array &&
		   m->type != MAP_TYPE_user_ringbuf))
		return n;
	return n + rt_ring_map(m).max_entries;
}

void rt_map_format(rt_map m, void *base, uint32_t cpus)
{
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_)                                             \
	case id_:                                                                          \
		rt_##name_##_format(m, base, cpus);                                        \
		return;
#include "maps.def"
	}
}

static bool per_cpu(uint32_t type)
{
	return type == MAP_TYPE_percpu_array || type == MAP_TYPE_percpu_hash ||
	       type == MAP_TYPE_lru_percpu_hash;
}

uint64_t rt_map_value_bytes(rt_map m, uint32_t cpus)
{
	if (map_holds_maps(m->type))
		return sizeof(struct mapfmt_ref);
	if (m->type == MAP_TYPE_cgroup_array)
		return sizeof(uint64_t);
	return per_cpu(m->type) ? rt_round_up(m->value_size, 8) * cpus : m->value_size;
}

static void copy_name(char *to, const char *from, uint32_t bytes)
{
	uint32_t i = 0;

	for (; i + 1 < bytes && from[i]; i++)
		to[i] = from[i];
}

void rt_map_header(struct mapfmt_header *h, rt_map m, uint32_t cpus, const char *name,
		   const char *object, const uint8_t stamp[8])
{
	rt_zero(h, sizeof(*h));
	h->magic = MAPFMT_MAGIC;
	h->version = MAPFMT_VERSION;
	h->size = sizeof(*h);
	h->type = m->type;
	h->key_size = m->key_size;
	h->value_size = m->value_size;
	h->max_entries = m->max_entries;
	h->flags = m->flags;
	h->bits = m->bits;
	h->map_extra = m->map_extra;
	h->page_bytes = RT_PAGE_BYTES;
	h->cpu_count = cpus;
	h->byte_order = MAPFMT_BYTE_ORDER;
	h->lock = m->lock;
	h->key_btf_id = m->key_btf_id;
	h->value_btf_id = m->value_btf_id;
	h->data_off = MAPFMT_HEADER_BYTES;
	h->data_bytes = rt_map_size(m, cpus);
	copy_name(h->name, name, sizeof(h->name));
	copy_name(h->object, object, sizeof(h->object));
	rt_copy(h->stamp, stamp, sizeof(h->stamp));
	h->birth = rt_random_seed();
}

/* BTF ids are left out: they say how to print a value, not where it is. */
bool rt_map_header_matches(const struct mapfmt_header *h, rt_map m, uint32_t cpus)
{
	return rt_load_acquire(&h->state) == MAPFMT_READY && h->magic == MAPFMT_MAGIC &&
	       h->version == MAPFMT_VERSION && h->size == sizeof(*h) &&
	       h->type == m->type && h->key_size == m->key_size &&
	       h->value_size == m->value_size && h->max_entries == m->max_entries &&
	       h->flags == m->flags && h->bits == m->bits && h->lock == m->lock && h->map_extra == m->map_extra &&
	       h->page_bytes == RT_PAGE_BYTES && h->byte_order == MAPFMT_BYTE_ORDER &&
	       (!per_cpu(m->type) || h->cpu_count == cpus) &&
	       h->birth && h->data_off == MAPFMT_HEADER_BYTES && h->data_bytes == rt_map_size(m, cpus) &&
	       h->data_bytes;
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

	if (m->lock)
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
