/* SPDX-License-Identifier: MIT */
#include "files.h"

#include "arch/x86_64/sys.h"
#include "cpu.h"
#include "dir.h"
#include "init.h"
#include "maps.h"
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

static const void *first_contents(rt_map m, uint64_t *bytes)
{
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
	yes = rt_map_header_matches((const struct mapfmt_header *)p, m, bpftime_rt1_cpus);
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

/* Header, data, and for a ring buffer its data pages once more.  fd < 0: memory that only
 * this process and its children have. */
static char *map_all(rt_map m, int64_t fd)
{
	uint64_t data = rt_map_size(m, bpftime_rt1_cpus), file = MAPFMT_HEADER_BYTES + data;
	uint64_t again = rt_map_mapped_bytes(m, bpftime_rt1_cpus) - data;
	int64_t p = map_at(0, file + again, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), twice = 0;

	if (!data || rt_sys_failed(p))
		return NULL;
	if (rt_sys_failed(map_at((uint64_t)p, file, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0),
			  fd < 0 ? -1 : fd, 0)))
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

/* <object>-<stamp8>, with the BTF that tools print values by. */
static int64_t open_folder(int64_t dir, const struct objfmt_object *o, const char *name,
			   const uint8_t *stamp)
{
	const void *btf = BPFTIME_REL(const void, o->btf_rel);
	char path[NAME_BYTES];
	struct rt_text t = rt_text(path, sizeof(path));
	struct rt_new file;
	int64_t folder, fd;

	rt_put(&t, name);
	rt_put_char(&t, '-');
	put_hex(&t, stamp, 8);
	if (dir < 0 || t.cut || !rt_dir_is_name(path))
		return -RT_ENOENT;
	folder = rt_dir_folder(dir, path);
	if (folder < 0 || !btf || !o->btf_bytes)
		return folder;
	fd = rt_dir_new(&file, folder, o->btf_bytes);
	if (fd >= 0) {
		if (rt_sys4(SYS_pwrite64, fd, btf, o->btf_bytes, 0) == (int64_t)o->btf_bytes)
			rt_dir_name(&file, MAPFMT_BTF_FILE);	/* the first one stays */
		rt_dir_end(&file);
	}
	return folder;
}

static int64_t attach_object(const struct objfmt_object *o, int64_t dir)
{
	const struct objfmt_stamp *stamp = BPFTIME_REL(const struct objfmt_stamp, o->stamp_rel);
	const struct bpftime_map *m = BPFTIME_REL(const struct bpftime_map, o->maps_rel);
	const char *name = BPFTIME_REL(const char, o->name_rel);
	int64_t folder = o->n_maps ? open_folder(dir, o, name, stamp->hash) : -RT_ENOENT;
	int64_t pinned = -RT_ENOENT, n_private = 0;

	for (uint32_t k = 0; k < o->n_maps; k++) {
		const char *map_name = BPFTIME_REL(const char, m[k].name_rel);
		bool pin = m[k].bits & MAP_BIT_PINNED, own = m[k].bits & MAP_BIT_PAYLOAD;
		struct rt_mapped at;

		if (pin && pinned < 0 && dir >= 0)
			pinned = rt_dir_folder(dir, MAPFMT_PIN_DIR);
		at = rt_map_attach(&m[k], own ? -RT_ENOENT : pin ? pinned : folder, map_name,
				   pin ? MAPFMT_PIN_DIR : name, stamp->hash);
		if (!at.base)
			return -1;
		n_private += at.private && !own;
	}
	if (folder >= 0)
		rt_sys1(SYS_close, folder);
	if (pinned >= 0)
		rt_sys1(SYS_close, pinned);
	return n_private;
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
