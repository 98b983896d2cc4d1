/* SPDX-License-Identifier: MIT
 *
 * cfi.c - writes the .eh_frame of trampolines. */
#include "cfi.h"
#include "eh_read.h"

enum { DATA_ALIGN = -8 };

struct cfi_row cfi_entry_row(void)
{
	struct cfi_row row = { .cfa = { .kind = CFI_REGISTER, .reg = CFI_RSP, .off = 8 } };

	row.reg[CFI_RA] = (struct cfi_rule){ .kind = CFI_OFFSET, .off = -8 };
	return row;
}

bool cfi_row_is_entry(const struct cfi_row *row)
{
	return row->cfa.kind == CFI_REGISTER && row->cfa.reg == CFI_RSP && row->cfa.off == 8 &&
	       row->reg[CFI_RA].kind == CFI_OFFSET && row->reg[CFI_RA].off == -8;
}

bool cfi_row_is_inside(const struct cfi_row *row)
{
	return row->cfa.kind == CFI_REGISTER && (row->cfa.reg != CFI_RSP || row->cfa.off != 8) &&
	       row->reg[CFI_RA].kind == CFI_OFFSET && row->reg[CFI_RA].off == -8;
}

struct cfi_row cfi_pushed(struct cfi_row row, int64_t n)
{
	if (row.cfa.kind == CFI_REGISTER && row.cfa.reg == CFI_RSP)
		row.cfa.off += n;
	return row;
}

static void put_uleb(struct code *c, uint64_t v)
{
	do {
		uint8_t b = v & 0x7f;

		v >>= 7;
		PUT(c, (uint8_t)(b | (v ? 0x80 : 0)));
	} while (v);
}

static void put_sleb(struct code *c, int64_t v)
{
	bool more = true;

	while (more) {
		uint8_t b = v & 0x7f;

		v >>= 7;
		more = !((v == 0 && !(b & 0x40)) || (v == -1 && (b & 0x40)));
		PUT(c, (uint8_t)(b | (more ? 0x80 : 0)));
	}
}

/* Fills a length field and pads with DW_CFA_nop to whole 8 bytes. */
static void close_entry(struct code *c, size_t len_off)
{
	uint32_t n;

	while ((c->n - len_off) % 8)
		PUT(c, DW_CFA_nop);
	n = (uint32_t)(c->n - len_off - 4);
	if (len_off + 4 <= c->cap)
		memcpy(c->p + len_off, &n, 4);
}

void cfi_cie(struct cfi_out *o)
{
	struct code *c = &o->c;
	size_t len = c->n;

	put32(c, 0);
	put32(c, 0);			/* this is a CIE */
	PUT(c, 1, 'z', 'R', 0);
	put_uleb(c, 1);			/* code alignment */
	put_sleb(c, DATA_ALIGN);
	PUT(c, CFI_RA, 1, EH_PE_PCREL | EH_PE_SDATA4);
	PUT(c, DW_CFA_def_cfa, CFI_RSP, 8);
	PUT(c, DW_CFA_offset | CFI_RA, 1);
	close_entry(c, len);
}

void cfi_begin(struct cfi_out *o, uint64_t pc)
{
	struct code *c = &o->c;

	o->fde = c->n;
	o->pc = o->at = pc;
	o->now = cfi_entry_row();
	put32(c, 0);
	put32(c, (uint32_t)c->n);	/* back to the CIE at offset 0 */
	put_rel32(c, pc + 4, 0);	/* relative to the field itself */
	put32(c, 0);
	PUT(c, 0);			/* no augmentation data */
}

static bool same_rule(const struct cfi_rule *a, const struct cfi_rule *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CFI_SAME: case CFI_UNDEFINED:
		return true;
	case CFI_EXPR: case CFI_VAL_EXPR:
		return a->expr.n == b->expr.n && !memcmp(a->expr.p, b->expr.p, a->expr.n);
	default:
		return a->reg == b->reg && a->off == b->off;
	}
}

static void put_expr(struct code *c, struct bytes expr)
{
	put_uleb(c, expr.n);
	put(c, expr.p, expr.n);
}

static void put_cfa(struct code *c, const struct cfi_rule *r)
{
	if (r->kind == CFI_EXPR) {
		PUT(c, DW_CFA_def_cfa_expression);
		put_expr(c, r->expr);
	} else if (r->off >= 0) {
		PUT(c, DW_CFA_def_cfa);
		put_uleb(c, r->reg);
		put_uleb(c, (uint64_t)r->off);
	} else {	/* a multiple of the data alignment, or it could not have been said */
		PUT(c, DW_CFA_def_cfa_sf);
		put_uleb(c, r->reg);
		put_sleb(c, r->off / DATA_ALIGN);
	}
}

static void put_rule(struct code *c, uint8_t reg, const struct cfi_rule *r)
{
	static const uint8_t op[] = {
		[CFI_SAME] = DW_CFA_same_value, [CFI_UNDEFINED] = DW_CFA_undefined,
		[CFI_OFFSET] = DW_CFA_offset_extended_sf, [CFI_VAL_OFFSET] = DW_CFA_val_offset_sf,
		[CFI_REGISTER] = DW_CFA_register, [CFI_EXPR] = DW_CFA_expression,
		[CFI_VAL_EXPR] = DW_CFA_val_expression,
	};

	PUT(c, op[r->kind]);
	put_uleb(c, reg);
	if (r->kind == CFI_OFFSET || r->kind == CFI_VAL_OFFSET)
		put_sleb(c, r->off / DATA_ALIGN);
	else if (r->kind == CFI_REGISTER)
		put_uleb(c, r->reg);
	else if (r->kind == CFI_EXPR || r->kind == CFI_VAL_EXPR)
		put_expr(c, r->expr);
}

void cfi_set(struct cfi_out *o, uint64_t pc, const struct cfi_row *row)
{
	struct code *c = &o->c;
	bool same = same_rule(&o->now.cfa, &row->cfa);
	uint64_t d = pc - o->at;

	for (unsigned i = 0; i < CFI_REGS; i++)
		same &= same_rule(&o->now.reg[i], &row->reg[i]);
	if (same)
		return;
	if (d && d < 64) {
		PUT(c, (uint8_t)(DW_CFA_advance_loc | d));
	} else if (d && d < 256) {
		PUT(c, DW_CFA_advance_loc1, (uint8_t)d);
	} else if (d) {
		PUT(c, DW_CFA_advance_loc4);
		put32(c, (uint32_t)d);
	}
	if (!same_rule(&o->now.cfa, &row->cfa))
		put_cfa(c, &row->cfa);
	for (unsigned i = 0; i < CFI_REGS; i++)
		if (!same_rule(&o->now.reg[i], &row->reg[i]))
			put_rule(c, (uint8_t)i, &row->reg[i]);
	o->now = *row;
	o->at = pc;
}

void cfi_end(struct cfi_out *o, uint64_t pc_end)
{
	struct code *c = &o->c;
	uint32_t n = (uint32_t)(pc_end - o->pc);

	if (o->fde + 16 <= c->cap)
		memcpy(c->p + o->fde + 12, &n, 4);
	close_entry(c, o->fde);
	*ARENA_PUSH(o->arena, o->entry, o->n_entry, o->cap_entry) =
		(struct cfi_entry){ o->pc, c->vaddr + o->fde };
}
