/* SPDX-License-Identifier: MIT
 *
 * segment_room.c - how the program-header table can grow where it is.
 *
 * What follows the table is described as pieces, from sections, program headers and the
 * dynamic section.  Those that only tables refer to may move; the rest, and bytes that
 * nothing describes, may not.  The evicted range is the smallest that is closed: no piece
 * crosses its end. */
#include "segment_priv.h"

#include <stdlib.h>

enum piece_kind {
	FIXED, LIGHT, HEAVY,
	GONE,	/* written anew behind the original: need not be kept where it is */
};

struct piece {
	uint64_t off, end;	/* in the file */
	enum piece_kind kind;
};

struct search {
	struct arena *a;
	const struct image *im;
	const Elf64_Phdr *load;	/* that holds the table, or NULL */
	uint64_t table_end;	/* of the original table */
	struct piece *piece;
	size_t n, cap;
};

static void add(struct search *s, uint64_t off, uint64_t bytes, enum piece_kind kind)
{
	if (bytes && off + bytes > s->table_end)
		*ARENA_PUSH(s->a, s->piece, s->n, s->cap) =
			(struct piece){ off, off + bytes, kind };
}

/* Is [off, off+bytes) at vaddr, in the segment that holds the table? */
static bool in_load(const struct search *s, uint64_t off, uint64_t bytes, uint64_t vaddr)
{
	const Elf64_Phdr *l = s->load;

	return l && off >= l->p_offset && off - l->p_offset <= l->p_filesz &&
	       bytes <= l->p_filesz - (off - l->p_offset) &&
	       vaddr == l->p_vaddr + (off - l->p_offset);
}

static bool is_interp(const struct image *im, const Elf64_Shdr *sh)
{
	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_INTERP && im->ph[i].p_offset == sh->sh_offset &&
		    im->ph[i].p_filesz == sh->sh_size)
			return true;
	return false;
}

static enum piece_kind section_kind(const struct search *s, const Elf64_Shdr *sh)
{
	const struct image_dyn *d = s->im->dyn;

	if (!(sh->sh_flags & SHF_ALLOC) || (sh->sh_flags & (SHF_WRITE | SHF_EXECINSTR)) ||
	    !in_load(s, sh->sh_offset, sh->sh_size, sh->sh_addr))
		return FIXED;
	if (sh->sh_type == SHT_NOTE || (sh->sh_type == SHT_PROGBITS && is_interp(s->im, sh)))
		return LIGHT;
	if (!d)
		return FIXED;
	switch (sh->sh_type) {
	case SHT_HASH:        return sh->sh_addr == d->hash ? LIGHT : FIXED;
	case SHT_GNU_HASH:    return sh->sh_addr == d->gnu_hash ? LIGHT : FIXED;
	case SHT_DYNSYM:      return sh->sh_addr == d->symtab ? HEAVY : FIXED;
	case SHT_STRTAB:      return sh->sh_addr == d->strtab ? HEAVY : FIXED;
	case SHT_GNU_versym:  return sh->sh_addr == d->versym ? HEAVY : FIXED;
	case SHT_GNU_verneed: return sh->sh_addr == d->verneed ? HEAVY : FIXED;
	case SHT_GNU_verdef:  return sh->sh_addr == d->verdef ? HEAVY : FIXED;
	default:              return FIXED;
	}
}

static void add_sections(struct search *s)
{
	const struct image *im = s->im;

	for (size_t i = 1; i < im->n_sh; i++)
		if (im->sh[i].sh_type != SHT_NOBITS && im->sh[i].sh_type != SHT_NULL)
			add(s, im->sh[i].sh_offset, im->sh[i].sh_size, section_kind(s, &im->sh[i]));
	if (im->n_sh)
		add(s, im->eh.e_shoff, im->n_sh * sizeof(Elf64_Shdr), GONE);	/* Go's linker puts them here */
}

static void add_segments(struct search *s)
{
	for (size_t i = 0; i < s->im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &s->im->ph[i];
		enum piece_kind kind = FIXED;

		if (p == s->load || p->p_type == PT_PHDR || p->p_type == PT_NULL)
			continue;
		if ((p->p_type == PT_INTERP || p->p_type == PT_NOTE ||
		     p->p_type == PT_GNU_PROPERTY) &&
		    in_load(s, p->p_offset, p->p_filesz, p->p_vaddr))
			kind = LIGHT;
		add(s, p->p_offset, p->p_filesz, kind);
	}
}

static void add_at(struct search *s, uint64_t vaddr, uint64_t bytes, enum piece_kind kind)
{
	uint64_t off = vaddr && bytes ? image_foff(s->im, vaddr) : UINT64_MAX;

	if (off != UINT64_MAX && in_load(s, off, bytes, vaddr))
		add(s, off, bytes, kind);
}

/* Extents that the dynamic section implies; only needed where sections do not tell. */
static void add_dynamic(struct search *s)
{
	const struct image_dyn *d = s->im->dyn;

	if (!d || s->im->n_sh)
		return;
	add_at(s, d->hash, image_hash_bytes(s->im), LIGHT);
	add_at(s, d->gnu_hash, image_gnu_hash_bytes(s->im), LIGHT);
	add_at(s, d->symtab, d->n_symbols * sizeof(Elf64_Sym), HEAVY);
	add_at(s, d->strtab, d->strsz, HEAVY);
	add_at(s, d->versym, d->n_symbols * 2, HEAVY);
}

/* Bytes that no piece covers are padding when they are zero; without sections only as
 * many as alignment explains.  patchelf leaves X or Z where sections were. */
static bool is_padding(const struct search *s, uint64_t off, uint64_t end)
{
	const uint8_t *p = bytes_at(s->im->file, off, end - off);

	if (!p || (!s->im->n_sh && end - off >= 16 && s->n))
		return false;
	for (uint64_t i = 0; i < end - off; i++)
		if (p[i] && (!s->im->n_sh || (p[i] != 'X' && p[i] != 'Z')))
			return false;
	return true;
}

static int by_off(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* Pieces are sorted by now. */
static bool gaps_are_padding(const struct search *s, uint64_t to)
{
	uint64_t pos = s->table_end;

	for (size_t i = 0; i < s->n && s->piece[i].off < to; i++) {
		const struct piece *p = &s->piece[i];

		if (p->off > pos && !is_padding(s, pos, p->off))
			return false;
		pos = p->end > pos ? p->end : pos;
	}
	return pos >= to || is_padding(s, pos, to);
}

/* Where the table is followed by the end of its segment, the segment grows with it. */
static bool grow_load(const struct search *s, struct segment_room *out)
{
	const Elf64_Phdr *l = s->load;
	uint64_t end = l ? l->p_offset + l->p_filesz : 0;

	if (!l || out->table_end <= end)
		return true;
	if (l->p_memsz != l->p_filesz)
		return false;
	for (size_t i = 0; i < s->im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &s->im->ph[i];

		if (p->p_type == PT_LOAD && p->p_vaddr > l->p_vaddr &&
		    p->p_vaddr / SEGMENT_PAGE <=
			    (l->p_vaddr + (out->table_end - 1 - l->p_offset)) / SEGMENT_PAGE)
			return false;
	}
	out->grow = l;
	return true;
}

/* The evicted range: what lies before `to`, and what crosses that range's end. */
static bool close_range(const struct search *s, bool heavy, uint64_t to, struct segment_room *out,
			const char **why)
{
	uint64_t lo = UINT64_MAX, end = 0, reach = to;

	for (size_t i = 0; i < s->n && s->piece[i].off < reach; i++) {
		const struct piece *p = &s->piece[i];

		if (p->kind == GONE)
			continue;
		if (p->off < s->table_end || p->kind == FIXED || (p->kind == HEAVY && !heavy)) {
			*why = "what follows the program headers cannot move";
			return false;
		}
		lo = p->off < lo ? p->off : lo;
		end = p->end > end ? p->end : end;
		reach = end > reach ? end : reach;
	}
	if (!gaps_are_padding(s, reach)) {
		*why = "unknown bytes follow the program headers";
		return false;
	}
	if (!end)
		return true;
	out->evict_off = lo;
	out->evict_end = end;
	out->evict_vaddr = s->load->p_vaddr + (lo - s->load->p_offset);
	if (segment_is_referred(s->im, out->evict_vaddr, out->evict_vaddr + (end - lo))) {
		*why = "code refers to the notes behind the program headers";
		return false;
	}
	return true;
}

/* Many readers take the distance from symbols to strings for the size of .dynsym: the two
 * move together where that can be. */
static void take_strings_along(const struct search *s, struct segment_room *out)
{
	const struct image_dyn *d = s->im->dyn;
	uint64_t bytes = out->evict_end - out->evict_off;
	struct segment_room more = *out;
	const char *why;

	if (d && d->symtab - out->evict_vaddr < bytes && d->strtab > d->symtab &&
	    d->strtab - out->evict_vaddr >= bytes &&
	    image_load_at(s->im, d->strtab) == image_load_at(s->im, d->symtab) &&
	    close_range(s, true, out->evict_off + (d->strtab - out->evict_vaddr) + 1, &more, &why))
		*out = more;
}

/* Kernel and glibc read the properties by PT_GNU_PROPERTY; the PT_NOTE over the same bytes
 * is for older ones. */
bool segment_phdr_is_free(const struct image *im, const Elf64_Phdr *p, bool drop_note)
{
	if (p->p_type == PT_NULL)
		return true;
	for (size_t i = 0; drop_note && p->p_type == PT_NOTE && i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_GNU_PROPERTY && im->ph[i].p_offset == p->p_offset &&
		    im->ph[i].p_filesz == p->p_filesz)
			return true;
	return false;
}

bool segment_find_room(struct arena *a, const struct image *im, const struct segment_try *t,
		       struct segment_room *out, const char **why)
{
	struct search s = { .a = a, .im = im };
	uint64_t off = im->eh.e_phoff;
	unsigned n_free = 0;

	*out = (struct segment_room){ .n_new = t->n_new, .drop_note = t->drop_note };
	s.table_end = off + im->eh.e_phnum * sizeof(Elf64_Phdr);
	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &im->ph[i];

		if (p->p_type == PT_LOAD && off >= p->p_offset &&
		    s.table_end <= p->p_offset + p->p_filesz)
			s.load = p;
		n_free += segment_phdr_is_free(im, p, t->drop_note);
	}
	out->n_phdr = im->eh.e_phnum - (n_free < t->n_new ? n_free : t->n_new) + t->n_new;
	out->table_end = off + (out->n_phdr + t->spare) * sizeof(Elf64_Phdr);
	if (out->table_end <= s.table_end)
		return true;
	if (!bytes_at(im->file, off, out->table_end - off)) {
		*why = "the program headers are at the end of the file";
		return false;
	}
	add_sections(&s);
	add_segments(&s);
	add_dynamic(&s);
	if (s.n)
		qsort(s.piece, s.n, sizeof(*s.piece), by_off);
	if (!close_range(&s, t->heavy, out->table_end, out, why))
		return false;
	if (out->evict_end)
		take_strings_along(&s, out);
	if (!grow_load(&s, out)) {
		*why = "the segment of the program headers is full";
		return false;
	}
	return true;
}
