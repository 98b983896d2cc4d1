/* SPDX-License-Identifier: MIT */
#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt_maps.h"

/* Behind the file's header; copied, as others may write to it. */
static struct mapfmt_inner template_of(const struct mapfile *outer)
{
	struct mapfmt_inner t;

	memcpy(&t, outer->mapped + MAPFMT_KIND_OFF, sizeof(t));
	return t;
}

int inner_find(const struct mapdir *d, struct arena *a, const struct mapfile *outer,
	       const char *name, struct mapfmt_ref *out, struct diags *dg)
{
	size_t n = strlen(MAPFMT_PIN_DIR);
	bool pinned = !strncmp(name, MAPFMT_PIN_DIR "/", n + 1);
	const char *file = pinned ? name + n + 1 : name;
	struct mapref ref = { pinned ? MAPFMT_PIN_DIR : outer->ref.dir, outer->ref.object, file,
			      arena_printf(a, "%s/%s", pinned ? MAPFMT_PIN_DIR : outer->ref.object, file) };
	struct mapfmt_header h;
	int r;

	if (!*file || strchr(file, '/') || strlen(file) >= sizeof(out->name))
		return diag(dg, DIAG_M003, at_file(name), "a map of the folder %s, or "
			    MAPFMT_PIN_DIR "/NAME", outer->ref.dir);
	r = mapfile_header(d, &ref, &h, dg);
	if (r < 0)
		return r;
	*out = (struct mapfmt_ref){
		.birth = h.birth, .type = h.type, .key_size = h.key_size, .value_size = h.value_size,
		.max_entries = h.max_entries, .flags = h.flags, .lock = h.lock,
		.where = pinned ? MAPFMT_IN_PINNED : MAPFMT_IN_FOLDER,
	};
	strcpy(out->name, file);
	return 0;
}

struct contents {
	const struct bpftime_map *m;
	const struct mapfile *outer;
	const char *name;
};

/* The file's pages. */
static int fill(int fd, const void *arg)
{
	const struct contents *c = arg;
	uint32_t cpus = rt_cpu_possible();
	size_t bytes = MAPFMT_HEADER_BYTES + rt_map_size(c->m, cpus);
	uint8_t *p;
	int err = posix_fallocate(fd, 0, (off_t)bytes);

	if (err)
		return err;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return errno;
	rt_map_header((struct mapfmt_header *)p, c->m, cpus, c->name, c->outer->h.object, c->outer->h.stamp);
	rt_map_format(c->m, p + MAPFMT_HEADER_BYTES, cpus);
	__atomic_store_n(&((struct mapfmt_header *)p)->state, MAPFMT_READY, __ATOMIC_RELEASE);
	munmap(p, bytes);
	return 0;
}

int inner_make(const struct mapdir *d, const struct mapfile *outer, const char *name,
	       uint32_t entries, struct diags *dg)
{
	struct mapfmt_inner t = template_of(outer);
	struct bpftime_map m = {
		.version = OBJFMT_MAP_VERSION, .size = sizeof(m), .type = t.type,
		.key_size = t.key_size, .value_size = t.value_size, .flags = t.flags, .lock = t.lock,
		.max_entries = entries ? entries : t.max_entries,
	};
	struct loc at = at_file(outer->ref.label);
	int folder, err;

	if (!map_holds_maps(outer->h.type))
		return diag(dg, DIAG_M008, at, "it is no map of maps");
	if (!*name || name[0] == '.' || strchr(name, '/') || strlen(name) >= sizeof(outer->h.name))
		return diag(dg, DIAG_U001, at_file(name), "not the name of a map");
	if (!map_row(t.type) || map_row(t.type)->refused || !rt_map_size(&m, rt_cpu_possible()) ||
	    !rt_map_fits(&t, &m))
		return diag(dg, DIAG_M008, at, "it does not take maps of %u entries", m.max_entries);
	folder = openat(d->fd, outer->ref.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	err = folder < 0 ? errno : mapdir_make_file(folder, name, fill, &(struct contents){ &m, outer, name });
	if (folder >= 0)
		close(folder);
	if (err == EEXIST)
		return diag(dg, DIAG_M007, at_file(name), "there is a map of this name");
	return err ? diag(dg, DIAG_E002, at_file(name), "%s", strerror(err)) : 0;
}
