/* SPDX-License-Identifier: MIT
 *
 * image_eh.c - function extents from .eh_frame (LSB core specification, chapter 10.6;
 * DWARF 5, 6.4; pointer encodings as in gcc's unwind-pe.h). */
#include "image_priv.h"

#include <stdlib.h>

enum {
	PE_ABSPTR = 0x00, PE_ULEB128 = 0x01, PE_UDATA2 = 0x02, PE_UDATA4 = 0x03, PE_UDATA8 = 0x04,
	PE_SLEB128 = 0x09, PE_SDATA2 = 0x0a, PE_SDATA4 = 0x0b, PE_SDATA8 = 0x0c,
	PE_PCREL = 0x10, PE_ALIGNED = 0x50, PE_INDIRECT = 0x80, PE_OMIT = 0xff,
	MAX_AUGMENTATION = 16,
};

struct cursor {
	struct bytes b;
	uint64_t off, vaddr;	/* of b.p */
	bool bad;
};

struct cie {
	uint64_t off;
	uint8_t  fde_enc, lsda_enc;
	bool     has_data;	/* 'z' */
};

static uint64_t take(struct cursor *c, unsigned n)
{
	uint64_t v = 0;

	if (!bytes_get(c->b, c->off, &v, n))
		c->bad = true;
	c->off += n;
	return v;
}

static uint64_t take_leb(struct cursor *c, bool is_signed)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = take(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !c->bad && shift < 70);
	if (is_signed && (byte & 0x40) && shift < 64)
		v |= ~0ull << shift;
	return v;
}

/* A pointer of encoding enc; only absolute and PC-relative ones occur in .eh_frame. */
static uint64_t take_pointer(struct cursor *c, uint8_t enc)
{
	uint64_t at = c->vaddr + c->off, v;

	if (enc == PE_OMIT)
		return 0;
	if (enc == PE_ALIGNED) {
		c->off += -at & 7;
		return take(c, 8);
	}
	switch (enc & 0x0f) {
	case PE_ABSPTR: case PE_UDATA8: case PE_SDATA8: v = take(c, 8); break;
	case PE_ULEB128: v = take_leb(c, false); break;
	case PE_SLEB128: v = take_leb(c, true); break;
	case PE_UDATA2: v = take(c, 2); break;
	case PE_SDATA2: v = (uint64_t)(int64_t)(int16_t)take(c, 2); break;
	case PE_UDATA4: v = take(c, 4); break;
	case PE_SDATA4: v = (uint64_t)(int64_t)(int32_t)take(c, 4); break;
	default: c->bad = true; return 0;
	}
	switch (enc & 0x70) {
	case 0: return v;
	case PE_PCREL: return v + at;
	default: c->bad = true; return 0;
	}
}

/* One length-prefixed entry at c->off: *body is the offset behind the length, *end that of
 * the next entry.  False at a terminator or at the end. */
static bool next_entry(struct cursor *c, uint64_t *body, uint64_t *end)
{
	uint64_t n = take(c, 4);

	if (n == 0xffffffff)
		n = take(c, 8);
	*body = c->off;
	if (c->bad || n < 4 || !bytes_at(c->b, c->off, n))
		return false;
	*end = c->off + n;
	return true;
}

static bool parse_cie(struct cursor all, uint64_t off, struct cie *out)
{
	struct cursor c = all;
	uint64_t body, end, n, max;
	const char *aug;
	uint8_t version;

	*out = (struct cie){ .off = off, .fde_enc = PE_ABSPTR, .lsda_enc = PE_OMIT };
	c.off = off;
	c.bad = false;
	if (!next_entry(&c, &body, &end))
		return false;
	c.b.n = end;
	if (take(&c, 4) != 0)
		return false;
	version = (uint8_t)take(&c, 1);
	if (version != 1 && version != 3 && version != 4)
		return false;
	if (c.off >= end)
		return false;
	aug = (const char *)c.b.p + c.off;
	max = end - c.off < MAX_AUGMENTATION ? end - c.off : MAX_AUGMENTATION;
	n = strnlen(aug, max);
	if (n == max)
		return false;
	c.off += n + 1;
	if (version == 4)
		c.off += 2;	/* address and segment size */
	take_leb(&c, false);
	take_leb(&c, true);
	if (version == 1)
		take(&c, 1);
	else
		take_leb(&c, false);
	if (*aug != 'z')
		return !c.bad && !*aug;
	out->has_data = true;
	take_leb(&c, false);
	for (aug++; *aug && !c.bad; aug++) {
		uint8_t enc;

		switch (*aug) {
		case 'R': out->fde_enc = (uint8_t)take(&c, 1); break;
		case 'L': out->lsda_enc = (uint8_t)take(&c, 1); break;
		case 'P':
			enc = (uint8_t)take(&c, 1);
			take_pointer(&c, enc & 0x7f);
			break;
		case 'S': case 'B': case 'G': break;
		default: return false;
		}
	}
	return !c.bad;
}

static bool parse_fde(struct cursor c, uint64_t end, const struct cie *cie, struct image_fde *out)
{
	c.b.n = end;
	out->vaddr = take_pointer(&c, cie->fde_enc);
	/* The length has the same size, and no base. */
	out->bytes = take_pointer(&c, cie->fde_enc == PE_ALIGNED ? PE_ABSPTR : cie->fde_enc & 0x0f);
	if (cie->has_data) {
		uint64_t n = take_leb(&c, false);

		out->has_lsda = n && cie->lsda_enc != PE_OMIT;
	}
	return !c.bad && out->bytes && out->vaddr;
}

static int by_vaddr(const void *a, const void *b)
{
	const struct image_fde *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return x->fde_vaddr < y->fde_vaddr ? -1 : x->fde_vaddr > y->fde_vaddr;
}

/* Where .eh_frame is: from its section, or from .eh_frame_hdr. */
static struct cursor eh_frame(const struct image *im)
{
	const Elf64_Shdr *sh = image_section(im, ".eh_frame");
	struct cursor c = { .b = { NULL, 0 } };
	const Elf64_Phdr *ph;
	const uint8_t *p;

	if (sh && sh->sh_type != SHT_NOBITS && (sh->sh_flags & SHF_ALLOC)) {
		c.b = (struct bytes){ image_at(im, sh->sh_addr, sh->sh_size), sh->sh_size };
		c.vaddr = sh->sh_addr;
	} else if (im->eh_frame_hdr_vaddr && (p = image_at(im, im->eh_frame_hdr_vaddr, 4)) &&
		   p[0] == 1) {
		struct cursor h = { { p, 0 }, 4, im->eh_frame_hdr_vaddr, false };

		ph = image_load_at(im, h.vaddr);
		h.b.n = ph->p_filesz - (h.vaddr - ph->p_vaddr);
		c.vaddr = take_pointer(&h, p[1]);
		ph = h.bad ? NULL : image_load_at(im, c.vaddr);
		if (ph && image_at(im, c.vaddr, 1))
			c.b = (struct bytes){ image_at(im, c.vaddr, 1),
					      ph->p_filesz - (c.vaddr - ph->p_vaddr) };
	}
	if (!c.b.p)
		c = (struct cursor){ .b = { NULL, 0 } };
	return c;
}

void image_read_fdes(struct image_reader *r)
{
	struct image *im = r->im;
	struct cursor c = eh_frame(im);
	struct cie cie = { .off = UINT64_MAX };
	bool cie_ok = false;
	uint64_t body, end, at;
	size_t cap = 0;

	if (!c.b.n)
		return;
	im->eh_frame_vaddr = c.vaddr;
	for (at = 0; c.off = at, next_entry(&c, &body, &end); at = end) {
		struct image_fde fde = { .fde_vaddr = c.vaddr + at };
		uint64_t back = take(&c, 4);

		if (!back)
			continue;	/* a CIE */
		if (back > body)
			break;
		if (cie.off != body - back)
			cie_ok = parse_cie(c, body - back, &cie);
		if (cie_ok && parse_fde(c, end, &cie, &fde))
			*ARENA_PUSH(im->arena, im->fde, im->n_fde, cap) = fde;
	}
	if (im->n_fde)
		qsort(im->fde, im->n_fde, sizeof(*im->fde), by_vaddr);
}
