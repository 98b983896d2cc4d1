/* SPDX-License-Identifier: MIT */
#include "place.h"

#include "arch/x86_64/sys.h"
#include "mem.h"
#include "rel.h"
#include "outer.h"
#include "ring.h"
#include "shape.h"

/* Header, data, for a ring buffer its data pages once more, for a map of maps its cache. */
uint64_t rt_place_span(const struct rt_wanted *w)
{
	return MAPFMT_HEADER_BYTES + w->bytes + rt_shape_again(w->m) +
	       (map_holds_maps(w->m->type) ? rt_outer_cache_bytes(w->m) : 0);
}

char *rt_place_map(const struct rt_wanted *w)
{
	uint64_t file = MAPFMT_HEADER_BYTES + w->bytes, again = rt_shape_again(w->m);
	uint64_t span = rt_place_span(w), cache = span - file - again;
	int64_t p = rt_mmap(0, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), twice = 0;

	if (!w->bytes || rt_sys_failed(p))
		return NULL;
	if (rt_sys_failed(rt_mmap((uint64_t)p, file, PROT_READ_WRITE,
				  MAP_SHARED | MAP_FIXED | (w->fd < 0 ? MAP_ANONYMOUS : 0),
				  w->fd < 0 ? -1 : w->fd, 0)))
		return NULL;
	if (cache && rt_sys_failed(rt_mmap((uint64_t)p + file, cache, PROT_READ_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
		return NULL;
	if (again && w->fd >= 0)
		twice = rt_mmap((uint64_t)p + file, again, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED,
				w->fd, file - again);
	else if (again)		/* old size 0: the same pages at another place */
		twice = rt_sys6(SYS_mremap, (uint64_t)p + file - again, 0, again,
				MREMAP_MAYMOVE | MREMAP_FIXED, (uint64_t)p + file, 0);
	return rt_sys_failed(twice) ? NULL : (char *)p + MAPFMT_HEADER_BYTES;
}

void rt_place_remember(rt_map m, void *base)
{
	for (uint32_t i = 0; i < RT_RINGS; i++) {
		uint64_t was = 0, at = (uint64_t)base;

		if (!rt_cas(&bpftime_rt1_rings.ring[i].base, &was, at))
			continue;
		rt_store(&bpftime_rt1_rings.ring[i].data, at + RT_RING_DATA_OFF);
		rt_store_release(&bpftime_rt1_rings.ring[i].bytes, 2ull * m->max_entries);
		return;
	}
}

uint64_t rt_place_slot(struct rt_wanted *w)
{
	char *base = rt_place_map(w);
	void **slot = RT_REL(void *, w->m->slot_rel);

	if (!base)
		return 0;
	if (w->fd < 0)
		rt_map_make(w, (struct mapfmt_header *)(base - MAPFMT_HEADER_BYTES), "", false);
	if (w->m->type == MAP_TYPE_ringbuf)
		rt_place_remember(w->m, base);
	if (slot)
		rt_store_release(slot, (void *)base);
	return (uint64_t)base;
}

/* The room's pages hold the first contents. */
uint64_t rt_place_room(struct rt_wanted *w)
{
	rt_map m = w->m;
	uint64_t room = (uint64_t)RT_REL(char, m->room_rel);
	int64_t p;

	if (w->fd >= 0) {
		p = rt_mmap(room, m->room_bytes, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, w->fd,
			    MAPFMT_HEADER_BYTES);
		w->private = rt_sys_failed(p);
		return room;
	}
	p = rt_mmap(0, m->room_bytes, PROT_READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rt_sys_failed(p))
		return room;
	rt_copy((void *)p, (void *)room, m->room_bytes);
	if (rt_sys_failed(rt_sys6(SYS_mremap, (uint64_t)p, m->room_bytes, m->room_bytes,
				  MREMAP_MAYMOVE | MREMAP_FIXED, room, 0)))
		rt_sys2(SYS_munmap, p, m->room_bytes);
	return room;
}
