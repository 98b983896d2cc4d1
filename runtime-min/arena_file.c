/* SPDX-License-Identifier: MIT
 *
 * arena_file.c - an arena's file, and where it is mapped.
 *
 * Only its header, bitmaps and first contents have space from the start (files.c gives other maps space
 * for all); and it is mapped so that page 0 has the address that programs know it by, if that is
 * free here. */
#include "files.h"

#include "arch/x86_64/sys.h"
#include "dir.h"
#include "maps/arena.h"
#include "maps/shape.h"
#include "rel.h"
#include "rt_maps.h"
#include "text.h"

enum { SIBLINGS = 16, RLIMIT_FSIZE = 1 };

/* All of the file; at: where, if that is free, else anywhere.  NULL: nowhere. */
static char *map_all(const struct rt_wanted *w, uint64_t at, int64_t fd)
{
	uint64_t bytes = MAPFMT_HEADER_BYTES + w->bytes;
	uint64_t how = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0);
	int64_t p = -RT_EEXIST;

	if (at) {
		p = rt_mmap(at, bytes, PROT_READ_WRITE, how | MAP_FIXED_NOREPLACE, fd, 0);
		if (!rt_sys_failed(p) && (uint64_t)p != at) {	/* before Linux 4.17: a hint */
			rt_sys2(SYS_munmap, p, bytes);
			p = -RT_EEXIST;
		}
	}
	if (rt_sys_failed(p))
		p = rt_mmap(0, bytes, PROT_READ_WRITE, how, fd, 0);
	return rt_sys_failed(p) ? NULL : (char *)p;
}

static uint64_t place_of(const struct rt_wanted *w, const struct mapfmt_header *h)
{
	uint64_t start = rt_load(&rt_arena((char *)h + MAPFMT_HEADER_BYTES)->user_start);
	uint64_t before = MAPFMT_HEADER_BYTES + mapfmt_arena_pages(w->m->max_entries);

	return start % MAPFMT_ARENA_PAGE || start < before ? 0 : start - before;
}

/* The file behind fd, if it is this arena's: *at is where it is to be mapped. */
static bool holds(const struct rt_wanted *w, int64_t fd, uint64_t bytes, uint64_t *at)
{
	int64_t p;
	bool yes;

	if (bytes != MAPFMT_HEADER_BYTES + w->bytes)
		return false;
	p = rt_mmap(0, MAPFMT_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (rt_sys_failed(p))
		return false;
	yes = rt_shape_matches((const struct mapfmt_header *)p, w->m, w->bytes, 1);
	*at = place_of(w, (const struct mapfmt_header *)p);
	rt_sys2(SYS_munmap, p, MAPFMT_HEADER_BYTES);
	return yes;
}

static int64_t make_file(const struct rt_wanted *w, int64_t folder, const char *name)
{
	uint64_t solid = rt_arena_solid(w->m), limit[2];
	struct rt_new file;
	int64_t fd, p, r = -RT_ENOSPC;

	if (!rt_sys2(SYS_getrlimit, RLIMIT_FSIZE, limit) && MAPFMT_HEADER_BYTES + w->bytes > limit[0])
		return r;
	fd = rt_dir_new(&file, folder, solid);
	if (fd < 0)
		return fd;
	if (!rt_sys2(SYS_ftruncate, fd, MAPFMT_HEADER_BYTES + w->bytes)) {
		p = rt_mmap(0, solid, PROT_READ_WRITE, MAP_SHARED, fd, 0);
		if (!rt_sys_failed(p)) {
			rt_map_make(w, (struct mapfmt_header *)p, name, true);
			rt_sys2(SYS_munmap, p, solid);
			r = rt_dir_name(&file, name);
		}
	}
	rt_dir_end(&file);
	return r == -RT_EEXIST ? 0 : r;
}

/* As open_file() of files.c. */
static int64_t open_file(const struct rt_wanted *w, int64_t folder, uint64_t *at)
{
	uint64_t bytes;
	int64_t fd;

	for (uint32_t sibling = 0; sibling < SIBLINGS;) {
		char path[RT_FOLDER_BYTES];
		struct rt_text t = rt_text(path, sizeof(path));

		rt_put(&t, w->name);
		if (sibling) {
			rt_put_char(&t, '.');
			rt_put_number(&t, sibling, 10, 1);
		}
		fd = rt_dir_file(folder, path, &bytes);
		if (fd >= 0) {
			if (holds(w, fd, bytes, at))
				return fd;
			rt_sys1(SYS_close, fd);
			sibling++;
			continue;
		}
		if (fd == -RT_ENOENT)
			fd = make_file(w, folder, path);
		if (fd)
			return fd;
	}
	return -RT_EEXIST;
}

/* The folder that its file belongs in, as attach_object() of files.c finds it. */
static int64_t open_folder(const struct rt_wanted *w)
{
	const struct objfmt_object *o = RT_REL(const struct objfmt_object, w->m->object_rel);
	char own[RT_FOLDER_BYTES];
	int64_t dir = rt_dir_open(), folder = -RT_ENOENT;

	if (dir < 0)
		return dir;
	if (w->m->bits & MAP_BIT_PINNED)
		folder = rt_dir_folder(dir, MAPFMT_PIN_DIR);
	else if (rt_files_folder_name(o, own))
		folder = rt_dir_folder(dir, own);
	rt_sys1(SYS_close, dir);
	return folder;
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
	int64_t folder = -RT_ENOENT, fd = -RT_ENOENT;
	uint64_t at = 0;
	char *p;

	if (rt_arena_check(w->m))
		return 0;
	w->bytes = rt_round_up(rt_arena_size(w->m, 1), RT_PAGE_BYTES);
	if (rt_dir_is_name(w->name))
		folder = open_folder(w);
	if (folder >= 0) {
		fd = open_file(w, folder, &at);
		rt_sys1(SYS_close, folder);
	}
	w->private = fd < 0;
	if (fd < 0 && w->m->map_extra)
		at = w->m->map_extra - MAPFMT_HEADER_BYTES - mapfmt_arena_pages(w->m->max_entries);
	p = map_all(w, at, fd);
	if (fd >= 0)
		rt_sys1(SYS_close, fd);
	if (!p)
		return 0;
	if (fd < 0)
		make_private(w, (struct mapfmt_header *)p);
	if (slot)
		rt_store_release(slot, (void *)(p + MAPFMT_HEADER_BYTES));
	return (uint64_t)p + MAPFMT_HEADER_BYTES;
}
