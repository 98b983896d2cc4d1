/* SPDX-License-Identifier: MIT
 *
 * inside.c - maps of maps: what is in them from the start, and how a map that is found in one
 * gets its memory. */
#include "arch/x86_64/sys.h"
#include "dir.h"
#include "files.h"
#include "maps/outer.h"
#include "maps/shape.h"
#include "mem.h"
#include "rt_maps.h"

/* Of a map with a place of its own; its header lies in front of the data. */
static void *base_of(rt_map m)
{
	void **slot = BPFTIME_REL(void *, m->slot_rel);

	return slot ? rt_load_acquire(slot) : NULL;
}

/* The i-th map that is in `outer` from the start, *ref as processes name it; false: it has no
 * memory.  `outer` and its maps are of one object. */
static bool inside(rt_map outer, uint32_t i, struct objfmt_inside *at, rt_map *in,
		   struct mapfmt_ref *ref)
{
	const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, outer->object_rel);
	const struct mapfmt_header *h;
	void *base;

	*at = BPFTIME_REL(const struct objfmt_inside, outer->init_rel)[i];
	if (at->map >= o->n_maps)
		return false;
	*in = BPFTIME_REL(const struct bpftime_map, o->maps_rel) + at->map;
	base = base_of(*in);
	if (!base)
		return false;
	h = rt_header(base);
	*ref = (struct mapfmt_ref){
		h->birth, (*in)->type, (*in)->key_size, (*in)->value_size, (*in)->max_entries,
		(*in)->flags, (*in)->lock, (*in)->bits & MAP_BIT_PINNED ? MAPFMT_IN_PINNED : MAPFMT_IN_FOLDER, "",
	};
	rt_copy(ref->name, h->name, sizeof(h->name));	/* of the file; none: private */
	ref->name[sizeof(h->name) - 1] = 0;
	return true;
}

static uint32_t n_inside(rt_map m)
{
	return map_holds_maps(m->type) ? m->init_bytes / sizeof(struct objfmt_inside) : 0;
}

/* Puts the maps into a new map of maps.  A name means something to others only where both have
 * files, in one folder or the map inside among the pinned ones. */
void rt_inside_put(rt_map m, void *base, bool shared)
{
	for (uint32_t i = 0; i < n_inside(m); i++) {
		struct objfmt_inside at;
		struct mapfmt_ref ref;
		rt_map in;

		if (!inside(m, i, &at, &in, &ref) || (shared && !ref.name[0]))
			continue;
		if (m->bits & MAP_BIT_PINNED && ref.where == MAPFMT_IN_FOLDER)
			continue;
		if (!ref.name[0])
			ref.name[0] = '-';
		rt_outer_put(m, base, &at.key, &ref);
	}
}

/* They have memory here already: they are found by birth, not opened. */
static void register_inside(rt_map m)
{
	for (uint32_t i = 0; i < n_inside(m); i++) {
		struct objfmt_inside at;
		struct mapfmt_ref ref;
		rt_map in;

		if (inside(m, i, &at, &in, &ref))
			rt_inner_add(&ref, in, base_of(in));
	}
}

/* ---- maps that are found later ---- */

static int64_t folder_of(rt_map outer, const struct mapfmt_ref *ref)
{
	bool pinned = ref->where == MAPFMT_IN_PINNED || outer->bits & MAP_BIT_PINNED;
	int64_t dir = rt_dir_open(), folder;
	char name[RT_FOLDER_BYTES];

	if (dir < 0)
		return dir;
	if (pinned)
		folder = rt_dir_existing(dir, MAPFMT_PIN_DIR);
	else if (rt_files_folder_name(BPFTIME_REL(const struct objfmt_object, outer->object_rel), name))
		folder = rt_dir_existing(dir, name);
	else
		folder = -RT_ENOENT;
	rt_sys1(SYS_close, dir);
	return folder;
}

/* The kind, which is the template's, and the size of a map inside. */
static struct rt_wanted wanted(rt_map outer, rt_map m)
{
	const struct bpftime_map *t = BPFTIME_REL(const struct bpftime_map, outer->inner_rel);
	struct rt_wanted w = { .m = m, .kind = BPFTIME_REL(rt_kind, t->kind_rel) };

	w.cpus = (uint32_t)w.kind(RT_KIND_CPUS, m, NULL, 0);
	w.bytes = rt_shape_bytes(w.kind, m, w.cpus);
	return w;
}

/* What the file says it is, in *m; false unless it is that map. */
static bool read_inner(rt_map outer, int64_t fd, uint64_t bytes, uint64_t birth,
		       struct bpftime_map *m)
{
	const struct bpftime_map *t = BPFTIME_REL(const struct bpftime_map, outer->inner_rel);
	struct mapfmt_inner like;
	const struct mapfmt_header *h;
	struct rt_wanted w;
	int64_t p;
	bool yes;

	if (!t || bytes <= MAPFMT_HEADER_BYTES)
		return false;
	p = rt_mmap(0, MAPFMT_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (rt_sys_failed(p))
		return false;
	h = (const struct mapfmt_header *)p;
	rt_map_of_header(m, h);
	like = rt_map_template(t);
	yes = h->birth == birth && rt_map_fits(&like, m);
	if (yes) {
		w = wanted(outer, m);
		yes = rt_shape_matches(h, m, w.bytes, w.cpus) &&
		      bytes == MAPFMT_HEADER_BYTES + w.bytes;
	}
	rt_sys2(SYS_munmap, p, MAPFMT_HEADER_BYTES);
	return yes;
}

int64_t rt_files_open_inner(rt_map outer, const struct mapfmt_ref *ref, struct bpftime_map *m,
			    void **base)
{
	struct rt_wanted w;
	int64_t folder, fd;
	uint64_t bytes;

	if (!rt_dir_is_name(ref->name))
		return -RT_ENOENT;
	folder = folder_of(outer, ref);
	if (folder < 0)
		return folder;
	fd = rt_dir_file(folder, ref->name, &bytes);
	rt_sys1(SYS_close, folder);
	if (fd < 0)
		return fd;
	*base = NULL;
	if (!read_inner(outer, fd, bytes, ref->birth, m)) {
		rt_sys1(SYS_close, fd);
		return -RT_ENOENT;
	}
	w = wanted(outer, m);
	w.fd = fd;
	*base = rt_place_map(&w);
	rt_sys1(SYS_close, fd);
	if (!*base)
		return -RT_ENOMEM;
	if (m->type == MAP_TYPE_ringbuf)
		rt_place_remember(m, *base);
	return 0;
}

void rt_files_close_inner(rt_map outer, rt_map m, void *base)
{
	struct rt_wanted w = wanted(outer, m);

	rt_sys2(SYS_munmap, (char *)base - MAPFMT_HEADER_BYTES, rt_place_span(&w));
}

uint64_t rt_place_outer(struct rt_wanted *w)
{
	uint64_t base = rt_place_slot(w);

	if (base)
		register_inside(w->m);
	return base;
}
