/* SPDX-License-Identifier: MIT
 *
 * cfi_read.c - what the target's .eh_frame and .gcc_except_table say.  All of it is somebody
 * else's: every read is bounded, loops end with the bytes. */
#include "cfi.h"

enum { PE_OMIT = 0xff, STACK = 16, MAX_PADS = 1 << 16 };

struct cur {
	const uint8_t *p;
	size_t   n, off;
	uint64_t vaddr;		/* of p[0] */
	bool     bad;
};

struct frame_info {		/* a CIE and one of its FDEs */
	uint64_t code_align, pc, pc_bytes, lsda_vaddr;
	int64_t  data_align;
	struct cur init, insn;
};

static uint64_t get(struct cur *c, unsigned n)
{
	uint64_t v = 0;

	if (n > c->n - c->off) {
		c->bad = true;
		c->off = c->n;
		return 0;
	}
	memcpy(&v, c->p + c->off, n);
	c->off += n;
	return v;
}

static uint64_t get_leb(struct cur *c, bool is_signed)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = get(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !c->bad && shift < 70);
	if (is_signed && (byte & 0x40) && shift < 64)
		v |= ~0ull << shift;
	return v;
}

static uint64_t get_pointer(struct cur *c, uint8_t enc)
{
	uint64_t at = c->vaddr + c->off, v;

	if (enc == PE_OMIT)
		return 0;
	switch (enc & 0x0f) {
	case 0x00: case 0x04: case 0x0c: v = get(c, 8); break;
	case 0x01: v = get_leb(c, false); break;
	case 0x09: v = get_leb(c, true); break;
	case 0x02: v = get(c, 2); break;
	case 0x0a: v = (uint64_t)(int64_t)(int16_t)get(c, 2); break;
	case 0x03: v = get(c, 4); break;
	case 0x0b: v = (uint64_t)(int64_t)(int32_t)get(c, 4); break;
	default: c->bad = true; return 0;
	}
	if ((enc & 0x70) == 0x10 && v)
		v += at;
	else if ((enc & 0x70) && v)
		c->bad = true;
	return v;
}

/* A cursor over one length-prefixed entry, behind its length. */
static bool entry_at(const struct image *im, uint64_t vaddr, struct cur *out)
{
	const uint8_t *p = image_at(im, vaddr, 4);
	uint32_t n;

	if (!p)
		return false;
	memcpy(&n, p, 4);
	if (n < 4 || n == 0xffffffff || !image_at(im, vaddr, 4 + (uint64_t)n))
		return false;
	*out = (struct cur){ .p = p + 4, .n = n, .vaddr = vaddr + 4 };
	return true;
}

static bool read_cie(struct cur c, struct frame_info *f, uint8_t *fde_enc, uint8_t *lsda_enc,
		     bool *z)
{
	const char *aug;
	uint64_t version, end = 0;

	*fde_enc = 0;
	*lsda_enc = PE_OMIT;
	get(&c, 4);
	version = get(&c, 1);
	aug = (const char *)c.p + c.off;
	if ((version != 1 && version != 3) || !memchr(aug, 0, c.n - c.off))
		return false;
	c.off += strlen(aug) + 1;
	f->code_align = get_leb(&c, false);
	f->data_align = (int64_t)get_leb(&c, true);
	if ((version == 1 ? get(&c, 1) : get_leb(&c, false)) != CFI_RA)
		return false;
	*z = *aug == 'z';
	if (*z) {
		end = get_leb(&c, false);
		if (end > c.n - c.off)
			return false;
		end += c.off;
	} else if (*aug) {
		return false;
	}
	for (aug += *z; *aug && !c.bad; aug++) {
		uint8_t enc;

		switch (*aug) {
		case 'R': *fde_enc = (uint8_t)get(&c, 1); break;
		case 'L': *lsda_enc = (uint8_t)get(&c, 1); break;
		case 'P':
			enc = (uint8_t)get(&c, 1);
			get_pointer(&c, enc & 0x7f);
			break;
		case 'S': case 'B': case 'G': break;
		default: return false;
		}
	}
	if (*z)
		c.off = end;
	f->init = c;
	return !c.bad;
}

static bool read_fde(const struct image *im, uint64_t fde_vaddr, struct frame_info *f)
{
	struct cur c, cie;
	uint8_t fde_enc, lsda_enc;
	uint64_t back, n;
	bool z;

	*f = (struct frame_info){ 0 };
	if (!entry_at(im, fde_vaddr, &c))
		return false;
	back = get(&c, 4);
	if (!back || !entry_at(im, c.vaddr - back, &cie) || !read_cie(cie, f, &fde_enc, &lsda_enc, &z))
		return false;
	f->pc = get_pointer(&c, fde_enc);
	f->pc_bytes = get_pointer(&c, fde_enc & 0x0f);
	if (z) {
		n = get_leb(&c, false);
		if (c.bad || n > c.n - c.off)
			return false;
		n += c.off;
		f->lsda_vaddr = get_pointer(&c, lsda_enc);
		c.off = n;
	}
	f->insn = c;
	return !c.bad;
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

static void set_rule(struct machine *m, uint64_t reg, uint8_t kind, int64_t off)
{
	*rule_of(m, reg) = (struct cfi_rule){ .kind = kind, .off = off };
}

static void restore_rule(struct machine *m, uint64_t reg)
{
	*rule_of(m, reg) = reg < CFI_REGS ? m->init.reg[reg] : m->other;
}

static struct bytes get_block(struct cur *c)
{
	uint64_t n = get_leb(c, false);
	struct bytes b = { c->p + c->off, n };

	if (c->bad || n > c->n - c->off) {
		c->bad = true;
		return (struct bytes){ c->p, 0 };
	}
	c->off += n;
	return b;
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

/* One of the instructions whose first two bits are 0. */
static void step_low(struct machine *m, const struct frame_info *f, struct cur *c, uint8_t op)
{
	uint64_t r;

	switch (op) {
	case 0x00: break;
	case 0x01: m->done = true; break;	/* set_loc: nobody emits it */
	case 0x02: advance(m, get(c, 1) * f->code_align); break;
	case 0x03: advance(m, get(c, 2) * f->code_align); break;
	case 0x04: advance(m, get(c, 4) * f->code_align); break;
	case 0x05:
		r = get_leb(c, false);
		set_rule(m, r, CFI_OFFSET, (int64_t)get_leb(c, false) * f->data_align);
		break;
	case 0x06: restore_rule(m, get_leb(c, false)); break;
	case 0x07: set_rule(m, get_leb(c, false), CFI_UNDEFINED, 0); break;
	case 0x08: set_rule(m, get_leb(c, false), CFI_SAME, 0); break;
	case 0x09:
		r = get_leb(c, false);
		*rule_of(m, r) = (struct cfi_rule){ .kind = CFI_REGISTER,
						    .reg = (uint8_t)get_leb(c, false) };
		break;
	case 0x0a:
		if (m->n_stack == STACK)
			c->bad = true;
		else
			m->stack[m->n_stack++] = m->row;
		break;
	case 0x0b:
		if (!m->n_stack)
			c->bad = true;
		else
			m->row = m->stack[--m->n_stack];
		break;
	case 0x0c: r = get_leb(c, false); set_cfa(m, r, (int64_t)get_leb(c, false)); break;
	case 0x0d: m->row.cfa.reg = (uint8_t)get_leb(c, false); break;
	case 0x0e: m->row.cfa.off = (int64_t)get_leb(c, false); break;
	case 0x0f: m->row.cfa = (struct cfi_rule){ .kind = CFI_EXPR, .expr = get_block(c) }; break;
	case 0x10: case 0x16:
		r = get_leb(c, false);
		*rule_of(m, r) = (struct cfi_rule){ .kind = op == 0x10 ? CFI_EXPR : CFI_VAL_EXPR,
						       .expr = get_block(c) };
		break;
	case 0x11:
		r = get_leb(c, false);
		set_rule(m, r, CFI_OFFSET, (int64_t)get_leb(c, true) * f->data_align);
		break;
	case 0x12:
		r = get_leb(c, false);
		set_cfa(m, r, (int64_t)get_leb(c, true) * f->data_align);
		break;
	case 0x13: m->row.cfa.off = (int64_t)get_leb(c, true) * f->data_align; break;
	case 0x14: case 0x15:
		r = get_leb(c, false);
		set_rule(m, r, CFI_VAL_OFFSET, (int64_t)get_leb(c, op == 0x15) * f->data_align);
		break;
	case 0x2e: get_leb(c, false); break;	/* GNU_args_size */
	default: c->bad = true; break;
	}
}

static bool run(struct machine *m, const struct frame_info *f, struct cur c)
{
	while (c.off < c.n && !c.bad && !m->done) {
		uint8_t op = (uint8_t)get(&c, 1), low = op & 0x3f;

		switch (op >> 6) {
		case 1: advance(m, low * f->code_align); break;
		case 2:
			set_rule(m, low, CFI_OFFSET, (int64_t)get_leb(&c, false) * f->data_align);
			break;
		case 3: restore_rule(m, low); break;
		default: step_low(m, f, &c, op); break;
		}
	}
	return !c.bad;
}

const struct image_fde *cfi_fde_of(const struct image *im, uint64_t vaddr)
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

/* Can the rule be said again, elsewhere and with our data alignment? */
static bool can_repeat(const struct cfi_rule *r)
{
	return (r->kind != CFI_OFFSET && r->kind != CFI_VAL_OFFSET) || r->off % 8 == 0;
}

bool cfi_rows(const struct image *im, uint64_t vaddr, cfi_see_row *see, void *arg)
{
	const struct image_fde *fde = cfi_fde_of(im, vaddr);
	struct frame_info f;
	struct machine m = { .stop = UINT64_MAX };

	if (!fde || !read_fde(im, fde->fde_vaddr, &f) || !f.code_align || !run(&m, &f, f.init))
		return false;
	m.init = m.row;
	m.loc = f.pc;
	m.see = see;
	m.arg = arg;
	m.done = false;
	if (!run(&m, &f, f.insn))
		return false;
	if (m.loc - f.pc < f.pc_bytes)
		see(arg, m.loc, f.pc + f.pc_bytes, &m.row);
	return true;
}

bool cfi_row_at(const struct image *im, uint64_t vaddr, struct cfi_row *out)
{
	const struct image_fde *fde = cfi_fde_of(im, vaddr);
	struct frame_info f;
	struct machine m = { .stop = UINT64_MAX };
	bool ok;

	if (!fde || !read_fde(im, fde->fde_vaddr, &f) || !f.code_align ||
	    vaddr - f.pc >= f.pc_bytes)
		return false;
	if (!run(&m, &f, f.init))
		return false;
	m.init = m.row;
	m.loc = f.pc;
	m.stop = vaddr;
	m.done = false;
	ok = run(&m, &f, f.insn);
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
	struct frame_info f;
	const Elf64_Phdr *ph;
	struct cur c;
	uint64_t base, n;
	uint8_t enc;

	if (!fde->has_lsda || !read_fde(im, fde->fde_vaddr, &f) || !f.lsda_vaddr ||
	    !image_at(im, f.lsda_vaddr, 1))
		return;
	ph = image_load_at(im, f.lsda_vaddr);
	c = (struct cur){ .p = image_at(im, f.lsda_vaddr, 1), .vaddr = f.lsda_vaddr,
			  .n = ph->p_filesz - (f.lsda_vaddr - ph->p_vaddr) };
	enc = (uint8_t)get(&c, 1);
	base = enc == PE_OMIT ? f.pc : get_pointer(&c, enc);
	if ((uint8_t)get(&c, 1) != PE_OMIT)
		get_leb(&c, false);
	enc = (uint8_t)get(&c, 1);
	n = get_leb(&c, false);
	if (c.bad || n > c.n - c.off)
		return;
	c.n = c.off + n;
	for (unsigned i = 0; c.off < c.n && !c.bad && i < MAX_PADS; i++) {
		uint64_t pad;

		get_pointer(&c, enc & 0x0f);
		get_pointer(&c, enc & 0x0f);
		pad = get_pointer(&c, enc & 0x0f);
		get_leb(&c, false);
		if (pad && !c.bad)
			see(arg, base + pad);
	}
}
