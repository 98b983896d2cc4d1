/* SPDX-License-Identifier: MIT */
#include "shape.h"

#include "arch/x86_64/sys.h"
#include "mem.h"
#include "random.h"
#include "ring.h"
#include "text.h"

enum { MAX_BYTES_SHIFT = 40 };

static bool both(uint32_t flags, uint32_t pair)
{
	return (flags & pair) == pair;
}

bool rt_shape_per_cpu(uint32_t type)
{
	switch (type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return MAP_PLACE_##place_ == MAP_PLACE_PERCPU;
#include "maps.def"
	}
	return false;
}

int rt_shape_check(rt_kind *kind, rt_map m)
{
	int r;

	if (both(m->flags, MAP_F_RDONLY | MAP_F_WRONLY))
		return -RT_EINVAL;
	r = (int)kind(RT_KIND_CHECK, m, NULL, 0);
	if (r == -RT_E2BIG && m->type == MAP_TYPE_bloom_filter)	/* what it looks at first */
		return r;
	if (both(m->flags, MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG) ||
	    (m->map_extra && m->type != MAP_TYPE_bloom_filter))
		return -RT_EINVAL;
	return r;
}

uint64_t rt_shape_bytes(rt_kind *kind, rt_map m, uint32_t cpus)
{
	uint64_t n;

	if (rt_shape_check(kind, m) || !cpus)
		return 0;
	n = kind(RT_KIND_SIZE, m, NULL, cpus);
	if (!n || n >> MAX_BYTES_SHIFT)
		return 0;
	return rt_round_up(n, RT_PAGE_BYTES);
}

uint64_t rt_shape_again(rt_map m)
{
	if (m->type != MAP_TYPE_ringbuf && m->type != MAP_TYPE_perf_event_array &&
	    m->type != MAP_TYPE_user_ringbuf)
		return 0;
	return rt_ring_map(m).max_entries;
}

void rt_shape_header(struct mapfmt_header *h, rt_map m, uint64_t bytes, uint32_t cpus,
		     const char *name, const char *object, const uint8_t stamp[8])
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
	h->timer = m->timer;
	h->key_btf_id = m->key_btf_id;
	h->value_btf_id = m->value_btf_id;
	h->data_off = MAPFMT_HEADER_BYTES;
	h->data_bytes = bytes;
	rt_put_all(h->name, sizeof(h->name), name);
	rt_put_all(h->object, sizeof(h->object), object);
	rt_copy(h->stamp, stamp, sizeof(h->stamp));
	h->birth = rt_random_seed();
}

/* BTF ids are left out: they say how to print a value, not where it is. */
bool rt_shape_matches(const struct mapfmt_header *h, rt_map m, uint64_t bytes, uint32_t cpus)
{
	return rt_load_acquire(&h->state) == MAPFMT_READY && h->magic == MAPFMT_MAGIC &&
	       h->version == MAPFMT_VERSION && h->size == sizeof(*h) &&
	       h->type == m->type && h->key_size == m->key_size &&
	       h->value_size == m->value_size && h->max_entries == m->max_entries &&
	       h->flags == m->flags && h->bits == m->bits && h->lock == m->lock && h->timer == m->timer && h->map_extra == m->map_extra &&
	       h->page_bytes == RT_PAGE_BYTES && h->byte_order == MAPFMT_BYTE_ORDER &&
	       (!rt_shape_per_cpu(m->type) || h->cpu_count == cpus) &&
	       h->birth && h->data_off == MAPFMT_HEADER_BYTES && h->data_bytes == bytes && bytes;
}
