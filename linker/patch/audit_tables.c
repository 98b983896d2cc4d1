/* SPDX-License-Identifier: MIT
 *
 * audit_tables.c - headers and unwind table of a patched file against its original's. */
#include "audit_priv.h"

#include <inttypes.h>
#include <stddef.h>

enum { MAX_NEW_LOADS = 2 };

static bool in_segment(const Elf64_Phdr *p, uint64_t vaddr)
{
	return vaddr - p->p_vaddr < p->p_memsz;
}

const Elf64_Phdr *audit_new_load(const struct audit_ctx *c, uint64_t vaddr)
{
	for (size_t i = 0; i < c->p->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &c->p->ph[i];

		if (p->p_type == PT_LOAD && p->p_vaddr >= c->o->vaddr_end && in_segment(p, vaddr))
			return p;
	}
	return NULL;
}

static bool elf_header(struct audit_ctx *c)
{
	Elf64_Ehdr o = c->o->eh, p = c->p->eh;
	const Elf64_Phdr *load = audit_new_load(c, p.e_entry);

	if (p.e_entry != o.e_entry && (!load || !(load->p_flags & PF_X)))
		return audit_differs(c, "the entry point is 0x%" PRIx64, p.e_entry);
	p.e_entry = o.e_entry;
	p.e_phnum = o.e_phnum;
	if (o.e_shoff) {
		p.e_shoff = o.e_shoff;
		p.e_shnum = o.e_shnum;
	}
	return !memcmp(&o, &p, sizeof(o)) || audit_differs(c, "the ELF header differs");
}

/* Where a header's bytes went: all of what moved moved by the same distance. */
static bool moved_alike(struct audit_ctx *c, const Elf64_Phdr *o, const Elf64_Phdr *p)
{
	uint64_t delta = p->p_vaddr - o->p_vaddr;

	if (c->moved_hi > c->moved_lo && delta != c->delta)
		return audit_differs(c, "program header of type 0x%x moved elsewhere", o->p_type);
	c->delta = delta;
	if (c->moved_hi == c->moved_lo || o->p_vaddr < c->moved_lo)
		c->moved_lo = o->p_vaddr;
	if (o->p_vaddr + o->p_filesz > c->moved_hi)
		c->moved_hi = o->p_vaddr + o->p_filesz;
	return true;
}

static bool same_phdr(struct audit_ctx *c, const Elf64_Phdr *o, const Elf64_Phdr *p)
{
	Elf64_Phdr q = *p;

	if (o->p_type == PT_PHDR)
		q.p_filesz = q.p_memsz = o->p_filesz;
	if (o->p_type == PT_LOAD && o->p_offset <= c->o->eh.e_phoff && q.p_filesz > o->p_filesz &&
	    o->p_filesz == o->p_memsz && q.p_filesz == q.p_memsz)
		q.p_filesz = q.p_memsz = o->p_filesz;	/* it ended with the table */
	if (o->p_type == PT_GNU_EH_FRAME && q.p_vaddr != o->p_vaddr)
		return audit_new_load(c, q.p_vaddr) ||
		       audit_differs(c, "the unwind table is nowhere");
	if ((o->p_type == PT_INTERP || o->p_type == PT_NOTE || o->p_type == PT_GNU_PROPERTY) &&
	    q.p_vaddr != o->p_vaddr) {
		const uint8_t *was = image_at(c->o, o->p_vaddr, o->p_filesz);
		const uint8_t *is = image_at(c->p, q.p_vaddr, o->p_filesz);

		if (!was || !is || memcmp(was, is, o->p_filesz) ||
		    is - c->p->file.p != (ptrdiff_t)q.p_offset)
			return audit_differs(c, "the contents of type 0x%x differ", o->p_type);
		if (!moved_alike(c, o, p))
			return false;
		q.p_vaddr = o->p_vaddr;
		q.p_paddr = o->p_paddr;
		q.p_offset = o->p_offset;
	}
	return !memcmp(o, &q, sizeof(q)) ||
	       audit_differs(c, "program header of type 0x%x at 0x%" PRIx64 " differs", o->p_type,
			     o->p_vaddr);
}

/* May the patched file do without this header? */
static bool dispensable(const struct audit_ctx *c, const Elf64_Phdr *o)
{
	if (o->p_type == PT_NULL)
		return true;
	for (size_t i = 0; o->p_type == PT_NOTE && i < c->o->eh.e_phnum; i++)
		if (c->o->ph[i].p_type == PT_GNU_PROPERTY && c->o->ph[i].p_vaddr == o->p_vaddr &&
		    c->o->ph[i].p_filesz == o->p_filesz)
			return true;
	return false;
}

static bool new_phdr(struct audit_ctx *c, const Elf64_Phdr *p, int *n_load)
{
	if (p->p_type == PT_GNU_EH_FRAME && !c->o->eh_frame_hdr_vaddr)
		return true;
	if (p->p_type != PT_LOAD || p->p_vaddr < c->o->vaddr_end || p->p_offset < c->o->file.n ||
	    p->p_filesz > p->p_memsz || ++*n_load > MAX_NEW_LOADS ||
	    (p->p_flags != (PF_R | PF_W) &&	/* zeros at its end are mapped as it is */
	     (p->p_flags != (PF_R | PF_X) || p->p_filesz != p->p_memsz)))
		return audit_differs(c, "an unexpected program header of type 0x%x at 0x%" PRIx64,
				     p->p_type, p->p_vaddr);
	return true;
}

/* Was the original's header, which may be missing, left out before p? */
static bool left_out(const struct audit_ctx *c, const Elf64_Phdr *o, const Elf64_Phdr *p)
{
	const uint8_t *was, *is;

	if (!dispensable(c, o))
		return false;
	if (o->p_type != p->p_type || o->p_filesz != p->p_filesz)
		return true;
	was = bytes_at(c->o->file, o->p_offset, o->p_filesz);
	is = bytes_at(c->p->file, p->p_offset, p->p_filesz);
	return o->p_type == PT_NOTE && was && is && memcmp(was, is, o->p_filesz);
}

static bool phdrs(struct audit_ctx *c)
{
	size_t k = 0;
	int n_load = 0;

	for (size_t i = 0; i < c->p->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &c->p->ph[i];
		bool is_new = p->p_type == PT_LOAD && p->p_vaddr >= c->o->vaddr_end;

		while (!is_new && k < c->o->eh.e_phnum && left_out(c, &c->o->ph[k], p))
			k++;
		if (!is_new && k < c->o->eh.e_phnum && c->o->ph[k].p_type == p->p_type) {
			if (!same_phdr(c, &c->o->ph[k++], p))
				return false;
		} else if (!new_phdr(c, p, &n_load)) {
			return false;
		}
	}
	for (; k < c->o->eh.e_phnum; k++)
		if (!dispensable(c, &c->o->ph[k]))
			return audit_differs(c, "a program header of type 0x%x is missing",
					     c->o->ph[k].p_type);
	return true;
}

/* Sections keep their numbers; only what was evicted or merged is elsewhere. */
static bool sections(struct audit_ctx *c)
{
	for (size_t i = 1; i < c->o->n_sh; i++) {
		const Elf64_Shdr *o = &c->o->sh[i], *p = &c->p->sh[i];
		Elf64_Phdr was, is;

		if (i >= c->p->n_sh || strcmp(c->o->sh_name[i], c->p->sh_name[i]) ||
		    o->sh_type != p->sh_type || o->sh_flags != p->sh_flags ||
		    o->sh_link != p->sh_link || o->sh_info != p->sh_info ||
		    o->sh_entsize != p->sh_entsize || o->sh_addralign != p->sh_addralign)
			return audit_differs(c, "section %zu (%s) differs", i, c->o->sh_name[i]);
		if (o->sh_addr == p->sh_addr && o->sh_offset == p->sh_offset &&
		    o->sh_size == p->sh_size)
			continue;
		if (!(o->sh_flags & SHF_ALLOC) ? i == c->o->eh.e_shstrndx
					       : o->sh_addr == c->o->eh_frame_hdr_vaddr &&
							 p->sh_addr == c->p->eh_frame_hdr_vaddr)
			continue;
		was = (Elf64_Phdr){ .p_type = o->sh_type,
				    .p_vaddr = o->sh_addr,
				    .p_filesz = o->sh_size };
		is = (Elf64_Phdr){ .p_vaddr = p->sh_addr };
		if (!(o->sh_flags & SHF_ALLOC) || o->sh_size != p->sh_size ||
		    image_foff(c->p, p->sh_addr) != p->sh_offset)
			return audit_differs(c, "section %s is elsewhere", c->o->sh_name[i]);
		if (!moved_alike(c, &was, &is))
			return false;
	}
	return true;
}

bool audit_in_symbol_value(const struct image *im, uint64_t vaddr)
{
	const struct image_dyn *d = im->dyn;

	return d && d->symtab && vaddr - d->symtab < d->n_symbols * sizeof(Elf64_Sym) &&
	       (vaddr - d->symtab) % sizeof(Elf64_Sym) >= offsetof(Elf64_Sym, st_value);
}

static bool same_table(struct audit_ctx *c, uint64_t was, uint64_t is, uint64_t n)
{
	const uint8_t *o, *p;

	if (was == is)
		return true;
	o = image_at(c->o, was, n);
	p = image_at(c->p, is, n);
	if (!o || !p ||
	    !moved_alike(c, &(Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_vaddr = was, .p_filesz = n },
			 &(Elf64_Phdr){ .p_vaddr = is }))
		return audit_differs(c, "a dynamic table is elsewhere");
	for (uint64_t i = 0; i < n; i++)
		if (o[i] != p[i] && !audit_in_symbol_value(c->o, was + i))
			return audit_differs(c, "a dynamic table has changed");
	return true;
}

/* Tables that only the dynamic section names, for files without sections. */
static bool dynamic_tables(struct audit_ctx *c)
{
	const struct image_dyn *o = c->o->dyn, *p = c->p->dyn;

	if (!o || !p)
		return o == p || audit_differs(c, "the dynamic section is gone");
	return same_table(c, o->hash, p->hash, image_hash_bytes(c->o)) &&
	       same_table(c, o->gnu_hash, p->gnu_hash, image_gnu_hash_bytes(c->o)) &&
	       same_table(c, o->symtab, p->symtab, o->n_symbols * sizeof(Elf64_Sym)) &&
	       same_table(c, o->strtab, p->strtab, o->strsz) &&
	       same_table(c, o->versym, p->versym, o->n_symbols * 2) &&
	       same_table(c, o->verneed, p->verneed, sizeof(Elf64_Verneed)) &&
	       same_table(c, o->verdef, p->verdef, sizeof(Elf64_Verdef));
}

bool audit_headers(struct audit_ctx *c)
{
	return elf_header(c) && phdrs(c) && sections(c) && dynamic_tables(c);
}

struct table {
	const uint8_t *p;
	uint64_t vaddr;
	uint32_t n;
};

static struct table table_of(const struct image *im)
{
	struct table t = { .vaddr = im->eh_frame_hdr_vaddr };
	const uint8_t *p = t.vaddr ? image_at(im, t.vaddr, 12) : NULL;

	/* the encodings that every linker uses: pcrel sdata4, udata4, datarel sdata4 */
	if (!p || memcmp(p, "\x01\x1b\x03\x3b", 4))
		return t;
	memcpy(&t.n, p + 8, 4);
	t.p = image_at(im, t.vaddr, 12 + 8 * (uint64_t)t.n);
	t.n = t.p ? t.n : 0;
	return t;
}

static uint64_t field(const struct table *t, uint32_t i, int k)
{
	int32_t v;

	memcpy(&v, t->p + 12 + 8 * (uint64_t)i + 4 * k, sizeof(v));
	return t->vaddr + (uint64_t)(int64_t)v;
}

/* Sorted, all of the original's entries, and besides them only ours. */
bool audit_unwind_table(struct audit_ctx *c)
{
	struct table o = table_of(c->o), p = table_of(c->p);
	uint32_t k = 0;

	if (c->p->eh_frame_hdr_vaddr == c->o->eh_frame_hdr_vaddr)
		return true;
	for (uint32_t i = 0; i < p.n; i++) {
		if (i && field(&p, i, 0) < field(&p, i - 1, 0))
			return audit_differs(c, "the unwind table is not sorted");
		if (k < o.n && field(&p, i, 0) == field(&o, k, 0) &&
		    field(&p, i, 1) == field(&o, k, 1))
			k++;
		else if (o.n && !audit_new_load(c, field(&p, i, 0)))
			return audit_differs(c, "the unwind table has an entry for 0x%" PRIx64,
					     field(&p, i, 0));
	}
	return k == o.n && p.n >= o.n ? true
				      : audit_differs(c, "the unwind table has lost entries");
}
