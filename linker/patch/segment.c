/* SPDX-License-Identifier: MIT */
#include "segment_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#define REFUSE(code_, ...) diag(dg, DIAG_##code_, at_file(im->path), __VA_ARGS__)

enum {
	MAX_ALIGN = 2 << 20, MAX_SPAN = 0x7fe00000,	/* of a rel32, less some room */
	RW_FILE_MIN = 8,	/* eu-elflint finds fault with a segment that is all bss */
};

/* File sizes and addresses are far from 2^64: image_parse() saw to that. */
static uint64_t up(uint64_t v, uint64_t align) { return (v + align - 1) & ~(align - 1); }

/* Where the last thing that the file describes ends. */
static uint64_t described_end(const struct image *im)
{
	uint64_t end = im->eh.e_phoff + im->eh.e_phnum * sizeof(Elf64_Phdr), e;

	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type != PT_NULL && im->ph[i].p_filesz &&
		    (e = im->ph[i].p_offset + im->ph[i].p_filesz) > end)
			end = e;
	for (size_t i = 1; i < im->n_sh; i++)
		if (im->sh[i].sh_type != SHT_NOBITS && im->sh[i].sh_type != SHT_NULL &&
		    (e = im->sh[i].sh_offset + im->sh[i].sh_size) > end)
			end = e;
	if (im->n_sh && (e = im->eh.e_shoff + im->n_sh * sizeof(Elf64_Shdr)) > end)
		end = e;
	return end;
}

/* Appended data (AppImage, self-extracting archives) is found by its distance from the
 * file's end or by the size of the ELF part: both change. */
static int check_overlay(const struct image *im, struct diags *dg)
{
	for (uint64_t i = described_end(im); i < im->file.n; i++)
		if (im->file.p[i])
			return REFUSE(P106, "%" PRIu64 " bytes at offset 0x%" PRIx64,
				      im->file.n - i, i);
	return 0;
}

static int find_room(struct segment_plan *sp, bool need_rw, bool need_hdr, struct diags *dg)
{
	/* patchelf adds a header without looking at what follows the table in the file: a
	 * spare place is left for it where that is cheap. */
	static const struct segment_try tries[] = {
		{ 2, 1, false, false }, { 2, 0, false, false }, { 2, 0, true, false },
		{ 1, 0, false, false }, { 1, 0, true, false }, { 1, 0, true, true },
	};
	const struct image *im = sp->im;
	const char *why = "";

	sp->add_eh_phdr = need_hdr && !im->eh_frame_hdr_vaddr;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct segment_try t = tries[i];

		sp->one_slot = t.n_new == 1 && need_rw;
		if (t.n_new == 2 && !need_rw)
			continue;
		t.n_new += sp->add_eh_phdr;
		if (segment_find_room(sp->a, im, &t, &sp->room, &why))
			return 0;
	}
	return REFUSE(P105, "%s%s", why, sp->add_eh_phdr
		      ? ", and return hooks need one more for unwind data" : "");
}

/* Addresses, all behind everything the file maps. */
static int lay_out(struct segment_plan *sp, const struct lnk_size *size, size_t n_hdr,
		   struct diags *dg)
{
	const struct image *im = sp->im;
	uint64_t align = SEGMENT_PAGE, base = UINT64_MAX, rw_align = size->rw_align, at;

	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &im->ph[i];

		if (p->p_type != PT_LOAD)
			continue;
		base = base == UINT64_MAX ? p->p_vaddr : base;
		if (p->p_align > align && p->p_align <= MAX_ALIGN)
			align = p->p_align;
	}
	sp->seg_foff = up(im->file.n, SEGMENT_PAGE);
	sp->seg_vaddr = up(im->vaddr_end, align);
	if (size->rx_bytes > MAX_SPAN ||
	    size->rw_bytes > MAX_SPAN || size->rx_align > MAX_ALIGN || rw_align > MAX_ALIGN)
		return REFUSE(P107, "the payload has %" PRIu64 " bytes",
			      size->rx_bytes + size->rw_bytes);
	at = sp->seg_vaddr + sizeof(struct patchfmt_marker);
	sp->rx_vaddr = up(at, size->rx_align ? size->rx_align : 1);
	sp->rx_bytes = size->rx_bytes;
	at = sp->rx_vaddr + sp->rx_bytes;
	if (segment_evict_bytes(sp)) {
		at += (sp->room.evict_vaddr - at) & 63;	/* keeps alignments up to 64 */
		sp->evicted_vaddr = at;
		at += segment_evict_bytes(sp);
	}
	if (n_hdr) {
		sp->hdr_vaddr = up(at, 8);
		sp->hdr_bytes = 12 + 8 * (uint64_t)n_hdr;
		at = sp->hdr_vaddr + sp->hdr_bytes;
	}
	sp->rx_end_vaddr = sp->end_vaddr = sp->file_end_vaddr = at;
	sp->rw_bytes = size->rw_bytes;
	if (size->rw_bytes) {
		sp->rw_vaddr = up(at, rw_align > SEGMENT_PAGE ? rw_align : SEGMENT_PAGE);
		sp->end_vaddr = sp->rw_vaddr + sp->rw_bytes;
		sp->rw_file_bytes = sp->one_slot ? sp->rw_bytes :
				    size->rw_file_bytes < RW_FILE_MIN ? RW_FILE_MIN : size->rw_file_bytes;
		sp->file_end_vaddr = sp->rw_vaddr + sp->rw_file_bytes;
	}
	if (sp->end_vaddr - base > MAX_SPAN)
		return REFUSE(P107, "0x%" PRIx64 " bytes from its first to its last address",
			      sp->end_vaddr - base);
	return 0;
}

int segment_plan(struct arena *a, const struct image *im, const struct lnk_size *size,
		 size_t extra_hdr_entries, struct segment_plan **out,
		 struct segment_place *place, struct diags *dg)
{
	struct segment_plan *sp = arena_alloc(a, sizeof(*sp));
	size_t n_hdr = 0;
	int err;

	sp->a = a;
	sp->im = im;
	if (segment_marker(im) || image_section(im, ".bpftime.meta"))
		return REFUSE(P110, "revert it first");
	if ((err = check_overlay(im, dg)))
		return err;
	/* Where no function has unwind data nobody can unwind through ours. */
	if (extra_hdr_entries && im->n_fde) {
		sp->n_old_hdr = segment_old_hdr_entries(im);
		n_hdr = sp->n_old_hdr + extra_hdr_entries;
	}
	if ((err = find_room(sp, size->rw_bytes, n_hdr, dg)) ||
	    (err = lay_out(sp, size, n_hdr, dg)))
		return err;
	*place = (struct segment_place){ sp->rx_vaddr, sp->rw_vaddr, sp->one_slot };
	*out = sp;
	return 0;
}

static int by_foff(const void *a, const void *b)
{
	const struct segment_change *x = a, *y = b;

	return x->foff < y->foff ? -1 : x->foff > y->foff;
}

/* Sorted, inside the file, none over another. */
static int check_changes(const struct segment_plan *sp, struct segment_changes *ch,
			 struct diags *dg)
{
	uint64_t end = 0;

	qsort(ch->c, ch->n, sizeof(*ch->c), by_foff);
	for (size_t i = 0; i < ch->n; i++) {
		if (ch->c[i].foff < end || !bytes_at(sp->im->file, ch->c[i].foff, ch->c[i].bytes))
			return diag(dg, DIAG_P100, at_file(sp->im->path),
				    "what has to change overlaps at offset 0x%" PRIx64,
				    ch->c[i].foff);
		end = ch->c[i].foff + ch->c[i].bytes;
	}
	return 0;
}

static void put_segment(const struct segment_plan *sp, const struct segment_fill *f, uint8_t *file)
{
	struct patchfmt_marker m = { .magic = PATCHFMT_MARKER_MAGIC,
				     .version = PATCHFMT_MARKER_VERSION,
				     .size = sizeof(m) };
	uint8_t *copy = file + segment_foff(sp, sp->evicted_vaddr);

	memcpy(file + sp->seg_foff, &m, sizeof(m));
	if (f->rx.n)
		memcpy(file + segment_foff(sp, sp->rx_vaddr), f->rx.p, f->rx.n);
	if (segment_evict_bytes(sp)) {
		memcpy(copy, sp->im->file.p + sp->room.evict_off, segment_evict_bytes(sp));
		segment_fix_moved(sp, copy);
	}
	if (sp->hdr_bytes)
		segment_write_hdr(sp, f->cfi, f->n_cfi, file + segment_foff(sp, sp->hdr_vaddr));
	if (f->rw.n)
		memcpy(file + segment_foff(sp, sp->rw_vaddr), f->rw.p,
		       f->rw.n < sp->rw_file_bytes ? f->rw.n : sp->rw_file_bytes);
}

static void put_header(const struct segment_plan *sp, const struct segment_fill *f,
		       const struct segment_sections *sec, uint64_t shoff,
		       struct segment_change *ch)
{
	Elf64_Ehdr eh = sp->im->eh;

	eh.e_phnum = (Elf64_Half)sp->room.n_phdr;
	if (f->entry_vaddr)
		eh.e_entry = f->entry_vaddr;
	if (sec->present) {
		eh.e_shoff = shoff;
		eh.e_shnum = sec->n < SHN_LORESERVE ? (Elf64_Half)sec->n : 0;
		if (!eh.e_shnum)
			sec->sh[0].sh_size = sec->n;
	}
	memcpy(ch->after, &eh, sizeof(eh));
}

/* Does the result still contain the input? */
static int check_revert(const struct segment_plan *sp, struct bytes out, struct diags *dg)
{
	struct diags inner = { 0 };
	struct bytes back;
	struct image *im;

	if (image_parse(sp->a, sp->im->path, out, &sp->im->st, &im, &inner) ||
	    segment_revert(sp->a, im, &back, &inner))
		return diag(dg, DIAG_I001, at_file(sp->im->path), "the result cannot be read: %s",
			    inner.first_text);
	if (back.n != sp->im->file.n || memcmp(back.p, sp->im->file.p, back.n))
		return diag(dg, DIAG_I001, at_file(sp->im->path), "the result cannot be reverted");
	return 0;
}

int segment_write(struct segment_plan *sp, const struct segment_fill *f, struct bytes *out,
		  struct diags *dg)
{
	uint64_t meta_foff, names_foff, shoff, end;
	struct segment_sections sec = { 0 };
	struct segment_changes ch = { 0 };
	struct segment_change *header;
	struct bytes meta;
	uint8_t *file;
	int err;

	if (f->rx.n > sp->rx_bytes || f->rw.n > sp->rw_bytes ||
	    (sp->hdr_bytes && f->n_cfi > sp->hdr_bytes / 8 - 1 - sp->n_old_hdr))
		return diag(dg, DIAG_I001, at_file(sp->im->path),
			    "the payload has outgrown its plan");
	if ((err = segment_fix(sp, f, &ch, dg)) || (err = check_changes(sp, &ch, dg)))
		return err;
	header = &ch.c[0];
	meta = segment_make_meta(sp, &ch, f->meta);
	meta_foff = up(segment_foff(sp, sp->file_end_vaddr), 16);
	segment_make_sections(sp, meta_foff, meta.n, &sec);
	names_foff = meta_foff + meta.n;
	shoff = up(names_foff + sec.names_bytes, 8);
	end = shoff + sec.n * sizeof(*sec.sh);
	segment_set_names_foff(sp, &sec, names_foff);

	file = arena_alloc(sp->a, end);
	memcpy(file, sp->im->file.p, sp->im->file.n);
	put_header(sp, f, &sec, shoff, header);
	for (size_t i = 0; i < ch.n; i++)
		memcpy(file + ch.c[i].foff, ch.c[i].after, ch.c[i].bytes);
	put_segment(sp, f, file);
	memcpy(file + meta_foff, meta.p, meta.n);
	if (sec.present) {
		memcpy(file + names_foff, sec.names, sec.names_bytes);
		memcpy(file + shoff, sec.sh, sec.n * sizeof(*sec.sh));
	}
	((struct patchfmt_marker *)(void *)(file + sp->seg_foff))->meta_foff = meta_foff;
	((struct patchfmt_marker *)(void *)(file + sp->seg_foff))->meta_bytes = meta.n;
	segment_seal_meta(file, end, meta_foff);
	*out = (struct bytes){ file, end };
	return check_revert(sp, *out, dg);
}
