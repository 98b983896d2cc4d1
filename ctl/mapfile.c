/* SPDX-License-Identifier: MIT */
#include "mapfile.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Why a header is not one to work with, or NULL. */
static const char *check(const struct mapfmt_header *h, uint64_t file_bytes)
{
	const struct map_row *row = map_row(h->type);

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
	if (h->data_off != MAPFMT_HEADER_BYTES || h->data_bytes % h->page_bytes ||
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
	int fd = mapdir_open_file(d, ref->dir, MAPFMT_BTF_FILE, false, &quiet);
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

int mapfile_open(const struct mapdir *d, struct arena *a, const char *spec, struct mapfile *out,
		 struct diags *dg)
{
	int r;

	*out = (struct mapfile){ .fd = -1 };
	r = mapdir_find(d, a, spec, &out->ref, dg);
	if (r < 0)
		return r;
	out->fd = open_checked(d, &out->ref, &out->h, dg);
	if (out->fd < 0)
		return out->fd;
	out->row = map_row(out->h.type);
	out->file = mmap(NULL, out->h.data_off + out->h.data_bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED, out->fd, 0);
	if (out->file == MAP_FAILED) {
		out->file = NULL;
		r = diag(dg, DIAG_E001, at_file(out->ref.label), "%s", strerror(errno));
		mapfile_close(out);
		return r;
	}
	out->data = out->file + out->h.data_off;
	out->btf = open_btf(d, &out->ref, a);
	return 0;
}

void mapfile_close(struct mapfile *m)
{
	if (m->file)
		munmap(m->file, m->h.data_off + m->h.data_bytes);
	if (m->fd >= 0)
		close(m->fd);
	btf__free(m->btf);
	*m = (struct mapfile){ .fd = -1 };
}
