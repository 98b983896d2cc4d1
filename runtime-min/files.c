/* SPDX-License-Identifier: MIT */
#include "files.h"

#include "arch/x86_64/sys.h"
#include "dir.h"
#include "init.h"
#include "maps.h"
#include "maps/ring.h"
#include "maps/shape.h"
#include "mem.h"
#include "rel.h"
#include "rt_maps.h"
#include "text.h"

enum { SIBLINGS = 16 };

/* Only for who has maps of maps. */
RT_WEAK(rt_inside_put);
RT_WEAK(rt_map_same_template);

void rt_map_make(const struct rt_wanted *w, struct mapfmt_header *h, const char *name, bool shared)
{
	void (*put)(rt_map, void *, bool) = RT_LINKED(rt_inside_put);
	rt_map m = w->m;
	char *data = (char *)h + MAPFMT_HEADER_BYTES;
	const void *first = m->room_rel ? RT_REL(const void, m->room_rel)
					: RT_REL(const void, m->init_rel);
	uint64_t n = m->room_rel ? m->room_bytes : m->init_bytes;

	rt_shape_header(h, m, w->bytes, w->cpus, name, w->object, w->stamp);
	w->kind(RT_KIND_FORMAT, m, data, w->cpus);
	if (first && !map_holds_maps(m->type))
		rt_copy(data, first, n < w->bytes ? n : w->bytes);
	if (put)
		put(m, data, shared);
	h->frozen = m->bits & MAP_BIT_RODATA ? 1 : 0;
	rt_store_release(&h->state, MAPFMT_READY);
}

/* A new file's pages, complete but for the name. */
static bool fill(int64_t fd, const struct rt_wanted *w, uint64_t solid, const char *name)
{
	int64_t p = rt_mmap(0, solid, PROT_READ_WRITE, MAP_SHARED, fd, 0);

	if (rt_sys_failed(p))
		return false;
	rt_map_make(w, (struct mapfmt_header *)p, name, true);
	rt_sys2(SYS_munmap, p, solid);
	return true;
}

/* Is this the map's file?  It was named when it was complete, so it never changes shape. */
static bool holds(int64_t fd, uint64_t bytes, const struct rt_wanted *w)
{
	bool (*same)(const struct mapfmt_inner *, rt_map) = RT_LINKED(rt_map_same_template);
	struct mapfmt_header h;
	struct mapfmt_inner in;

	return bytes == MAPFMT_HEADER_BYTES + w->bytes &&
	       rt_sys4(SYS_pread64, fd, &h, sizeof(h), 0) == sizeof(h) &&
	       rt_shape_matches(&h, w->m, w->bytes, w->cpus) &&
	       (!same || (rt_sys4(SYS_pread64, fd, &in, sizeof(in), MAPFMT_KIND_OFF) == sizeof(in) && same(&in, w->m)));
}

/* A file of the map's own, named unless another process was first.  0 or -errno. */
static int64_t make_file(const struct rt_wanted *w, const char *name)
{
	uint64_t bytes = MAPFMT_HEADER_BYTES + w->bytes, solid = w->solid ? w->solid : bytes;
	struct rt_new file;
	int64_t fd = rt_dir_new(&file, w->folder, bytes, solid), r;

	if (fd < 0)
		return fd;
	r = fill(fd, w, solid, name) ? rt_dir_name(&file, name) : -RT_ENOMEM;
	rt_dir_end(&file);
	return r == -RT_EEXIST ? 0 : r;
}

int64_t rt_files_open(const struct rt_wanted *w)
{
	if (w->folder < 0 || !w->bytes || !rt_dir_is_name(w->name))
		return -RT_ENOENT;
	for (uint32_t sibling = 0; sibling < SIBLINGS;) {
		char path[RT_FOLDER_BYTES];
		struct rt_text t = rt_text(path, sizeof(path));
		uint64_t bytes;
		int64_t fd;

		rt_put(&t, w->name);
		if (sibling) {
			rt_put_char(&t, '.');
			rt_put_number(&t, sibling, 10, 1);
		}
		fd = rt_dir_file(w->folder, path, &bytes);
		if (fd >= 0) {
			if (holds(fd, bytes, w))
				return fd;
			rt_sys1(SYS_close, fd);
			sibling++;
			continue;
		}
		/* Whoever names it: it is opened by its name, which /proc then shows. */
		if (fd == -RT_ENOENT)
			fd = make_file(w, path);
		if (fd)
			return fd;
	}
	return -RT_EEXIST;
}

char *rt_map_attach(struct rt_wanted *w, int64_t folder)
{
	char *base;

	w->folder = folder;
	w->cpus = (uint32_t)w->kind(RT_KIND_CPUS, w->m, NULL, 0);
	w->bytes = rt_shape_bytes(w->kind, w->m, w->cpus);
	w->fd = rt_files_open(w);
	w->private = w->fd < 0;
	base = (char *)w->kind(RT_KIND_PLACE, w->m, w, 0);
	if (w->fd >= 0)
		rt_sys1(SYS_close, w->fd);
	return base;
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
	fd = rt_dir_new(&file, folder, bytes, bytes);
	if (fd < 0)
		return;
	if (rt_sys4(SYS_pwrite64, fd, btf, bytes, 0) == (int64_t)bytes)
		rt_dir_name(&file, MAPFMT_BTF_FILE);
	rt_dir_end(&file);
}

/* <object>-<stamp8> */
bool rt_files_folder_name(const struct objfmt_object *o, char path[RT_FOLDER_BYTES])
{
	const struct objfmt_stamp *stamp = RT_REL(const struct objfmt_stamp, o->stamp_rel);
	struct rt_text t = rt_text(path, RT_FOLDER_BYTES);

	rt_put(&t, RT_REL(const char, o->name_rel));
	rt_put_char(&t, '-');
	rt_put_hex(&t, stamp->hash);
	return !t.cut && rt_dir_is_name(path);
}

/* With its BTF. */
static int64_t open_folder(int64_t dir, const struct objfmt_object *o)
{
	const void *btf = RT_REL(const void, o->btf_rel);
	char path[RT_FOLDER_BYTES];
	int64_t folder;

	if (dir < 0 || !rt_files_folder_name(o, path))
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
	bool pin = m->bits & MAP_BIT_PINNED, own = m->bits & MAP_BIT_PAYLOAD;
	struct rt_wanted w = {
		.m = m, .kind = RT_REL(rt_kind, m->kind_rel), .name = RT_REL(const char, m->name_rel),
		.object = pin ? MAPFMT_PIN_DIR : RT_REL(const char, o->name_rel),
		.stamp = RT_REL(const struct objfmt_stamp, o->stamp_rel)->hash,
	};

	if (m->bits & MAP_BIT_TEMPLATE)
		return 0;
	if (pin && f->pinned < 0 && f->dir >= 0)
		f->pinned = rt_dir_folder(f->dir, MAPFMT_PIN_DIR);
	if (!rt_map_attach(&w, own ? -RT_ENOENT : pin ? f->pinned : f->own))
		return -1;
	return w.private && !own;
}

/* Maps of maps last: they name the others. */
static int64_t attach_object(const struct objfmt_object *o, int64_t dir)
{
	const struct bpftime_map *m = RT_REL(const struct bpftime_map, o->maps_rel);
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
	const int32_t *rel = RT_REL(const int32_t, pl->objects_rel);
	int64_t n_private = 0, n;

	for (uint32_t i = 0; i < RT_RINGS; i++)	/* an earlier try, before fork() */
		rt_store(&bpftime_rt1_rings.ring[i].base, 0);
	for (uint32_t i = 0; i < pl->n_objects; i++) {
		n = attach_object(RT_REL(const struct objfmt_object, rel[i]), dir);
		if (n < 0)
			return -1;
		n_private += n;
	}
	return n_private;
}
