/* SPDX-License-Identifier: MIT
 *
 * image_dyn.c - .dynamic: needed libraries, where the dynamic symbols are, their versions.
 * Works from PT_DYNAMIC alone; a section only adds what the segments cannot tell. */
#include "image_priv.h"

#include <inttypes.h>

enum { MAX_VERSIONS = 0x8000 };	/* an index has 15 bits */

#define REFUSE(r_, code_, ...) diag((r_)->dg, DIAG_##code_, at_file((r_)->im->path), __VA_ARGS__)

static void store_tag(struct image_dyn *d, const Elf64_Dyn *e)
{
	uint64_t v = e->d_un.d_val;

	switch (e->d_tag) {
	case DT_SYMTAB:     d->symtab = v; break;
	case DT_STRTAB:     d->strtab = v; break;
	case DT_STRSZ:      d->strsz = v; break;
	case DT_HASH:       d->hash = v; break;
	case DT_GNU_HASH:   d->gnu_hash = v; break;
	case DT_VERSYM:     d->versym = v; break;
	case DT_VERNEED:    d->verneed = v; break;
	case DT_VERNEEDNUM: d->n_verneed = v; break;
	case DT_VERDEF:     d->verdef = v; break;
	case DT_VERDEFNUM:  d->n_verdef = v; break;
	case DT_JMPREL:     d->jmprel = v; break;
	case DT_PLTRELSZ:   d->jmprel_bytes = v; break;
	case DT_PLTREL:     d->pltrel = v; break;
	case DT_RELA:       d->rela = v; break;
	case DT_RELASZ:     d->rela_bytes = v; break;
	case DT_SONAME:     d->soname_off = v; break;
	case DT_FLAGS_1:    d->flags_1 = v; break;
	case DT_INIT:       d->init = v; break;
	case DT_RPATH:
	case DT_RUNPATH:    d->runpath = true; break;
	default: break;
	}
}

static uint32_t u32_at(struct bytes b, uint64_t off)
{
	uint32_t v = 0;

	bytes_get(b, off, &v, sizeof(v));
	return v;
}

/* GNU hash: the largest chain start, then on to the end of that chain.  Symbols before
 * the first hashed one are only counted up to it. */
static uint64_t count_gnu_hash(struct bytes h)
{
	uint64_t n_bucket = u32_at(h, 0), first = u32_at(h, 4), bloom = u32_at(h, 8);
	uint64_t bucket = 16 + bloom * 8, chain = bucket + n_bucket * 4, last = 0;

	if (chain > h.n)
		return 0;
	for (uint64_t i = 0; i < n_bucket; i++) {
		uint32_t v = u32_at(h, bucket + i * 4);

		if (v > last)
			last = v;
	}
	if (last < first)
		return first;
	while (chain + (last - first) * 4 + 4 <= h.n &&
	       !(u32_at(h, chain + (last - first) * 4) & 1))
		last++;
	return last + 1;
}

uint64_t image_gnu_hash_bytes(const struct image *im)
{
	struct bytes h = image_from(im, im->dyn->gnu_hash);
	uint64_t n_bucket = u32_at(h, 0), first = u32_at(h, 4),
		 chain = 16 + (uint64_t)u32_at(h, 8) * 8;
	uint64_t n = count_gnu_hash(h);

	return chain + n_bucket * 4 + (n > first ? n - first : 0) * 4;
}

uint64_t image_hash_bytes(const struct image *im)
{
	struct bytes h = image_from(im, im->dyn->hash);

	return 8 + ((uint64_t)u32_at(h, 0) + u32_at(h, 4)) * 4;
}

/* An empty GNU hash does not count the undefined symbols: relocations name them. */
static uint64_t count_relocs(struct bytes rela, uint64_t bytes)
{
	uint64_t max = 0;
	Elf64_Rela rl;

	for (uint64_t off = 0; off + sizeof(rl) <= bytes && bytes_get(rela, off, &rl, sizeof(rl));
	     off += sizeof(rl))
		if (ELF64_R_SYM(rl.r_info) >= max)
			max = ELF64_R_SYM(rl.r_info) + 1;
	return max;
}

static uint64_t count_symbols(const struct image_reader *r)
{
	const struct image *im = r->im;
	const struct image_dyn *d = &r->dyn;
	uint64_t n, k;

	for (size_t i = 1; i < im->n_sh; i++)
		if (im->sh[i].sh_type == SHT_DYNSYM && im->sh[i].sh_addr == d->symtab)
			return im->sh[i].sh_size / sizeof(Elf64_Sym);
	if (d->hash)
		return u32_at(image_from(im, d->hash), 4);
	n = d->gnu_hash ? count_gnu_hash(image_from(im, d->gnu_hash)) : 0;
	k = count_relocs(image_from(im, d->jmprel), d->jmprel_bytes);
	if (k > n)
		n = k;
	k = count_relocs(image_from(im, d->rela), d->rela_bytes);
	return k > n ? k : n;
}

static void set_version(struct image_reader *r, uint32_t idx, uint32_t name_off)
{
	idx &= 0x7fff;
	if (idx >= 2 && name_off < r->dynstr.n)
		r->version[idx] = (const char *)r->dynstr.p + name_off;
}

static void read_verneed(struct image_reader *r)
{
	struct bytes b = image_from(r->im, r->dyn.verneed);
	uint64_t off = 0, left = MAX_VERSIONS;
	Elf64_Verneed vn;
	Elf64_Vernaux va;

	for (uint64_t i = 0; i < r->dyn.n_verneed && bytes_get(b, off, &vn, sizeof(vn)); i++) {
		uint64_t aux = off + vn.vn_aux;

		for (uint32_t k = 0; k < vn.vn_cnt && left && bytes_get(b, aux, &va, sizeof(va));
		     k++) {
			set_version(r, va.vna_other, va.vna_name);
			left--;
			if (!va.vna_next)
				break;
			aux += va.vna_next;
		}
		if (!vn.vn_next || !left)
			return;
		off += vn.vn_next;
	}
}

static void read_verdef(struct image_reader *r)
{
	struct bytes b = image_from(r->im, r->dyn.verdef);
	uint64_t off = 0;
	Elf64_Verdef vd;
	Elf64_Verdaux va;

	for (uint64_t i = 0; i < r->dyn.n_verdef && i < MAX_VERSIONS &&
	     bytes_get(b, off, &vd, sizeof(vd)); i++) {
		/* The base definition (index 1) is the file's own name, not a version. */
		if (!(vd.vd_flags & VER_FLG_BASE) && bytes_get(b, off + vd.vd_aux, &va, sizeof(va)))
			set_version(r, vd.vd_ndx, va.vda_name);
		if (!vd.vd_next)
			return;
		off += vd.vd_next;
	}
}

static int read_tags(struct image_reader *r, const Elf64_Phdr *ph)
{
	struct image *im = r->im;
	struct bytes tab = { image_at(im, ph->p_vaddr, ph->p_filesz), ph->p_filesz };
	size_t cap = 0;
	Elf64_Dyn e;

	if (!tab.p || tab.p != im->file.p + ph->p_offset)
		return REFUSE(r, P100, "the dynamic section is not loaded");
	r->dyn.present = true;
	for (uint64_t off = 0; bytes_get(tab, off, &e, sizeof(e)) && e.d_tag != DT_NULL;
	     off += sizeof(e))
		store_tag(&r->dyn, &e);
	r->dynstr = image_from(im, r->dyn.strtab);
	if (r->dyn.strsz < r->dynstr.n)
		r->dynstr.n = r->dyn.strsz;
	r->dynstr = bytes_strings(r->dynstr);
	for (uint64_t off = 0; bytes_get(tab, off, &e, sizeof(e)) && e.d_tag != DT_NULL;
	     off += sizeof(e)) {
		if (e.d_tag != DT_NEEDED)
			continue;
		if (e.d_un.d_val >= r->dynstr.n)
			return REFUSE(r, P100,
				      "a needed library's name lies outside the string table");
		*ARENA_PUSH(im->arena, im->needed, im->n_needed, cap) =
			(const char *)r->dynstr.p + e.d_un.d_val;
	}
	im->init_vaddr = r->dyn.init;
	if (r->dyn.soname_off && r->dyn.soname_off < r->dynstr.n)
		im->soname = (const char *)r->dynstr.p + r->dyn.soname_off;
	return 0;
}

int image_read_dynamic(struct image_reader *r)
{
	struct image *im = r->im;
	uint64_t n, max;
	int err = 0;

	for (size_t i = 0; i < im->eh.e_phnum && !r->dyn.present && !err; i++)
		if (im->ph[i].p_type == PT_DYNAMIC)
			err = read_tags(r, &im->ph[i]);
	if (err || !r->dyn.present)
		return err;
	r->version = arena_array(im->arena, MAX_VERSIONS, sizeof(*r->version));
	r->n_version = MAX_VERSIONS;
	read_verneed(r);
	read_verdef(r);
	r->dynsym = image_from(im, r->dyn.symtab);
	n = count_symbols(r);
	max = r->dynsym.n / sizeof(Elf64_Sym);
	r->n_dynsym = n < max ? n : max;
	r->dynsym.n = r->n_dynsym * sizeof(Elf64_Sym);
	r->dyn.n_symbols = r->n_dynsym;
	im->dyn = arena_dup(im->arena, &r->dyn, sizeof(r->dyn));
	for (size_t i = 1; i < r->n_dynsym; i++) {
		Elf64_Sym s;

		bytes_get(r->dynsym, i * sizeof(s), &s, sizeof(s));
		r->n_defined += s.st_shndx != SHN_UNDEF;
	}
	return 0;
}

bool image_dynsym(const struct image_reader *r, uint64_t i, Elf64_Sym *s, const char **name,
		  const char **version)
{
	struct bytes vs = image_from(r->im, r->dyn.versym);
	uint16_t v;

	if (i >= r->n_dynsym || !bytes_get(r->dynsym, i * sizeof(*s), s, sizeof(*s)) ||
	    s->st_name >= r->dynstr.n)
		return false;
	*name = (const char *)r->dynstr.p + s->st_name;
	*version = NULL;
	if (bytes_get(vs, i * 2, &v, sizeof(v)) && (v & 0x7fff) < r->n_version)
		*version = r->version[v & 0x7fff];
	return true;
}
