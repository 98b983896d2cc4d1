/* SPDX-License-Identifier: MIT */
#include "eh_read.h"

enum { LEB_BITS = 70 };	/* of ten bytes */

uint64_t eh_take(struct eh_cursor *c, unsigned bytes)
{
	uint64_t v = 0;

	if (!bytes_get(c->b, c->off, &v, bytes)) {
		c->bad = true;
		c->off = c->b.n;
		return 0;
	}
	c->off += bytes;
	return v;
}

static uint64_t leb(struct eh_cursor *c, bool is_signed)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = eh_take(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !c->bad && shift < LEB_BITS);
	if (is_signed && (byte & 0x40) && shift < 64)
		v |= ~0ull << shift;
	return v;
}

uint64_t eh_uleb(struct eh_cursor *c) { return leb(c, false); }
int64_t eh_sleb(struct eh_cursor *c) { return (int64_t)leb(c, true); }

uint64_t eh_pointer(struct eh_cursor *c, uint8_t enc)
{
	uint64_t at = c->vaddr + c->off, v;

	if (enc == EH_PE_OMIT)
		return 0;
	if (enc == EH_PE_ALIGNED) {
		c->off += -at & 7;
		return eh_take(c, 8);
	}
	switch (enc & EH_PE_FORMAT) {
	case EH_PE_ABSPTR: case EH_PE_UDATA8: case EH_PE_SDATA8: v = eh_take(c, 8); break;
	case EH_PE_ULEB128: v = eh_uleb(c); break;
	case EH_PE_SLEB128: v = (uint64_t)eh_sleb(c); break;
	case EH_PE_UDATA2: v = eh_take(c, 2); break;
	case EH_PE_SDATA2: v = (uint64_t)(int64_t)(int16_t)eh_take(c, 2); break;
	case EH_PE_UDATA4: v = eh_take(c, 4); break;
	case EH_PE_SDATA4: v = (uint64_t)(int64_t)(int32_t)eh_take(c, 4); break;
	default: c->bad = true; return 0;
	}
	if (!v || !(enc & EH_PE_BASE))
		return v;
	if ((enc & EH_PE_BASE) == EH_PE_PCREL)
		return v + at;
	c->bad = true;
	return 0;
}

struct bytes eh_block(struct eh_cursor *c, uint64_t n)
{
	struct bytes b = { bytes_at(c->b, c->off, n), n };

	if (c->bad || !b.p) {
		c->bad = true;
		return (struct bytes){ NULL, 0 };
	}
	c->off += n;
	return b;
}

bool eh_entry(struct eh_cursor *c, struct eh_cursor *body)
{
	uint64_t n = eh_take(c, 4);

	if (n == UINT32_MAX)	/* 64 bits follow */
		n = eh_take(c, 8);
	if (c->bad || n < 4 || !bytes_at(c->b, c->off, n))
		return false;
	*body = *c;
	body->b.n = c->off + n;
	c->off += n;
	return true;
}

/* What the letters of a CIE's augmentation mean. */
static bool read_augmentation(struct eh_cursor *c, const char *aug, struct eh_cie *out)
{
	for (; *aug && !c->bad; aug++) {
		switch (*aug) {
		case 'R': out->fde_enc = (uint8_t)eh_take(c, 1); break;
		case 'L': out->lsda_enc = (uint8_t)eh_take(c, 1); break;
		case 'P': eh_pointer(c, eh_take(c, 1) & 0x7f); break;	/* not EH_PE_INDIRECT */
		case 'S': out->signal = true; break;
		case 'B': case 'G': break;
		default: return false;
		}
	}
	return !c->bad;
}

bool eh_read_cie(struct eh_cursor c, struct eh_cie *out)
{
	uint64_t id = eh_take(&c, 4), version = eh_take(&c, 1), bytes;
	const char *aug = bytes_str(c.b, c.off);
	struct eh_cursor data;

	*out = (struct eh_cie){ .fde_enc = EH_PE_ABSPTR, .lsda_enc = EH_PE_OMIT };
	if (c.bad || id || (version != 1 && version != 3 && version != 4) || !aug)
		return false;
	c.off += strlen(aug) + 1;
	if (version == 4)
		c.off += 2;	/* address and segment size */
	out->code_align = eh_uleb(&c);
	out->data_align = eh_sleb(&c);
	out->ra_reg = version == 1 ? eh_take(&c, 1) : eh_uleb(&c);
	if (*aug == 'z') {
		out->has_data = true;
		bytes = eh_uleb(&c);
		data = c;
		eh_block(&c, bytes);
		data.b.n = c.off;
		if (c.bad || !read_augmentation(&data, aug + 1, out))
			return false;
	} else if (*aug) {
		return false;
	}
	out->insn = c;
	return !c.bad;
}

bool eh_read_fde(struct eh_cursor c, const struct eh_cie *cie, struct eh_fde *out)
{
	uint8_t enc = cie->fde_enc;
	struct eh_cursor data;
	uint64_t bytes;

	*out = (struct eh_fde){ 0 };
	eh_take(&c, 4);		/* the way to the CIE */
	out->pc = eh_pointer(&c, enc);
	/* The length has the same size, and no base. */
	out->pc_bytes = eh_pointer(&c, enc == EH_PE_ALIGNED ? EH_PE_ABSPTR : enc & EH_PE_FORMAT);
	if (cie->has_data) {
		bytes = eh_uleb(&c);
		data = c;
		eh_block(&c, bytes);
		data.b.n = c.off;
		if (bytes && !c.bad)
			out->lsda_vaddr = eh_pointer(&data, cie->lsda_enc);
	}
	out->insn = c;
	return !c.bad;
}
