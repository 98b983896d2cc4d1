/* SPDX-License-Identifier: MIT
 *
 * image_eh.c - function extents from .eh_frame. */
#include "image_priv.h"

#include <stdlib.h>

#include "eh_read.h"

static int by_vaddr(const void *a, const void *b)
{
	const struct image_fde *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return x->fde_vaddr < y->fde_vaddr ? -1 : x->fde_vaddr > y->fde_vaddr;
}

/* Where .eh_frame is: from its section, or from .eh_frame_hdr. */
static struct eh_cursor eh_frame(const struct image *im)
{
	const Elf64_Shdr *sh = image_section(im, ".eh_frame");
	struct eh_cursor c = { .bad = false };
	struct eh_cursor h = { .b = image_from(im, im->eh_frame_hdr_vaddr), .off = 4,
			       .vaddr = im->eh_frame_hdr_vaddr };

	if (sh && sh->sh_type != SHT_NOBITS && (sh->sh_flags & SHF_ALLOC)) {
		c.vaddr = sh->sh_addr;
		c.b = (struct bytes){ image_at(im, sh->sh_addr, sh->sh_size), sh->sh_size };
	} else if (h.b.n >= 4 && h.b.p[0] == 1) {	/* version, encoding of what follows */
		c.vaddr = eh_pointer(&h, h.b.p[1]);
		c.b = image_from(im, h.bad ? 0 : c.vaddr);
	}
	if (!c.b.p)
		c.b.n = 0;
	return c;
}

void image_read_fdes(struct image_reader *r)
{
	struct image *im = r->im;
	struct eh_cursor c = eh_frame(im), body;
	uint64_t cie_off = UINT64_MAX;
	struct eh_cie cie;
	bool cie_ok = false;
	size_t cap = 0;

	if (!c.b.n)
		return;
	im->eh_frame_vaddr = c.vaddr;
	for (uint64_t at = 0; eh_entry(&c, &body); at = c.off) {
		struct eh_cursor id = body, other = c;
		uint64_t back = eh_take(&id, 4);
		struct eh_fde fde;

		if (!back)
			continue;	/* a CIE */
		if (back > body.off)
			break;
		if (cie_off != body.off - back) {
			other.off = cie_off = body.off - back;
			cie_ok = eh_entry(&other, &id) && eh_read_cie(id, &cie);
		}
		if (cie_ok && eh_read_fde(body, &cie, &fde) && fde.pc && fde.pc_bytes)
			*ARENA_PUSH(im->arena, im->fde, im->n_fde, cap) = (struct image_fde){
				fde.pc, fde.pc_bytes, c.vaddr + at, fde.lsda_vaddr };
	}
	if (im->n_fde)
		qsort(im->fde, im->n_fde, sizeof(*im->fde), by_vaddr);
}

const struct image_fde *image_fde_at(const struct image *im, uint64_t vaddr)
{
	size_t lo = 0, hi = im->n_fde;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (im->fde[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || vaddr - im->fde[lo - 1].vaddr >= im->fde[lo - 1].bytes)
		return NULL;
	return &im->fde[lo - 1];
}
