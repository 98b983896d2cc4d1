/* SPDX-License-Identifier: MIT
 *
 * segment_fix.c - the original's bytes that change: headers, what named the evicted
 * bytes, the initialiser, and the plan's edits. */
#include "segment_priv.h"

#include <inttypes.h>
#include <stddef.h>

static uint8_t *change(struct segment_plan *sp, struct segment_changes *ch, uint64_t foff,
		       uint64_t bytes, enum patchfmt_saved_kind kind)
{
	struct segment_change *c = ARENA_PUSH(sp->a, ch->c, ch->n, ch->cap);

	*c = (struct segment_change){ foff, arena_alloc(sp->a, bytes), (uint32_t)bytes, kind };
	if (bytes_at(sp->im->file, foff, bytes))
		memcpy(c->after, sp->im->file.p + foff, bytes);
	return c->after;
}

static void move_phdr(const struct segment_plan *sp, Elf64_Phdr *p)
{
	const struct segment_room *r = &sp->room;

	if (p->p_type == PT_PHDR)
		p->p_filesz = p->p_memsz = r->n_phdr * sizeof(Elf64_Phdr);
	if (p->p_type == PT_GNU_EH_FRAME && sp->hdr_bytes) {
		p->p_offset = segment_foff(sp, sp->hdr_vaddr);
		p->p_vaddr = p->p_paddr = sp->hdr_vaddr;
		p->p_filesz = p->p_memsz = sp->hdr_bytes;
	}
	if ((p->p_type == PT_INTERP || p->p_type == PT_NOTE || p->p_type == PT_GNU_PROPERTY) &&
	    p->p_filesz && p->p_offset >= r->evict_off && p->p_offset < r->evict_end) {
		p->p_offset = segment_foff(sp, p->p_vaddr + segment_evict_delta(sp));
		p->p_vaddr += segment_evict_delta(sp);
		p->p_paddr += segment_evict_delta(sp);
	}
}

static Elf64_Phdr load(const struct segment_plan *sp, uint64_t vaddr, uint64_t end, uint64_t filesz,
		       uint32_t flags)
{
	return (Elf64_Phdr){ .p_type = PT_LOAD,
			     .p_flags = flags,
			     .p_offset = segment_foff(sp, vaddr),
			     .p_vaddr = vaddr,
			     .p_paddr = vaddr,
			     .p_filesz = filesz,
			     .p_memsz = end - vaddr,
			     .p_align = SEGMENT_PAGE };
}

/* The old headers in their order, ours behind the last PT_LOAD: those must ascend. */
void segment_write_phdrs(const struct segment_plan *sp, Elf64_Phdr *dst)
{
	const struct image *im = sp->im;
	size_t last = 0, n = 0, drop = im->eh.e_phnum + sp->room.n_new - sp->room.n_phdr;
	uint64_t end;

	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_LOAD)
			last = i;
	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		if (drop && segment_phdr_is_free(im, &im->ph[i], sp->room.drop_note)) {
			drop--;
		} else {
			dst[n] = im->ph[i];
			if (&im->ph[i] == sp->room.grow)
				dst[n].p_filesz = dst[n].p_memsz =
					sp->room.table_end - dst[n].p_offset;
			move_phdr(sp, &dst[n++]);
		}
		if (i != last)
			continue;
		end = sp->one_slot ? sp->end_vaddr : sp->rx_end_vaddr;
		dst[n++] = load(sp, sp->seg_vaddr, end, end - sp->seg_vaddr, PF_R | PF_X);
		if (sp->rw_bytes && !sp->one_slot)
			dst[n++] = load(sp, sp->rw_vaddr, sp->end_vaddr, sp->rw_file_bytes,
					PF_R | PF_W);
	}
	if (sp->add_eh_phdr)
		dst[n++] = (Elf64_Phdr){ .p_type = PT_GNU_EH_FRAME, .p_flags = PF_R,
			.p_offset = segment_foff(sp, sp->hdr_vaddr), .p_vaddr = sp->hdr_vaddr,
			.p_paddr = sp->hdr_vaddr, .p_filesz = sp->hdr_bytes,
			.p_memsz = sp->hdr_bytes, .p_align = 4 };
}

/* The grown table over what it displaces.  What moved but is not covered stays as it is. */
static void fix_phdrs(struct segment_plan *sp, struct segment_changes *ch)
{
	uint64_t off = sp->im->eh.e_phoff, end = off + sp->im->eh.e_phnum * sizeof(Elf64_Phdr);
	uint8_t *p;

	if (sp->room.table_end > end)
		end = sp->room.table_end;
	p = change(sp, ch, off, end - off, SAVED_PHDRS);
	memset(p, 0, end - off);
	segment_write_phdrs(sp, (Elf64_Phdr *)(void *)p);
}

static bool tag_moves(const struct segment_plan *sp, const Elf64_Dyn *d)
{
	switch (d->d_tag) {
	case DT_HASH: case DT_GNU_HASH: case DT_SYMTAB: case DT_STRTAB:
	case DT_VERSYM: case DT_VERNEED: case DT_VERDEF:
		return segment_evicts(sp, d->d_un.d_ptr);
	default:
		return false;
	}
}

static void set_tag(struct segment_plan *sp, struct segment_changes *ch, uint64_t foff, int64_t tag,
		    uint64_t val)
{
	Elf64_Dyn d = { .d_tag = tag, .d_un.d_val = val };

	memcpy(change(sp, ch, foff, sizeof(d), SAVED_DYNAMIC), &d, sizeof(d));
}

/* A file without DT_INIT gets one when the table has a spare entry before its terminator;
 * else the first hook initialises. */
static void fix_dynamic(struct segment_plan *sp, uint64_t init_vaddr, struct segment_changes *ch)
{
	const struct image *im = sp->im;
	const Elf64_Phdr *ph = NULL;
	uint64_t off;
	Elf64_Dyn d, next;

	for (size_t i = 0; i < im->eh.e_phnum && !ph; i++)
		if (im->ph[i].p_type == PT_DYNAMIC)
			ph = &im->ph[i];
	if (!ph)
		return;
	for (off = 0; off + sizeof(d) <= ph->p_filesz; off += sizeof(d)) {
		if (!bytes_get(im->file, ph->p_offset + off, &d, sizeof(d)) || d.d_tag == DT_NULL)
			break;
		if (tag_moves(sp, &d))
			set_tag(sp, ch, ph->p_offset + off, d.d_tag,
				d.d_un.d_ptr + segment_evict_delta(sp));
		if (d.d_tag == DT_INIT && init_vaddr)
			set_tag(sp, ch, ph->p_offset + off, DT_INIT, init_vaddr);
	}
	if (init_vaddr && !im->init_vaddr && off + 2 * sizeof(d) <= ph->p_filesz &&
	    bytes_get(im->file, ph->p_offset + off + sizeof(d), &next, sizeof(next)) &&
	    next.d_tag == DT_NULL)
		set_tag(sp, ch, ph->p_offset + off, DT_INIT, init_vaddr);
}

/* The new value of a symbol of what moved; false when it stays.  Its section has to move as well: the
 * end of one that stays may be the start of one that moves. */
static bool symbol_moves(const struct segment_plan *sp, const Elf64_Sym *s, uint64_t *value)
{
	uint64_t old_hdr = sp->im->eh_frame_hdr_vaddr;
	uint64_t of = s->st_shndx < sp->im->n_sh ? sp->im->sh[s->st_shndx].sh_addr : s->st_value;

	if (s->st_shndx == SHN_UNDEF || s->st_shndx == SHN_ABS || s->st_shndx == SHN_COMMON ||
	    ELF64_ST_TYPE(s->st_info) == STT_TLS)
		return false;
	if (segment_evicts(sp, of) && segment_evicts(sp, s->st_value))
		*value = s->st_value + segment_evict_delta(sp);
	else if (sp->hdr_bytes && old_hdr && of == old_hdr && s->st_value == old_hdr)
		*value = sp->hdr_vaddr;
	else
		return false;
	return true;
}

static bool evicted_file_range(const struct segment_plan *sp, uint64_t foff)
{
	return foff >= sp->room.evict_off && foff < sp->room.evict_end;
}

/* One table of each kind, as the ELF specification has it. */
static void fix_symbols(struct segment_plan *sp, struct segment_changes *ch)
{
	const struct image *im = sp->im;
	bool seen[2] = { false, false };

	for (size_t i = 1; i < im->n_sh; i++) {
		const Elf64_Shdr *sh = &im->sh[i];
		struct bytes tab;
		Elf64_Sym s;
		uint64_t v;

		if ((sh->sh_type != SHT_SYMTAB && sh->sh_type != SHT_DYNSYM) ||
		    evicted_file_range(sp, sh->sh_offset) || seen[sh->sh_type == SHT_DYNSYM])
			continue;
		seen[sh->sh_type == SHT_DYNSYM] = true;
		tab = (struct bytes){ im->file.p + sh->sh_offset, sh->sh_size };
		for (uint64_t off = 0; bytes_get(tab, off, &s, sizeof(s)); off += sizeof(s))
			if (symbol_moves(sp, &s, &v))
				memcpy(change(sp, ch,
					      sh->sh_offset + off + offsetof(Elf64_Sym, st_value),
					      8, SAVED_SYMBOL),
				       &v, 8);
	}
}

void segment_fix_moved(const struct segment_plan *sp, uint8_t *copy)
{
	const struct image_dyn *d = sp->im->dyn;
	Elf64_Sym s;
	uint8_t *p;

	if (!d || !d->symtab || !segment_evicts(sp, d->symtab))
		return;
	p = copy + (d->symtab - sp->room.evict_vaddr);
	for (uint64_t i = 0; i < d->n_symbols; i++, p += sizeof(s)) {
		memcpy(&s, p, sizeof(s));
		if (symbol_moves(sp, &s, &s.st_value))
			memcpy(p, &s, sizeof(s));
	}
}

static int fix_edits(struct segment_plan *sp, const struct edits *e, struct segment_changes *ch,
		     struct diags *dg)
{
	for (size_t i = 0; e && i < e->n; i++) {
		const struct edit *d = &e->edit[i];
		const uint8_t *old = bytes_at(sp->im->file, d->foff, d->after.n);

		if (!d->before.p || d->before.n != d->after.n || !old ||
		    memcmp(old, d->before.p, d->before.n))
			return diag(dg, DIAG_I001, at_file(sp->im->path),
				    "the edit at 0x%" PRIx64 " (%s) does not fit the file",
				    d->vaddr, d->why);
		memcpy(change(sp, ch, d->foff, d->after.n, SAVED_SITE), d->after.p, d->after.n);
	}
	return 0;
}

int segment_fix(struct segment_plan *sp, const struct segment_fill *f, struct segment_changes *ch,
		struct diags *dg)
{
	change(sp, ch, 0, sizeof(Elf64_Ehdr), SAVED_ELF_HEADER);
	fix_phdrs(sp, ch);
	fix_dynamic(sp, f->init_vaddr, ch);
	fix_symbols(sp, ch);
	return fix_edits(sp, f->edits, ch, dg);
}
