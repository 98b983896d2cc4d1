/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demangle.h"
#include "entry.h"
#include "file.h"
#include "image.h"
#include "rt_maps.h"

int places_open(const struct mapdir *d, struct arena *a, struct module_list *out, struct diags *dg)
{
	const struct mapref ref = { NULL, "", RT_MODULES_FILE, RT_MODULES_FILE };
	struct entry_keys keys;
	struct mapfile m;
	int r;

	*out = (struct module_list){ 0 };
	if (d->fd < 0 || faccessat(d->fd, RT_MODULES_FILE, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	r = mapfile_open_ref(d, a, &ref, &m, dg);
	if (r < 0)
		return r;
	if (m.h.key_size != sizeof(struct rt_module_key) || m.h.value_size != sizeof(struct rt_module_record) ||
	    m.percpu)
		r = diag(dg, DIAG_M002, at_file(RT_MODULES_FILE), "it is of another version");
	else
		r = entry_keys(&m, a, &keys, dg);
	for (size_t i = 0; r >= 0 && i < keys.n; i++) {
		struct rt_module_key k;
		struct rt_module_record v;
		struct module *to;

		memcpy(&k, keys.key + i * sizeof(k), sizeof(k));
		if (rt_map_lookup(&m.m, m.base, &k, &v, 0) || v.end <= k.start)
			continue;	/* gone meanwhile */
		if (v.build_id_bytes > sizeof(v.build_id))
			v.build_id_bytes = 0;
		to = ARENA_PUSH(a, out->m, out->n, out->cap);
		*to = (struct module){ .start = k.start, .r = v };
		memcpy(to->path, v.path, sizeof(v.path));
	}
	mapfile_close(&m);
	return r < 0 ? r : 0;
}

static bool same_file(const struct module *x, const struct module *y)
{
	return x->r.bias == y->r.bias && x->r.build_id_bytes == y->r.build_id_bytes &&
	       !memcmp(x->r.build_id, y->r.build_id, x->r.build_id_bytes) &&
	       (x->r.build_id_bytes || !strcmp(x->path, y->path));
}

/* The one that had the address in that process; else the only one that ever had it. */
static struct module *module_at(struct module_list *l, uint64_t at, uint32_t pid)
{
	struct module *found = NULL;
	bool several = false;

	for (size_t i = 0; i < l->n; i++) {
		struct module *m = &l->m[i];

		if (at - m->start >= m->r.end - m->start)
			continue;
		if (pid && m->r.pid == pid)
			return m;
		several |= found && !same_file(found, m);
		found = m;
	}
	l->ambiguous += several;
	return several ? NULL : found;
}

static const struct image *image_of(struct module *m, struct arena *a)
{
	struct diags quiet = { 0 };
	struct image *im;

	if (m->looked)
		return m->im;
	m->looked = true;
	if (m->path[0] != '/' || image_read(a, m->path, &im, &quiet) < 0)
		return NULL;
	if (im->build_id.n != m->r.build_id_bytes || memcmp(im->build_id.p, m->r.build_id, im->build_id.n))
		return NULL;	/* it has been replaced */
	return m->im = im;
}

/* Of the names of one function the one that people use: the shortest, without underscores if there is one. */
static const struct image_symbol *better(const struct image_symbol *x, const struct image_symbol *y)
{
	bool xu = x->name[0] == '_', yu = y->name[0] == '_';

	if (xu != yu)
		return xu ? y : x;
	return strlen(y->name) < strlen(x->name) ? y : x;
}

static const struct image_symbol *symbol_at(const struct image *im, uint64_t vaddr)
{
	const struct image_fde *f = image_fde_at(im, vaddr);
	const struct image_symbol *best;
	size_t lo = 0, hi = im->n_sym, i;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (im->sym[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	best = &im->sym[lo - 1];
	for (i = lo - 1; i > 0 && im->sym[i - 1].vaddr == best->vaddr; i--)
		best = better(best, &im->sym[i - 1]);
	/* Stripped of most names, the last one in front may be another function's. */
	if (best->bytes)
		return vaddr - best->vaddr < best->bytes ? best : NULL;
	return f && f->vaddr > best->vaddr ? NULL : best;
}

/* The function at vaddr, or, if it is a return address, of the call in front of it. */
static void name_place(const struct image *im, struct arena *a, bool exact, struct place *p)
{
	const struct image_symbol *s = symbol_at(im, exact ? p->vaddr : p->vaddr - 1);

	if (!s)		/* nobody calls what handlers return to: there is no call in front of it */
		s = symbol_at(im, p->vaddr);
	if (!s)
		return;
	p->symbol = demangle(a, s->name, false);
	p->symbol = p->symbol ? p->symbol : s->name;
	p->off_bytes = p->vaddr - s->vaddr;
}

struct place place_of_ip(struct module_list *l, struct arena *a, uint64_t ip, uint32_t pid, bool exact)
{
	struct module *m = module_at(l, exact ? ip : ip - 1, pid);
	const struct image *im = m ? image_of(m, a) : NULL;
	struct place p = { .m = m, .vaddr = m ? ip - m->r.bias : 0 };

	if (im)
		name_place(im, a, exact, &p);
	return p;
}

static bool has_id(const struct module *m, const struct mapfmt_build_id *f)
{
	uint8_t id[sizeof(f->id)] = { 0 };

	memcpy(id, m->r.build_id, m->r.build_id_bytes);
	return m->r.build_id_bytes && !memcmp(id, f->id, sizeof(id));
}

/* What is at an offset in the file; false: nothing that is loaded. */
static bool vaddr_of(const struct image *im, uint64_t foff, uint64_t *vaddr)
{
	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &im->ph[i];

		if (p->p_type == PT_LOAD && foff - p->p_offset < p->p_filesz) {
			*vaddr = p->p_vaddr + (foff - p->p_offset);
			return true;
		}
	}
	return false;
}

struct place place_of_build_id(struct module_list *l, struct arena *a, const struct mapfmt_build_id *f, bool exact)
{
	struct place p = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		const struct image *im = has_id(&l->m[i], f) ? image_of(&l->m[i], a) : NULL;

		if (!im || !vaddr_of(im, f->at, &p.vaddr))
			continue;
		p.m = &l->m[i];
		name_place(im, a, exact, &p);
		return p;
	}
	return p;
}

const char *place_name(const struct place *p, struct arena *a, const struct mapfmt_build_id *f)
{
	if (p->symbol)
		return p->symbol;
	if (p->m && p->m->path[0])
		return arena_printf(a, "%s+0x%llx", path_base(p->m->path), (unsigned long long)p->vaddr);
	if (f->status != MAPFMT_BUILD_ID_VALID)
		return arena_printf(a, "0x%llx", (unsigned long long)f->at);
	return arena_printf(a, "%s+0x%llx", arena_hex(a, f->id, sizeof(f->id)), (unsigned long long)f->at);
}
