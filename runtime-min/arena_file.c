/* SPDX-License-Identifier: MIT
 *
 * arena_file.c - an arena's file, and where it is mapped.
 *
 * Only its header, bitmaps and first contents have space from the start, where other maps' files have space
 * for all; and it is mapped so that page 0 has the address that programs know it by, if that is
 * free here. */
#include "files.h"

#include "arch/x86_64/sys.h"
#include "maps/arena.h"
#include "rel.h"
#include "rt_maps.h"

/* All of the file; at: where, if that is free, else anywhere.  NULL: nowhere. */
static char *map_all(const struct rt_wanted *w, uint64_t at)
{
	uint64_t bytes = MAPFMT_HEADER_BYTES + w->bytes;
	uint64_t how = MAP_SHARED | (w->fd < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0);
	int64_t p = -RT_EEXIST;

	if (at) {
		p = rt_mmap(at, bytes, PROT_READ_WRITE, how | MAP_FIXED_NOREPLACE, w->fd, 0);
		if (!rt_sys_failed(p) && (uint64_t)p != at) {	/* before Linux 4.17: a hint */
			rt_sys2(SYS_munmap, p, bytes);
			p = -RT_EEXIST;
		}
	}
	if (rt_sys_failed(p))
		p = rt_mmap(0, bytes, PROT_READ_WRITE, how, w->fd, 0);
	return rt_sys_failed(p) ? NULL : (char *)p;
}

/* Where the file wants to be mapped; 0: anywhere. */
static uint64_t place_of(const struct rt_wanted *w)
{
	uint64_t before = MAPFMT_HEADER_BYTES + mapfmt_arena_pages(w->m->max_entries), start;

	if (rt_sys4(SYS_pread64, w->fd, &start, sizeof(start), MAPFMT_ARENA_START_OFF) != sizeof(start))
		return 0;
	return start % MAPFMT_ARENA_PAGE || start < before ? 0 : start - before;
}

/* Programs know it by the address that it has, as they do in the kernel, where the first mmap() decides. */
static void make_private(const struct rt_wanted *w, struct mapfmt_header *h)
{
	char *base = (char *)h + MAPFMT_HEADER_BYTES;
	uint64_t first = (uint64_t)rt_arena_page(w->m, base, 0);

	rt_map_make(w, h, "", false);
	if (!w->m->map_extra && (uint32_t)first &&
	    first >> 32 == (first + (uint64_t)w->m->max_entries * MAPFMT_ARENA_PAGE - 1) >> 32)
		rt_arena(base)->user_start = first;
}

uint64_t rt_place_arena(struct rt_wanted *w)
{
	void **slot = RT_REL(void *, w->m->slot_rel);
	uint64_t at = 0;
	char *p;

	if (rt_arena_check(w->m))
		return 0;
	w->bytes = rt_round_up(rt_arena_size(w->m, 1), RT_PAGE_BYTES);
	w->solid = rt_arena_solid(w->m);
	w->fd = rt_files_open(w);
	w->private = w->fd < 0;
	if (w->fd >= 0)
		at = place_of(w);
	else if (w->m->map_extra)
		at = w->m->map_extra - MAPFMT_HEADER_BYTES - mapfmt_arena_pages(w->m->max_entries);
	p = map_all(w, at);
	if (!p)
		return 0;
	if (w->private)
		make_private(w, (struct mapfmt_header *)p);
	if (slot)
		rt_store_release(slot, (void *)(p + MAPFMT_HEADER_BYTES));
	return (uint64_t)p + MAPFMT_HEADER_BYTES;
}
