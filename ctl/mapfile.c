/* SPDX-License-Identifier: MIT */
#include "mapfile.h"

#include "btfval.h"
#include "rt_maps.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Why a header is not one to work with, or NULL. */
static const char *check(const struct mapfmt_header *h, uint64_t file_bytes)
{
	const struct map_row *row = map_row(h->type);
	struct bpftime_map m;

	if (h->magic != MAPFMT_MAGIC)
		return "it does not start with the mark of a map file";
	if (h->byte_order != MAPFMT_BYTE_ORDER)
		return "it was made on a machine of the other byte order";
	if (h->version != MAPFMT_VERSION || h->size != sizeof(*h))
		return "it is of another version";
	if (h->state != MAPFMT_READY)
		return "it is not ready: the process that makes it has not finished, or was killed";
	if (!row || row->refused)
		return "its kind of map is not known";
	if ((row->key_size && h->key_size != row->key_size) ||
	    (row->value_size && h->value_size != row->value_size))
		return "its key or value size does not suit its kind";
	if (h->page_bytes != (uint32_t)sysconf(_SC_PAGESIZE))
		return "it was made for another page size";
	rt_map_of_header(&m, h);
	if (h->data_off != MAPFMT_HEADER_BYTES || !h->data_bytes ||
	    h->data_bytes != rt_map_size(&m, h->cpu_count) ||
	    h->data_bytes > file_bytes || h->data_bytes + h->data_off != file_bytes)
		return "its size is not what its header says";
	if (!memchr(h->name, 0, sizeof(h->name)) || !memchr(h->object, 0, sizeof(h->object)))
		return "its name does not end";
	return NULL;
}

/* Returns the descriptor, or what mapfile_header returns. */
static int open_checked(const struct mapdir *d, const struct mapref *ref, struct mapfmt_header *h,
			struct diags *dg)
{
	int fd = mapdir_open_file(d, ref->dir, ref->name, true, dg);
	const char *why;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	memset(h, 0, sizeof(*h));
	n = pread(fd, h, sizeof(*h), 0);
	if (n < 0 || fstat(fd, &st))
		why = strerror(errno);
	else if (n < (ssize_t)sizeof(*h))
		why = "it is too short";
	else
		why = check(h, (uint64_t)st.st_size);
	if (why) {
		close(fd);
		return diag(dg, DIAG_M002, at_file(ref->label), "%s", why);
	}
	return fd;
}

int mapfile_header(const struct mapdir *d, const struct mapref *ref, struct mapfmt_header *h,
		   struct diags *dg)
{
	int fd = open_checked(d, ref, h, dg);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* The object's BTF is a help, not a need: without it values are shown as bytes. */
static struct btf *open_btf(const struct mapdir *d, const struct mapref *ref, struct arena *a)
{
	struct diags quiet = { 0 };
	int fd = ref->dir ? mapdir_open_file(d, ref->dir, MAPFMT_BTF_FILE, false, &quiet) : -1;
	struct btf *btf = NULL;
	struct stat st;
	void *p;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size > 0 && st.st_size < 64 << 20) {
		p = arena_alloc(a, (size_t)st.st_size);
		if (pread(fd, p, (size_t)st.st_size, 0) == st.st_size)
			btf = btf__new(p, (uint32_t)st.st_size);
	}
	close(fd);
	return libbpf_get_error(btf) ? NULL : btf;
}

/* Maps header and data; a ring buffer's data pages a second time behind the first
 * (rt_maps.h), as its readers need them. */
static int map_it(struct mapfile *m)
{
	size_t file_bytes = m->h.data_off + m->h.data_bytes;
	size_t again = rt_map_mapped_bytes(&m->m, m->cpus) - m->h.data_bytes;
	uint8_t *p = mmap(NULL, file_bytes + again, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	m->mapped = p;
	m->mapped_bytes = file_bytes + again;
	m->base = p + m->h.data_off;
	if (mmap(p, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd, 0) ==
	    MAP_FAILED)
		return -1;
	return again && mmap(p + file_bytes, again, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			     m->fd, (off_t)(file_bytes - again)) == MAP_FAILED
		       ? -1
		       : 0;
}

/* A type that does not have the size of what it describes says nothing about it. */
static uint32_t type_of_size(const struct mapfile *m, uint32_t id, uint32_t bytes)
{
	return m->btf && id && btfval_size(m->btf, id) == bytes ? id : 0;
}

int mapfile_open_ref(const struct mapdir *d, struct arena *a, const struct mapref *ref,
		     struct mapfile *out, struct diags *dg)
{
	int r;

	*out = (struct mapfile){ .fd = -1, .ref = *ref };
	out->fd = open_checked(d, &out->ref, &out->h, dg);
	if (out->fd < 0)
		return out->fd;
	rt_map_of_header(&out->m, &out->h);
	out->m.cpus = out->cpus = out->h.cpu_count;
	out->value_bytes = rt_map_value_bytes(&out->m, out->cpus);
	out->percpu = rt_map_value_bytes(&out->m, 2) != rt_map_value_bytes(&out->m, 1);
	out->stride = rt_map_value_bytes(&out->m, 1);
	if (map_it(out)) {
		r = diag(dg, DIAG_E001, at_file(out->ref.label), "%s", strerror(errno));
		mapfile_close(out);
		return r;
	}
	out->btf = open_btf(d, &out->ref, a);
	out->key_type = type_of_size(out, out->h.key_btf_id, out->h.key_size);
	out->value_type = type_of_size(out, out->h.value_btf_id, out->h.value_size);
	return 0;
}

int mapfile_open(const struct mapdir *d, struct arena *a, const char *spec, struct mapfile *out,
		 struct diags *dg)
{
	struct mapref ref;
	int r = mapdir_find(d, a, spec, &ref, dg);

	return r < 0 ? r : mapfile_open_ref(d, a, &ref, out, dg);
}

void mapfile_close(struct mapfile *m)
{
	if (m->mapped)
		munmap(m->mapped, m->mapped_bytes);
	if (m->fd >= 0)
		close(m->fd);
	btf__free(m->btf);
	*m = (struct mapfile){ .fd = -1 };
}
