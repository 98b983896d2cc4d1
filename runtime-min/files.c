/* SPDX-License-Identifier: MIT */
#include "files.h"

#include "arch/x86_64/sys.h"
#include "cpu.h"
#include "dir.h"
#include "init.h"
#include "maps.h"
#include "maps/outer.h"
#include "maps/ring.h"
#include "mem.h"
#include "rt_maps.h"
#include "text.h"

enum { SIBLINGS = 16, NAME_BYTES = 240 };

static int64_t map_at(uint64_t at, uint64_t bytes, uint64_t prot, uint64_t how, int64_t fd,
		      uint64_t off)
{
	return rt_sys6(SYS_mmap, at, bytes, prot, how, (uint64_t)fd, off);
}

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
static void put_inside(rt_map m, void *base, bool shared)
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

static const void *first_contents(rt_map m, uint64_t *bytes)
{
	if (map_holds_maps(m->type))
		return NULL;
	*bytes = m->room_rel ? m->room_bytes : m->init_bytes;
	return m->room_rel ? BPFTIME_REL(const void, m->room_rel)
			   : BPFTIME_REL(const void, m->init_rel);
}

/* A new file's pages, complete but for the name. */
static bool fill(int64_t fd, rt_map m, const char *name, const char *object, const uint8_t *stamp)
{
	uint64_t data = rt_map_size(m, bpftime_rt1_cpus), n, total = MAPFMT_HEADER_BYTES + data;
	int64_t p = map_at(0, total, PROT_READ_WRITE, MAP_SHARED, fd, 0);
	struct mapfmt_header *h = (struct mapfmt_header *)p;
	const void *first = first_contents(m, &n);

	if (rt_sys_failed(p))
		return false;
	rt_map_header(h, m, bpftime_rt1_cpus, name, object, stamp);
	rt_map_format(m, (char *)h + MAPFMT_HEADER_BYTES, bpftime_rt1_cpus);
	if (first)
		rt_copy((char *)h + MAPFMT_HEADER_BYTES, first, n < data ? n : data);
	put_inside(m, (char *)h + MAPFMT_HEADER_BYTES, true);
	h->frozen = m->bits & MAP_BIT_RODATA ? 1 : 0;
	rt_store_release(&h->state, MAPFMT_READY);
	rt_sys2(SYS_munmap, p, total);
	return true;
}

/* Is this the map's file?  It was named when it was complete, so it never changes shape. */
static bool holds(int64_t fd, uint64_t bytes, rt_map m)
{
	int64_t p;
	bool yes;

	if (bytes != MAPFMT_HEADER_BYTES + rt_map_size(m, bpftime_rt1_cpus))
		return false;
	p = map_at(0, MAPFMT_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (rt_sys_failed(p))
		return false;
	yes = rt_map_header_matches((const struct mapfmt_header *)p, m, bpftime_rt1_cpus) &&
	      rt_map_same_template((const void *)p, m);
	rt_sys2(SYS_munmap, p, MAPFMT_HEADER_BYTES);
	return yes;
}

/* The descriptor of the map's file, or -errno. */
static int64_t open_file(rt_map m, int64_t folder, const char *name, const char *object,
			 const uint8_t *stamp)
{
	uint64_t data = rt_map_size(m, bpftime_rt1_cpus), bytes;

	if (folder < 0 || !data || !rt_dir_is_name(name))
		return -RT_ENOENT;
	for (uint32_t sibling = 0; sibling < SIBLINGS;) {
		char path[NAME_BYTES];
		struct rt_text t = rt_text(path, sizeof(path));
		struct rt_new file;
		int64_t fd, r;

		rt_put(&t, name);
		if (sibling) {
			rt_put_char(&t, '.');
			rt_put_number(&t, sibling, 10, 1);
		}
		fd = rt_dir_file(folder, path, &bytes);
		if (fd >= 0) {
			if (holds(fd, bytes, m))
				return fd;
			rt_sys1(SYS_close, fd);
			sibling++;
			continue;
		}
		if (fd != -RT_ENOENT)
			return fd;
		fd = rt_dir_new(&file, folder, MAPFMT_HEADER_BYTES + data);
		if (fd < 0)
			return fd;
		r = fill(fd, m, path, object, stamp) ? rt_dir_name(&file, path) : -RT_ENOMEM;
		rt_dir_end(&file);
		if (r && r != -RT_EEXIST)
			return r;
		/* Whoever named it: open it by its name, which /proc then shows. */
	}
	return -RT_EEXIST;
}

/* Address space of a map: header, data, for a ring buffer its data pages once more, for a map of
 * maps its cache. */
static uint64_t span_bytes(rt_map m)
{
	return MAPFMT_HEADER_BYTES + rt_map_mapped_bytes(m, bpftime_rt1_cpus) +
	       (map_holds_maps(m->type) ? rt_outer_cache_bytes(m) : 0);
}

/* All of that.  fd < 0: memory that only this process and its children have. */
static char *map_all(rt_map m, int64_t fd)
{
	uint64_t data = rt_map_size(m, bpftime_rt1_cpus), file = MAPFMT_HEADER_BYTES + data;
	uint64_t again = rt_map_mapped_bytes(m, bpftime_rt1_cpus) - data;
	uint64_t span = span_bytes(m), cache = span - file - again;
	int64_t p = map_at(0, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), twice = 0;

	if (!data || rt_sys_failed(p))
		return NULL;
	if (rt_sys_failed(map_at((uint64_t)p, file, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0),
			  fd < 0 ? -1 : fd, 0)))
		return NULL;
	if (cache && rt_sys_failed(map_at((uint64_t)p + file, cache, PROT_READ_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
		return NULL;
	if (again && fd >= 0)
		twice = map_at((uint64_t)p + file, again, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, fd,
			       file - again);
	else if (again)		/* old size 0: the same pages at another place */
		twice = rt_sys6(SYS_mremap, (uint64_t)p + file - again, 0, again,
				MREMAP_MAYMOVE | MREMAP_FIXED, (uint64_t)p + file, 0);
	return rt_sys_failed(twice) ? NULL : (char *)p + MAPFMT_HEADER_BYTES;
}

static void remember_ring(rt_map m, char *base)
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

static struct rt_mapped attach_slot(rt_map m, int64_t fd)
{
	struct rt_mapped out = { map_all(m, fd), fd < 0 };
	void **slot = BPFTIME_REL(void *, m->slot_rel);
	uint64_t n;

	if (!out.base)
		return out;
	if (fd < 0) {
		const void *first = first_contents(m, &n);

		rt_map_header((struct mapfmt_header *)(out.base - MAPFMT_HEADER_BYTES), m,
			      bpftime_rt1_cpus, "", "", bpftime_rt1_payload.id);
		rt_map_format(m, out.base, bpftime_rt1_cpus);
		if (first)
			rt_copy(out.base, first, n);
		put_inside(m, out.base, false);
	}
	if (m->type == MAP_TYPE_ringbuf)
		remember_ring(m, out.base);
	if (slot)
		rt_store_release(slot, (void *)out.base);
	return out;
}

/* The room's pages hold the first contents.  Without a file they move to memory that
 * children share, as they share a kernel's map. */
static struct rt_mapped attach_room(rt_map m, int64_t fd)
{
	char *room = BPFTIME_REL(char, m->room_rel);
	struct rt_mapped out = { room, fd < 0 };
	int64_t p;

	if (fd >= 0) {
		p = map_at((uint64_t)room, m->room_bytes, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, fd,
			   MAPFMT_HEADER_BYTES);
		out.private = rt_sys_failed(p);
		return out;
	}
	p = map_at(0, m->room_bytes, PROT_READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rt_sys_failed(p))
		return out;
	rt_copy((void *)p, room, m->room_bytes);
	if (rt_sys_failed(rt_sys6(SYS_mremap, (uint64_t)p, m->room_bytes, m->room_bytes,
			   MREMAP_MAYMOVE | MREMAP_FIXED, (uint64_t)room, 0)))
		rt_sys2(SYS_munmap, p, m->room_bytes);
	return out;
}

struct rt_mapped rt_map_attach(rt_map m, int64_t folder, const char *name, const char *object,
			       const uint8_t *stamp)
{
	int64_t fd = open_file(m, folder, name, object, stamp);
	struct rt_mapped out = m->room_rel ? attach_room(m, fd) : attach_slot(m, fd);

	if (fd >= 0)
		rt_sys1(SYS_close, fd);
	return out;
}

static void put_hex(struct rt_text *t, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		rt_put_number(t, p[i], 16, 2);
}

/* The BTF that tools print values by.  The first one stays. */
static void write_btf(int64_t folder, const void *btf, uint64_t bytes)
{
	struct rt_new file;
	uint64_t there;
	int64_t fd = rt_dir_file(folder, MAPFMT_BTF_FILE, &there);

	if (fd >= 0) {
		rt_sys1(SYS_close, fd);
		return;
	}
	fd = rt_dir_new(&file, folder, bytes);
	if (fd < 0)
		return;
	if (rt_sys4(SYS_pwrite64, fd, btf, bytes, 0) == (int64_t)bytes)
		rt_dir_name(&file, MAPFMT_BTF_FILE);
	rt_dir_end(&file);
}

/* <object>-<stamp8> */
static bool folder_name(const struct objfmt_object *o, char path[NAME_BYTES])
{
	const struct objfmt_stamp *stamp = BPFTIME_REL(const struct objfmt_stamp, o->stamp_rel);
	struct rt_text t = rt_text(path, NAME_BYTES);

	rt_put(&t, BPFTIME_REL(const char, o->name_rel));
	rt_put_char(&t, '-');
	put_hex(&t, stamp->hash, 8);
	return !t.cut && rt_dir_is_name(path);
}

/* With its BTF. */
static int64_t open_folder(int64_t dir, const struct objfmt_object *o)
{
	const void *btf = BPFTIME_REL(const void, o->btf_rel);
	char path[NAME_BYTES];
	int64_t folder;

	if (dir < 0 || !folder_name(o, path))
		return -RT_ENOENT;
	folder = rt_dir_folder(dir, path);
	if (folder >= 0 && btf && o->btf_bytes)
		write_btf(folder, btf, o->btf_bytes);
	return folder;
}

/* The folders of one object's maps, each opened when it is needed; < 0: not to be had. */
struct folders {
	int64_t dir, own, pinned;
};

/* Returns 1 when the map has no file, else 0; -1: no memory at all. */
static int attach_map(const struct objfmt_object *o, rt_map m, struct folders *f)
{
	const struct objfmt_stamp *stamp = BPFTIME_REL(const struct objfmt_stamp, o->stamp_rel);
	bool pin = m->bits & MAP_BIT_PINNED, own = m->bits & MAP_BIT_PAYLOAD;
	const char *name = BPFTIME_REL(const char, o->name_rel);
	struct rt_mapped at;

	if (m->bits & MAP_BIT_TEMPLATE)
		return 0;
	if (pin && f->pinned < 0 && f->dir >= 0)
		f->pinned = rt_dir_folder(f->dir, MAPFMT_PIN_DIR);
	at = rt_map_attach(m, own ? -RT_ENOENT : pin ? f->pinned : f->own,
			   BPFTIME_REL(const char, m->name_rel), pin ? MAPFMT_PIN_DIR : name,
			   stamp->hash);
	if (!at.base)
		return -1;
	register_inside(m);
	return at.private && !own;
}

/* Maps of maps last: they name the others. */
static int64_t attach_object(const struct objfmt_object *o, int64_t dir)
{
	const struct bpftime_map *m = BPFTIME_REL(const struct bpftime_map, o->maps_rel);
	struct folders f = { dir, o->n_maps ? open_folder(dir, o) : -RT_ENOENT, -RT_ENOENT };
	int64_t n_private = 0;
	int r = 0;

	for (uint32_t k = 0; k < 2 * o->n_maps && r >= 0; k++) {
		rt_map at = &m[k % o->n_maps];

		if (map_holds_maps(at->type) == (k >= o->n_maps)) {
			r = attach_map(o, at, &f);
			n_private += r;
		}
	}
	if (f.own >= 0)
		rt_sys1(SYS_close, f.own);
	if (f.pinned >= 0)
		rt_sys1(SYS_close, f.pinned);
	return r < 0 ? -1 : n_private;
}

int64_t rt_files_attach(int64_t dir)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const int32_t *rel = BPFTIME_REL(const int32_t, pl->objects_rel);
	int64_t n_private = 0, n;

	for (uint32_t i = 0; i < RT_RINGS; i++)	/* an earlier try, before fork() */
		rt_store(&bpftime_rt1_rings.ring[i].base, 0);
	for (uint32_t i = 0; i < pl->n_objects; i++) {
		n = attach_object(BPFTIME_REL(const struct objfmt_object, rel[i]), dir);
		if (n < 0)
			return -1;
		n_private += n;
	}
	return n_private;
}

/* ---- maps that are found later, in maps of maps ---- */

static int64_t folder_of(rt_map outer, const struct mapfmt_ref *ref)
{
	bool pinned = ref->where == MAPFMT_IN_PINNED || outer->bits & MAP_BIT_PINNED;
	int64_t dir = rt_dir_open(), folder;
	char name[NAME_BYTES];

	if (dir < 0)
		return dir;
	if (pinned)
		folder = rt_dir_existing(dir, MAPFMT_PIN_DIR);
	else if (folder_name(BPFTIME_REL(const struct objfmt_object, outer->object_rel), name))
		folder = rt_dir_existing(dir, name);
	else
		folder = -RT_ENOENT;
	rt_sys1(SYS_close, dir);
	return folder;
}

/* What the file says it is, in *m; false unless it is that map. */
static bool read_inner(rt_map outer, int64_t fd, uint64_t bytes, uint64_t birth,
		       struct bpftime_map *m)
{
	const struct bpftime_map *t = BPFTIME_REL(const struct bpftime_map, outer->inner_rel);
	struct mapfmt_inner like;
	const struct mapfmt_header *h;
	int64_t p;
	bool yes;

	if (!t || bytes <= MAPFMT_HEADER_BYTES)
		return false;
	p = map_at(0, MAPFMT_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (rt_sys_failed(p))
		return false;
	h = (const struct mapfmt_header *)p;
	rt_map_of_header(m, h);
	like = rt_map_template(t);
	yes = h->birth == birth && rt_map_fits(&like, m) &&
	      rt_map_header_matches(h, m, bpftime_rt1_cpus) &&
	      bytes == MAPFMT_HEADER_BYTES + rt_map_size(m, bpftime_rt1_cpus);
	rt_sys2(SYS_munmap, p, MAPFMT_HEADER_BYTES);
	return yes;
}

int64_t rt_files_open_inner(rt_map outer, const struct mapfmt_ref *ref, struct bpftime_map *m,
			    void **base)
{
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
	*base = map_all(m, fd);
	rt_sys1(SYS_close, fd);
	if (!*base)
		return -RT_ENOMEM;
	if (m->type == MAP_TYPE_ringbuf)
		remember_ring(m, *base);
	return 0;
}

void rt_files_close_inner(rt_map m, void *base)
{
	rt_sys2(SYS_munmap, (char *)base - MAPFMT_HEADER_BYTES, span_bytes(m));
}
