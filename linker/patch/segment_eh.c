/* SPDX-License-Identifier: MIT
 *
 * segment_eh.c - .eh_frame_hdr: the sorted table by which unwinders find an FDE (LSB core
 * specification, 10.6.2).  There can be only one, so ours holds the original's entries too. */
#include "segment_priv.h"

#include <stdlib.h>

enum {
	ENC_PCREL_SDATA4 = 0x1b, ENC_UDATA4 = 0x03, ENC_DATAREL_SDATA4 = 0x3b,
	HEAD_BYTES = 12, ENTRY_BYTES = 8,
};

/* The original's table, when it has one of the form that all linkers write. */
static const uint8_t *old_table(const struct image *im, size_t *n)
{
	const uint8_t *p =
		im->eh_frame_hdr_vaddr ? image_at(im, im->eh_frame_hdr_vaddr, HEAD_BYTES) : NULL;
	uint32_t count;

	*n = 0;
	if (!p || p[0] != 1 || p[1] != ENC_PCREL_SDATA4 || p[2] != ENC_UDATA4 ||
	    p[3] != ENC_DATAREL_SDATA4)
		return NULL;
	memcpy(&count, p + 8, sizeof(count));
	if (!count ||
	    !image_at(im, im->eh_frame_hdr_vaddr, HEAD_BYTES + ENTRY_BYTES * (uint64_t)count))
		return NULL;
	*n = count;
	return p + HEAD_BYTES;
}

size_t segment_old_hdr_entries(const struct image *im)
{
	size_t n;

	return old_table(im, &n) ? n : im->n_fde;
}

struct entry {
	uint64_t pc, fde;
};

static int by_pc(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static size_t old_entries(const struct image *im, struct entry *e)
{
	size_t n;
	const uint8_t *p = old_table(im, &n);

	for (size_t i = 0; i < n; i++) {
		int32_t v[2];

		memcpy(v, p + i * ENTRY_BYTES, sizeof(v));
		e[i] = (struct entry){ im->eh_frame_hdr_vaddr + (uint64_t)(int64_t)v[0],
				       im->eh_frame_hdr_vaddr + (uint64_t)(int64_t)v[1] };
	}
	for (size_t i = 0; !p && i < im->n_fde; i++)
		e[n++] = (struct entry){ im->fde[i].vaddr, im->fde[i].fde_vaddr };
	return n;
}

static void put32(uint8_t *dst, uint64_t v)
{
	uint32_t w = (uint32_t)v;

	memcpy(dst, &w, sizeof(w));
}

void segment_write_hdr(const struct segment_plan *sp, const struct cfi_entry *cfi, size_t n_cfi,
		       uint8_t *dst)
{
	struct entry *e = arena_array(sp->a, sp->n_old_hdr + n_cfi, sizeof(*e));
	size_t n = old_entries(sp->im, e);

	for (size_t i = 0; i < n_cfi; i++)
		e[n++] = (struct entry){ cfi[i].pc_vaddr, cfi[i].fde_vaddr };
	qsort(e, n, sizeof(*e), by_pc);
	memcpy(dst, (uint8_t[]){ 1, ENC_PCREL_SDATA4, ENC_UDATA4, ENC_DATAREL_SDATA4 }, 4);
	put32(dst + 4, sp->im->eh_frame_vaddr - (sp->hdr_vaddr + 4));
	put32(dst + 8, n);
	for (size_t i = 0; i < n; i++) {
		put32(dst + HEAD_BYTES + i * ENTRY_BYTES, e[i].pc - sp->hdr_vaddr);
		put32(dst + HEAD_BYTES + i * ENTRY_BYTES + 4, e[i].fde - sp->hdr_vaddr);
	}
}
