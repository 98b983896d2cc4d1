/* SPDX-License-Identifier: MIT
 *
 * cfi_read.c - what the target's .eh_frame and .gcc_except_table say.  All of it is somebody
 * else's: every read is bounded, loops end with the bytes. */
#include "cfi.h"
#include "eh_read.h"

enum { STACK = 16, MAX_PADS = 1 << 16 };

static struct eh_cursor cursor_at(const struct image *im, uint64_t vaddr)
{
	return (struct eh_cursor){ .b = image_from(im, vaddr), .vaddr = vaddr };
}

static bool read_fde(const struct image *im, uint64_t fde_vaddr, struct eh_cie *cie,
		     struct eh_fde *fde)
{
	struct eh_cursor c = cursor_at(im, fde_vaddr), body, id, of;
	uint64_t back;

	if (!eh_entry(&c, &body))
		return false;
	id = body;
	back = eh_take(&id, 4);
	c = cursor_at(im, body.vaddr + body.off - back);
	return back && eh_entry(&c, &of) && eh_read_cie(of, cie) && cie->ra_reg == CFI_RA &&
	       cie->code_align && eh_read_fde(body, cie, fde);
}

struct machine {		/* runs call frame instructions */
	struct cfi_row row, init, stack[STACK];
	unsigned n_stack;
	uint64_t loc, stop;	/* the row in force at `stop` is wanted */
	bool done;
	cfi_see_row *see;	/* or NULL */
	void *arg;
	struct cfi_rule other;	/* vector registers and the like: nobody asks */
};

static struct cfi_rule *rule_of(struct machine *m, uint64_t reg)
{
	return reg < CFI_REGS ? &m->row.reg[reg] : &m->other;
}

static void restore_rule(struct machine *m, uint64_t reg)
{
	*rule_of(m, reg) = reg < CFI_REGS ? m->init.reg[reg] : m->other;
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t off)
{
	m->row.cfa = (struct cfi_rule){ .kind = CFI_REGISTER, .reg = (uint8_t)reg, .off = off };
}

static void advance(struct machine *m, uint64_t by)
{
	if (m->see && by)
		m->see(m->arg, m->loc, m->loc + by, &m->row);
	if (m->loc + by > m->stop)
		m->done = true;
	else
		m->loc += by;
}

/* Times the data alignment; whatever hostile numbers give, it is defined. */
static int64_t scaled(const struct eh_cie *f, int64_t v)
{
	return (int64_t)((uint64_t)v * (uint64_t)f->data_align);
}

static void remember(struct machine *m, struct eh_cursor *c)
{
	if (m->n_stack == STACK)
		c->bad = true;
	else
		m->stack[m->n_stack++] = m->row;
}

static void recall(struct machine *m, struct eh_cursor *c)
{
	if (!m->n_stack)
		c->bad = true;
	else
		m->row = m->stack[--m->n_stack];
}

/* The instructions that say how one register is found. */
static void step_rule(struct machine *m, const struct eh_cie *f, struct eh_cursor *c, uint8_t op)
{
	uint64_t reg = eh_uleb(c);
	struct cfi_rule *r = rule_of(m, reg);

	switch (op) {
	case DW_CFA_offset_extended:
		*r = (struct cfi_rule){ .kind = CFI_OFFSET, .off = scaled(f, (int64_t)eh_uleb(c)) };
		break;
	case DW_CFA_offset_extended_sf:
		*r = (struct cfi_rule){ .kind = CFI_OFFSET, .off = scaled(f, eh_sleb(c)) };
		break;
	case DW_CFA_val_offset:
		*r = (struct cfi_rule){ .kind = CFI_VAL_OFFSET, .off = scaled(f, (int64_t)eh_uleb(c)) };
		break;
	case DW_CFA_val_offset_sf:
		*r = (struct cfi_rule){ .kind = CFI_VAL_OFFSET, .off = scaled(f, eh_sleb(c)) };
		break;
	case DW_CFA_restore_extended: restore_rule(m, reg); break;
	case DW_CFA_undefined: *r = (struct cfi_rule){ .kind = CFI_UNDEFINED }; break;
	case DW_CFA_same_value: *r = (struct cfi_rule){ .kind = CFI_SAME }; break;
	case DW_CFA_register:
		*r = (struct cfi_rule){ .kind = CFI_REGISTER, .reg = (uint8_t)eh_uleb(c) };
		break;
	case DW_CFA_expression:
		*r = (struct cfi_rule){ .kind = CFI_EXPR, .expr = eh_block(c, eh_uleb(c)) };
		break;
	case DW_CFA_val_expression:
		*r = (struct cfi_rule){ .kind = CFI_VAL_EXPR, .expr = eh_block(c, eh_uleb(c)) };
		break;
	default: c->bad = true; break;
	}
}

/* The instructions whose first two bits are 0. */
static void step_low(struct machine *m, const struct eh_cie *f, struct eh_cursor *c, uint8_t op)
{
	struct cfi_rule *cfa = &m->row.cfa;
	uint64_t reg;

	switch (op) {
	case DW_CFA_nop: break;
	case DW_CFA_set_loc: m->done = true; break;	/* nobody emits it */
	case DW_CFA_advance_loc1: advance(m, eh_take(c, 1) * f->code_align); break;
	case DW_CFA_advance_loc2: advance(m, eh_take(c, 2) * f->code_align); break;
	case DW_CFA_advance_loc4: advance(m, eh_take(c, 4) * f->code_align); break;
	case DW_CFA_remember_state: remember(m, c); break;
	case DW_CFA_restore_state: recall(m, c); break;
	case DW_CFA_def_cfa: reg = eh_uleb(c); set_cfa(m, reg, (int64_t)eh_uleb(c)); break;
	case DW_CFA_def_cfa_sf: reg = eh_uleb(c); set_cfa(m, reg, scaled(f, eh_sleb(c))); break;
	case DW_CFA_def_cfa_register: cfa->reg = (uint8_t)eh_uleb(c); break;
	case DW_CFA_def_cfa_offset: cfa->off = (int64_t)eh_uleb(c); break;
	case DW_CFA_def_cfa_offset_sf: cfa->off = scaled(f, eh_sleb(c)); break;
	case DW_CFA_def_cfa_expression:
		*cfa = (struct cfi_rule){ .kind = CFI_EXPR, .expr = eh_block(c, eh_uleb(c)) };
		break;
	case DW_CFA_GNU_args_size: eh_uleb(c); break;
	default: step_rule(m, f, c, op); break;
	}
}

static bool run(struct machine *m, const struct eh_cie *f, struct eh_cursor c)
{
	while (c.off < c.b.n && !c.bad && !m->done) {
		uint8_t op = (uint8_t)eh_take(&c, 1), low = op & 0x3f;

		switch (op & 0xc0) {
		case DW_CFA_advance_loc: advance(m, low * f->code_align); break;
		case DW_CFA_offset:
			*rule_of(m, low) = (struct cfi_rule){
				.kind = CFI_OFFSET, .off = scaled(f, (int64_t)eh_uleb(&c)) };
			break;
		case DW_CFA_restore: restore_rule(m, low); break;
		default: step_low(m, f, &c, op); break;
		}
	}
	return !c.bad;
}

/* Runs the instructions of the FDE that holds vaddr, behind those of its CIE. */
static bool run_fde(const struct image *im, uint64_t vaddr, struct machine *m, struct eh_fde *fde)
{
	const struct image_fde *at = image_fde_at(im, vaddr);
	cfi_see_row *see = m->see;
	uint64_t stop = m->stop;
	struct eh_cie cie;

	m->see = NULL;
	m->stop = UINT64_MAX;
	if (!at || !read_fde(im, at->fde_vaddr, &cie, fde) || !run(m, &cie, cie.insn))
		return false;
	m->row.signal = cie.signal;
	m->init = m->row;
	m->loc = fde->pc;
	m->see = see;
	m->stop = stop;
	m->done = false;
	return run(m, &cie, fde->insn);
}

/* Can the rule be said again, elsewhere and with our data alignment? */
static bool can_repeat(const struct cfi_rule *r)
{
	return (r->kind != CFI_OFFSET && r->kind != CFI_VAL_OFFSET) || r->off % 8 == 0;
}

bool cfi_rows(const struct image *im, uint64_t vaddr, cfi_see_row *see, void *arg)
{
	struct machine m = { .stop = UINT64_MAX, .see = see, .arg = arg };
	struct eh_fde fde;

	if (!run_fde(im, vaddr, &m, &fde))
		return false;
	if (m.loc - fde.pc < fde.pc_bytes)
		see(arg, m.loc, fde.pc + fde.pc_bytes, &m.row);
	return true;
}

bool cfi_row_at(const struct image *im, uint64_t vaddr, struct cfi_row *out)
{
	struct machine m = { .stop = vaddr };
	struct eh_fde fde;
	bool ok = run_fde(im, vaddr, &m, &fde) && vaddr - fde.pc < fde.pc_bytes;

	*out = m.row;
	ok &= m.row.cfa.kind == CFI_REGISTER || m.row.cfa.kind == CFI_EXPR;
	if (m.row.cfa.kind == CFI_REGISTER)
		ok &= m.row.cfa.off >= 0 || m.row.cfa.off % 8 == 0;
	for (unsigned i = 0; i < CFI_REGS; i++)
		ok &= can_repeat(&m.row.reg[i]);
	return ok;
}

/* The call-site table of an LSDA (Itanium C++ ABI, exception handling, level II). */
void cfi_landing_pads(const struct image *im, const struct image_fde *fde,
		      void (*see)(void *arg, uint64_t vaddr), void *arg)
{
	struct eh_cursor c = cursor_at(im, fde->lsda_vaddr);
	uint64_t base, bytes;
	uint8_t enc;

	if (!c.b.n)
		return;
	enc = (uint8_t)eh_take(&c, 1);
	base = enc == EH_PE_OMIT ? fde->vaddr : eh_pointer(&c, enc);
	if (eh_take(&c, 1) != EH_PE_OMIT)
		eh_uleb(&c);	/* the way to the table of types */
	enc = eh_take(&c, 1) & EH_PE_FORMAT;
	bytes = eh_uleb(&c);
	if (c.bad || bytes > c.b.n - c.off)
		return;
	c.b.n = c.off + bytes;
	for (unsigned i = 0; c.off < c.b.n && !c.bad && i < MAX_PADS; i++) {
		uint64_t pad;

		eh_pointer(&c, enc);	/* start, length */
		eh_pointer(&c, enc);
		pad = eh_pointer(&c, enc);
		eh_uleb(&c);		/* action */
		if (pad && !c.bad)
			see(arg, base + pad);
	}
}
