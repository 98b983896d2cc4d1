/* SPDX-License-Identifier: MIT
 *
 * unwind_cfi.c - the rule for one place from the .eh_frame of the module that is there: for libraries, and
 * where a signal came in between (LSB core 10.5 and 10.6; DWARF 5, 6.4).  What is known of the
 * target when it is patched is in a table instead (unwind_table.c).
 *
 * The bytes are a file's, read fault-safe, a piece at a time: nothing here trusts them.  Loops end with
 * the bytes of one entry, or after a number of steps.  Of the rules only those of the CFA,
 * the return address and rbp are followed. */
#include "modules.h"
#include "read.h"
#include "unwind.h"

enum {
	PIECE = 128, STATES = 8, STEPS = 4096, ENTRY_BYTES_MAX = 1 << 16,
	BP_REG = 6, SP_REG = 7, RA_REG = 16,	/* DWARF numbers, x86-64 psABI 3.6.2 */
	PE_OMIT = 0xff, PE_PCREL_SDATA4 = 0x1b, PE_UDATA4 = 3, PE_DATAREL_SDATA4 = 0x3b,
	PE_FORMAT = 15, PE_ALIGNED = 0x50,
	CFA_advance_loc = 0x40, CFA_offset = 0x80, CFA_restore = 0xc0, CFA_nop = 0,
	CFA_advance_loc1 = 2, CFA_advance_loc2, CFA_advance_loc4, CFA_offset_extended,
	CFA_restore_extended, CFA_undefined, CFA_same_value, CFA_register, CFA_remember_state,
	CFA_restore_state, CFA_def_cfa, CFA_def_cfa_register, CFA_def_cfa_offset,
	CFA_def_cfa_expression, CFA_expression, CFA_offset_extended_sf, CFA_def_cfa_sf,
	CFA_def_cfa_offset_sf, CFA_val_offset, CFA_val_offset_sf, CFA_val_expression,
	CFA_GNU_args_size = 0x2e,
	OP_deref = 6, OP_plus_uconst = 0x23, OP_lit0 = 0x30, OP_breg6 = 0x76, OP_breg7,
};

/* ---- bytes ---- */

struct bytes {
	uint64_t at, end;	/* what is next, and where it ends */
	uint64_t have_at;
	uint32_t have;
	bool bad;
	uint8_t piece[PIECE];
};

static uint8_t next(struct bytes *b)
{
	if (b->bad || b->at >= b->end) {
		b->bad = true;
		return 0;
	}
	if (b->at - b->have_at >= b->have) {
		uint64_t n = b->end - b->at < PIECE ? b->end - b->at : PIECE;

		b->have_at = b->at;
		b->have = (uint32_t)rt_read_some(b->piece, b->at, n);
		if (!b->have) {
			b->bad = true;
			return 0;
		}
	}
	return b->piece[b->at++ - b->have_at];
}

static uint64_t take(struct bytes *b, uint32_t n)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < n; i++)
		v |= (uint64_t)next(b) << 8 * i;
	return v;
}

static uint64_t leb(struct bytes *b, bool is_signed)
{
	uint64_t v = 0;
	uint32_t shift = 0;
	uint8_t c;

	do {
		c = next(b);
		if (shift < 64)
			v |= (uint64_t)(c & 0x7f) << shift;
		shift += 7;
	} while (c & 0x80 && shift < 70);
	if (is_signed && c & 0x40 && shift < 64)
		v |= ~0ull << shift;
	return v;
}

static uint64_t uleb(struct bytes *b) { return leb(b, false); }
static int64_t sleb(struct bytes *b) { return (int64_t)leb(b, true); }

static void skip(struct bytes *b, uint64_t n)
{
	b->bad |= n > b->end - b->at;
	b->at += b->bad ? 0 : n;
}

/* The entry at `at`, its length read: what is left of it. */
static void begin(struct bytes *b, uint64_t at)
{
	uint64_t n;

	b->at = at;
	b->end = at + 4;
	n = take(b, 4);
	b->bad |= n < 4 || n > ENTRY_BYTES_MAX;
	b->end = b->at + n;
}

/* ---- the search ---- */

struct index_row {
	int32_t pc, fde;	/* from the table's own start */
};

/* The last FDE that begins at or below pc. */
static bool find_fde(uint64_t hdr, uint64_t pc, uint64_t *fde)
{
	struct {
		uint8_t  version, frame_enc, count_enc, table_enc;
		int32_t  frame;
		uint32_t count;
	} h;
	uint32_t lo = 0, hi;
	struct index_row r, best = { 0 };

	if (!rt_read_all(&h, hdr, sizeof(h)) || h.version != 1 ||
	    h.count_enc != PE_UDATA4 || h.table_enc != PE_DATAREL_SDATA4)
		return false;
	hi = h.count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (!rt_read_all(&r, hdr + sizeof(h) + mid * 8ull, sizeof(r)))
			return false;
		if (hdr + (int64_t)r.pc <= pc) {
			lo = mid + 1;
			best = r;
		} else {
			hi = mid;
		}
	}
	*fde = hdr + (int64_t)best.fde;
	return lo;
}

/* ---- an entry's head ---- */

struct cie {
	uint64_t code_align;
	int64_t  data_align;
	uint8_t  enc;		/* of addresses in FDEs */
	bool     has_data, signal;
};

/* b is left in front of the CIE's instructions. */
static bool read_cie(struct bytes *b, struct cie *c)
{
	uint8_t version, aug[8];
	uint32_t n = 0;
	uint64_t end;

	*c = (struct cie){ 0 };
	if (take(b, 4))
		return false;
	version = next(b);
	while (n < sizeof(aug) && (aug[n] = next(b)))
		n++;
	if (n == sizeof(aug) || (version != 1 && version != 3) || (n && aug[0] != 'z'))
		return false;
	c->code_align = uleb(b);
	c->data_align = sleb(b);
	if ((version == 1 ? next(b) : uleb(b)) != RA_REG || !c->code_align)
		return false;
	c->has_data = n;
	end = n ? uleb(b) : 0;
	end += b->at;
	for (uint32_t i = 1; i < n && !b->bad; i++) {
		uint8_t enc = aug[i] == 'S' || aug[i] == 'B' ? 0 : next(b);

		c->signal |= aug[i] == 'S';
		if (aug[i] == 'R')
			c->enc = enc;
		else if (aug[i] == 'P')	/* the personality's address */
			skip(b, (enc & 7) == 3 ? 4 : (enc & 7) == 2 ? 2 : (enc & 7) == 1 ? b->end : 8);
	}
	b->bad |= b->at > end;
	b->at = end;
	b->bad |= end > b->end;
	return !b->bad;
}

static uint32_t bytes_of(uint8_t enc)
{
	switch (enc & 7) {
	case 2: return 2;
	case 3: return 4;
	case 0: case 4: return 8;
	default: return 0;	/* a LEB: nobody uses it here */
	}
}

/* ---- the instructions ---- */

enum { REG_SAME, REG_UNDEFINED, REG_OFFSET, REG_AT_BP, REG_OTHER };
struct reg_rule {
	int64_t off;
	uint8_t kind;
};
struct state {
	uint8_t  cfa;		/* enum unwind_cfa */
	uint8_t  cfa_reg;
	int64_t  off, add;
	struct reg_rule bp, ra;
};
struct machine {
	struct state now, init, kept[STATES];
	uint32_t n_kept;
	uint64_t loc, pc;
	struct reg_rule other;	/* registers that nobody asks for */
};

static struct reg_rule *rule_of(struct machine *m, uint64_t reg)
{
	return reg == BP_REG ? &m->now.bp : reg == RA_REG ? &m->now.ra : &m->other;
}

static void restore(struct machine *m, uint64_t reg)
{
	*rule_of(m, reg) = reg == BP_REG ? m->init.bp : m->init.ra;
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t off)
{
	m->now.cfa = reg == SP_REG ? UNWIND_RSP : reg == BP_REG ? UNWIND_RBP : UNWIND_UNKNOWN;
	m->now.off = off;
	m->now.add = 0;
}

/* *(reg + off) + add, or what linkers say of PLT stubs. */
static void cfa_expression(struct machine *m, struct bytes *b)
{
	static const uint8_t plt[] = { 8, 0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22 };
	uint64_t n = uleb(b), end = b->at + n;
	uint8_t reg = next(b), op, bound = 0;
	bool is_plt = n == sizeof(plt) + 1 && reg == OP_breg7;

	set_cfa(m, UINT64_MAX, 0);
	if (n > b->end - b->at + 1) {
		b->bad = true;
		return;
	}
	if (is_plt) {
		for (uint32_t i = 0; i < sizeof(plt); i++) {
			op = next(b);
			bound = i == 5 ? (uint8_t)(op - OP_lit0) : bound;
			is_plt &= i == 5 ? bound < 32 : op == plt[i];
		}
		if (is_plt)
			set_cfa(m, SP_REG, (m->pc & 15) >= bound ? 16 : 8);
	} else if (reg == OP_breg6 || reg == OP_breg7) {
		m->now.off = sleb(b);
		op = b->at < end ? next(b) : 0;
		if (op == OP_deref && b->at < end && next(b) == OP_plus_uconst)
			m->now.add = (int64_t)uleb(b);
		if (op == OP_deref && b->at == end)
			m->now.cfa = reg == OP_breg6 ? UNWIND_AT_RBP : UNWIND_AT_RSP;
	}
	b->bad |= b->at > end;
	b->at = end;
}

static void reg_expression(struct machine *m, struct bytes *b)
{
	struct reg_rule *r = rule_of(m, uleb(b));
	uint64_t n = uleb(b), end = b->at + n;

	*r = (struct reg_rule){ .kind = REG_OTHER };
	if (n > b->end - b->at || !n) {
		b->bad = true;
		return;
	}
	if (next(b) == OP_breg6) {
		r->off = sleb(b);
		if (b->at == end)
			r->kind = REG_AT_BP;
	}
	b->at = end;
}

static void step_register(struct machine *m, const struct cie *c, struct bytes *b, uint8_t op)
{
	struct reg_rule *r = rule_of(m, uleb(b));

	switch (op) {
	case CFA_offset_extended:
		*r = (struct reg_rule){ (int64_t)(uleb(b) * (uint64_t)c->data_align), REG_OFFSET };
		break;
	case CFA_offset_extended_sf:
		*r = (struct reg_rule){ (int64_t)((uint64_t)sleb(b) * (uint64_t)c->data_align), REG_OFFSET };
		break;
	case CFA_restore_extended: *r = r == &m->now.bp ? m->init.bp : r == &m->now.ra ? m->init.ra : *r; break;
	case CFA_undefined: r->kind = REG_UNDEFINED; break;
	case CFA_same_value: r->kind = REG_SAME; break;
	case CFA_register: case CFA_val_offset: case CFA_val_offset_sf:
		uleb(b);
		r->kind = REG_OTHER;
		break;
	case CFA_val_expression:
		skip(b, uleb(b));
		r->kind = REG_OTHER;
		break;
	default: b->bad = true; break;
	}
}

static void step_low(struct machine *m, const struct cie *c, struct bytes *b, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case CFA_nop: break;
	case CFA_advance_loc1: m->loc += take(b, 1) * c->code_align; break;
	case CFA_advance_loc2: m->loc += take(b, 2) * c->code_align; break;
	case CFA_advance_loc4: m->loc += take(b, 4) * c->code_align; break;
	case CFA_remember_state:
		b->bad |= m->n_kept == STATES;
		if (!b->bad)
			m->kept[m->n_kept++] = m->now;
		break;
	case CFA_restore_state:
		b->bad |= !m->n_kept;
		if (!b->bad)
			m->now = m->kept[--m->n_kept];
		break;
	case CFA_def_cfa: reg = uleb(b); set_cfa(m, reg, (int64_t)uleb(b)); break;
	case CFA_def_cfa_sf: reg = uleb(b); set_cfa(m, reg, (int64_t)((uint64_t)sleb(b) * (uint64_t)c->data_align)); break;
	case CFA_def_cfa_register: set_cfa(m, uleb(b), m->now.off); break;
	case CFA_def_cfa_offset: m->now.off = (int64_t)uleb(b); break;
	case CFA_def_cfa_offset_sf: m->now.off = (int64_t)((uint64_t)sleb(b) * (uint64_t)c->data_align); break;
	case CFA_def_cfa_expression: cfa_expression(m, b); break;
	case CFA_expression: reg_expression(m, b); break;
	case CFA_GNU_args_size: uleb(b); break;
	default: step_register(m, c, b, op); break;
	}
}

/* Up to the row in force at m->pc. */
static bool run(struct machine *m, const struct cie *c, struct bytes *b)
{
	for (uint32_t i = 0; i < STEPS && b->at < b->end && !b->bad; i++) {
		struct state before = m->now;
		uint8_t op = next(b), low = op & 0x3f;

		switch (op & 0xc0) {
		case CFA_advance_loc: m->loc += low * c->code_align; break;
		case CFA_offset:
			*rule_of(m, low) = (struct reg_rule){ (int64_t)(uleb(b) * (uint64_t)c->data_align), REG_OFFSET };
			break;
		case CFA_restore:
			restore(m, low);
			break;
		default: step_low(m, c, b, op); break;
		}
		if (m->loc > m->pc) {
			m->now = before;
			return !b->bad;
		}
	}
	return !b->bad && b->at >= b->end;
}

/* As unwind_rule_of() of the patcher. */
static struct unwind_rule rule_of_state(const struct state *s)
{
	struct unwind_rule r = { .cfa = s->cfa, .off = (int32_t)s->off, .add = (int32_t)s->add,
				 .bp_off = (int32_t)s->bp.off };

	if (s->ra.kind == REG_UNDEFINED)
		return (struct unwind_rule){ .cfa = UNWIND_STOP };
	r.bp = s->bp.kind == REG_OFFSET ? UNWIND_BP_AT_CFA : s->bp.kind == REG_AT_BP ? UNWIND_BP_AT_BP :
	       UNWIND_BP_SAME;
	if (r.bp == UNWIND_BP_SAME)
		r.bp_off = 0;
	if (s->ra.kind != REG_OFFSET || s->ra.off != -8 || s->bp.kind == REG_OTHER ||
	    r.off != s->off || r.add != s->add || (r.bp != UNWIND_BP_SAME && r.bp_off != s->bp.off))
		return (struct unwind_rule){ .cfa = UNWIND_UNKNOWN };
	return r.cfa == UNWIND_UNKNOWN ? (struct unwind_rule){ .cfa = UNWIND_UNKNOWN } : r;
}

static __attribute__((noinline)) bool read_rule(uint64_t hdr, uint64_t pc, struct unwind_rule *out)
{
	struct machine m = { .pc = pc };
	struct bytes b = { .have = 0 };
	uint64_t fde, insns, end, n;
	struct cie c;

	if (!find_fde(hdr, pc, &fde))
		return false;
	begin(&b, fde);
	insns = b.at;
	end = b.end;
	n = take(&b, 4);
	if (b.bad)
		return false;
	begin(&b, insns - n);
	if (b.bad || !read_cie(&b, &c) || !bytes_of(c.enc))
		return false;
	m.loc = 0;
	if (!run(&m, &c, &b))
		return false;
	m.init = m.now;
	b = (struct bytes){ .at = insns + 4, .end = end };
	n = take(&b, bytes_of(c.enc));
	m.loc = (c.enc & 0x70) == 0x10 ? insns + 4 + (uint64_t)(int64_t)(int32_t)n : n;
	if (bytes_of(c.enc) == 8)
		m.loc = (c.enc & 0x70) == 0x10 ? insns + 4 + n : n;
	n = take(&b, bytes_of(c.enc));
	if (b.bad || pc - m.loc >= n)
		return false;
	if (c.has_data)
		skip(&b, uleb(&b));
	if (c.signal) {
		*out = (struct unwind_rule){ .cfa = UNWIND_SIGNAL };
		return true;
	}
	if (!run(&m, &c, &b))
		return false;
	*out = rule_of_state(&m.now);
	return out->cfa != UNWIND_UNKNOWN;
}

/* ---- what was found before ---- */

enum { CACHE_LOG2 = 8 };
struct cached {
	uint32_t seq;		/* odd: being written */
	uint32_t serial;	/* of the module */
	uint64_t pc;
	struct unwind_rule rule;
};
static struct cached cache[1 << CACHE_LOG2];

static struct cached *slot_of(uint64_t pc)
{
	return &cache[pc * 0x9e3779b97f4a7c15ull >> (64 - CACHE_LOG2)];
}

static bool recall(uint64_t pc, uint32_t serial, struct unwind_rule *out)
{
	const struct cached *c = slot_of(pc);
	uint32_t seq = rt_load_acquire(&c->seq);
	bool hit = c->pc == pc && c->serial == serial;

	*out = *(const volatile struct unwind_rule *)&c->rule;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return hit && !(seq & 1) && rt_load(&c->seq) == seq;
}

static void keep(uint64_t pc, uint32_t serial, const struct unwind_rule *r)
{
	struct cached *c = slot_of(pc);
	uint32_t seq = rt_load(&c->seq);

	if (seq & 1 || !rt_cas(&c->seq, &seq, seq + 1))
		return;		/* another thread is at it, or was when this process was forked */
	rt_store(&c->pc, pc);
	rt_store(&c->serial, serial);
	*(volatile struct unwind_rule *)&c->rule = *r;
	rt_store_release(&c->seq, seq + 2);
}

bool rt_unwind_cfi(const struct rt_module *m, uint64_t pc, struct unwind_rule *out)
{
	if (!m->eh_frame_hdr)
		return false;
	if (!recall(pc, m->serial, out)) {
		if (!read_rule(m->eh_frame_hdr, pc, out))
			*out = (struct unwind_rule){ .cfa = UNWIND_UNKNOWN };
		keep(pc, m->serial, out);
	}
	return out->cfa != UNWIND_UNKNOWN;
}
