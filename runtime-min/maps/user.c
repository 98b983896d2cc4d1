/* SPDX-License-Identifier: MIT
 *
 * user.c - rt_maps.h: checks what is common to all kinds, then calls the kind. */
#include "rt_maps.h"

#include "dispatch.h"
#include "mem.h"

enum { PAGE = 4096, MAX_BYTES_SHIFT = 40 };

static int kind_check(rt_map m)
{
	RT_DISPATCH(m, check, -RT_EINVAL, m)
}

static uint64_t kind_size(rt_map m, uint32_t cpus)
{
	RT_DISPATCH(m, size, 0, m, cpus)
}

static int kind_format(rt_map m, void *base, uint32_t cpus)
{
	switch (m->type) {
	case MAP_TYPE_array: rt_array_format(m, base, cpus); return 0;
	}
	return -RT_EINVAL;
}

int rt_map_check(rt_map m)
{
	return kind_check(m);
}

uint64_t rt_map_size(rt_map m, uint32_t cpus)
{
	uint64_t n;

	if (rt_map_check(m) || !cpus)
		return 0;
	n = kind_size(m, cpus);
	if (!n || n >> MAX_BYTES_SHIFT)
		return 0;
	return rt_round_up(n, PAGE);
}

uint64_t rt_map_mapped_bytes(rt_map m, uint32_t cpus)
{
	uint64_t n = rt_map_size(m, cpus);

	return n && m->type == MAP_TYPE_ringbuf ? n + m->max_entries : n;
}

void rt_map_format(rt_map m, void *base, uint32_t cpus)
{
	kind_format(m, base, cpus);
}

static bool per_cpu(uint32_t type)
{
	return type == MAP_TYPE_percpu_array;
}

uint64_t rt_map_value_bytes(rt_map m, uint32_t cpus)
{
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
	h->page_bytes = PAGE;
	h->cpu_count = cpus;
	h->byte_order = MAPFMT_BYTE_ORDER;
	h->key_btf_id = m->key_btf_id;
	h->value_btf_id = m->value_btf_id;
	h->data_off = MAPFMT_HEADER_BYTES;
	h->data_bytes = rt_map_size(m, cpus);
	copy_name(h->name, name, sizeof(h->name));
	copy_name(h->object, object, sizeof(h->object));
	rt_copy(h->stamp, stamp, sizeof(h->stamp));
}

/* BTF ids are left out: they say how to print a value, not where it is. */
bool rt_map_header_matches(const struct mapfmt_header *h, rt_map m, uint32_t cpus)
{
	return rt_load_acquire(&h->state) == MAPFMT_READY && h->magic == MAPFMT_MAGIC &&
	       h->version == MAPFMT_VERSION && h->size == sizeof(*h) &&
	       h->type == m->type && h->key_size == m->key_size &&
	       h->value_size == m->value_size && h->max_entries == m->max_entries &&
	       h->flags == m->flags && h->bits == m->bits && h->map_extra == m->map_extra &&
	       h->page_bytes == PAGE && h->byte_order == MAPFMT_BYTE_ORDER &&
	       (!per_cpu(m->type) || h->cpu_count == cpus) &&
	       h->data_off == MAPFMT_HEADER_BYTES && h->data_bytes == rt_map_size(m, cpus) &&
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
	m->key_btf_id = h->key_btf_id;
	m->value_btf_id = h->value_btf_id;
}

int rt_map_lookup(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	RT_DISPATCH(m, read, -RT_EINVAL, m, base, key, value, flags)
}

int rt_map_update(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	RT_DISPATCH(m, write, -RT_EINVAL, m, base, key, value, flags)
}

int rt_map_delete(rt_map m, void *base, const void *key)
{
	RT_DISPATCH(m, remove, -RT_EINVAL, m, base, key)
}

int rt_map_next_key(rt_map m, void *base, const void *key, void *next)
{
	RT_DISPATCH(m, next, -RT_EINVAL, m, base, key, next)
}
