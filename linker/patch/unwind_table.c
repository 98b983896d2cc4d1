/* SPDX-License-Identifier: MIT
 *
 * unwind_table.c - see unwind_table.h.
 *
 * The rows of a function are those of its FDE, without those in which no call can be: the pushes
 * and pops that begin and end it.  What might be a call is looked for byte by byte, so what is
 * left out is certain. */
#include "unwind_table.h"

#include <stdlib.h>

#include "cfi.h"
#include "eh_read.h"
#include "rt.h"
#include "unwindfmt.h"

enum {
	SYSCALL_BYTES = 2,
	GAP = 32,		/* code without unwind data, rather than padding */
	BLOCK = 1 << UNWIND_BLOCK_BITS,
	OP_CALL = 0xe8, OP_GROUP5 = 0xff, GROUP5_CALL = 2,
	DW_OP_deref = 0x06, DW_OP_plus_uconst = 0x23, DW_OP_breg6 = 0x76, DW_OP_breg7 = 0x77,
};

struct row_at {
	uint64_t vaddr;
	uint32_t rule;
};
struct rule_slot {		/* of a hash table of the rules so far */
	uint32_t index;		/* + 1; 0: free */
};
struct unwind_state {
	struct arena *arena;
	const struct image *im;
	struct unwind_rule *rule;
	size_t n_rule, cap_rule;
	struct rule_slot *slot;	/* UNWIND_RULES_MAX * 2 */
	struct row_at *row;
	size_t n_row, cap_row;
	struct row_at *site;
	size_t n_site, cap_site;
	uint64_t end;		/* of what rows were seen for */
	uint64_t base;
};

/* ---- rules ---- */

/* *(reg + off) + add: what compilers and assembly write when the stack was aligned, or saved. */
static bool read_deref(struct bytes e, struct unwind_rule *r)
{
	struct eh_cursor c = { .b = e };
	uint64_t op = eh_take(&c, 1);
	int64_t off = eh_sleb(&c);
	uint64_t add = 0;

	if ((op != DW_OP_breg6 && op != DW_OP_breg7) || eh_take(&c, 1) != DW_OP_deref)
		return false;
	if (c.off < e.n && eh_take(&c, 1) == DW_OP_plus_uconst)
		add = eh_uleb(&c);
	if (c.bad || c.off != e.n || off != (int32_t)off || add > INT32_MAX)
		return false;
	r->cfa = op == DW_OP_breg6 ? UNWIND_AT_RBP : UNWIND_AT_RSP;
	r->off = (int32_t)off;
	r->add = (int32_t)add;
	return true;
}

/* How linkers describe PLT stubs: rsp + 8, and 8 more behind the push in the last five bytes. */
static bool read_plt(struct bytes e, uint64_t pc, struct unwind_rule *r)
{
	static const uint8_t plt[] = { 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22 };

	/* The bound, DW_OP_lit<n> at 6, differs between kinds of stubs. */
	if (e.n != sizeof(plt) || memcmp(e.p, plt, 6) || memcmp(e.p + 7, plt + 7, 4) ||
	    e.p[6] < 0x30 || e.p[6] > 0x4f)
		return false;
	r->cfa = UNWIND_RSP;
	r->off = (pc & 15) >= e.p[6] - 0x30u ? 16 : 8;
	return true;
}

static bool read_cfa(const struct cfi_rule *cfa, uint64_t pc, struct unwind_rule *r)
{
	if (cfa->kind == CFI_EXPR)
		return read_deref(cfa->expr, r) || read_plt(cfa->expr, pc, r);
	if (cfa->kind != CFI_REGISTER || (cfa->reg != CFI_RSP && cfa->reg != CFI_RBP) ||
	    cfa->off != (int32_t)cfa->off)
		return false;
	r->cfa = cfa->reg == CFI_RSP ? UNWIND_RSP : UNWIND_RBP;
	r->off = (int32_t)cfa->off;
	return true;
}

static bool read_bp(const struct cfi_rule *bp, struct unwind_rule *r)
{
	struct eh_cursor c = { .b = bp->expr };
	int64_t off = bp->off;

	switch (bp->kind) {
	case CFI_SAME: case CFI_UNDEFINED:
		return true;
	case CFI_OFFSET:
		r->bp = UNWIND_BP_AT_CFA;
		break;
	case CFI_EXPR:
		if (eh_take(&c, 1) != DW_OP_breg6)
			return false;
		off = eh_sleb(&c);
		if (c.bad || c.off != bp->expr.n)
			return false;
		r->bp = UNWIND_BP_AT_BP;
		break;
	default:
		return false;
	}
	r->bp_off = (int32_t)off;
	return off == (int32_t)off;
}

struct unwind_rule unwind_rule_of(const struct cfi_row *row, uint64_t pc)
{
	const struct cfi_rule *ra = &row->reg[CFI_RA];
	struct unwind_rule r = { 0 };

	if (row->signal)
		return (struct unwind_rule){ .cfa = UNWIND_SIGNAL };
	if (ra->kind == CFI_UNDEFINED)
		return (struct unwind_rule){ .cfa = UNWIND_STOP };
	if (ra->kind != CFI_OFFSET || ra->off != -8 || !read_cfa(&row->cfa, pc, &r) ||
	    !read_bp(&row->reg[CFI_RBP], &r))
		return (struct unwind_rule){ .cfa = UNWIND_UNKNOWN };
	return r;
}

static uint32_t intern(struct unwind_state *s, const struct unwind_rule *r)
{
	uint32_t mask = 2 * UNWIND_RULES_MAX - 1;
	uint32_t h = ((uint32_t)r->off * 0x9e3779b1u ^ (uint32_t)r->add * 0x85ebca6bu ^
		      (uint32_t)r->bp_off * 0xc2b2ae35u ^ (uint32_t)(r->cfa << 8 | r->bp) * 0x27d4eb2fu);

	for (h ^= h >> 15; s->slot[h & mask].index; h++)
		if (!memcmp(&s->rule[s->slot[h & mask].index - 1], r, sizeof(*r)))
			return s->slot[h & mask].index - 1;
	if (s->n_rule == UNWIND_RULES_MAX)
		return 0;	/* unknown */
	*ARENA_PUSH(s->arena, s->rule, s->n_rule, s->cap_rule) = *r;
	s->slot[h & mask].index = (uint32_t)s->n_rule;
	return (uint32_t)s->n_rule - 1;
}

/* ---- rows ---- */

static bool may_call(const struct image *im, uint64_t from, uint64_t to)
{
	const uint8_t *p = image_at(im, from, to - from);

	for (uint64_t i = 0; p && i < to - from; i++)
		if (p[i] == OP_CALL ||
		    (p[i] == OP_GROUP5 && i + 1 < to - from && (p[i + 1] >> 3 & 7) == GROUP5_CALL))
			return true;
	return false;
}

static void add_row(struct unwind_state *s, uint64_t vaddr, const struct unwind_rule *r)
{
	uint32_t rule = intern(s, r);

	if (s->n_row && s->row[s->n_row - 1].rule == rule)
		return;
	*ARENA_PUSH(s->arena, s->row, s->n_row, s->cap_row) = (struct row_at){ vaddr, rule };
}

static void see_row(void *arg, uint64_t from, uint64_t to, const struct cfi_row *row)
{
	struct unwind_state *s = arg;
	struct unwind_rule r;

	if (from < s->end)
		from = s->end;	/* FDEs that overlap: the first one counts */
	if (from >= to)
		return;
	s->end = to;
	if (!row->signal && !may_call(s->im, from, to))
		return;
	r = unwind_rule_of(row, from);
	add_row(s, from, &r);
}

static void see_functions(struct unwind_state *s)
{
	static const struct unwind_rule unknown = { .cfa = UNWIND_UNKNOWN };
	const struct image *im = s->im;

	for (size_t i = 0; i < im->n_fde; i++) {
		const struct image_fde *f = &im->fde[i];

		if (s->n_row && f->vaddr > s->end && f->vaddr - s->end >= GAP)
			add_row(s, s->end, &unknown);
		if (!cfi_rows(im, f->vaddr, see_row, s) && s->end < f->vaddr + f->bytes) {
			add_row(s, f->vaddr > s->end ? f->vaddr : s->end, &unknown);
			s->end = f->vaddr + f->bytes;
		}
	}
	if (s->n_row)
		add_row(s, s->end, &unknown);
}

/* A hooked place that is no entry has a rule of its own. */
static void see_sites(struct unwind_state *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_site; i++) {
		const struct site *at = &p->site[i];
		/* Programs find themselves behind a system call, as in the kernel. */
		uint64_t vaddr = at->vaddr + (at->kind == SITE_SYSCALL ? SYSCALL_BYTES : 0);
		struct cfi_row row;
		struct unwind_rule r;

		if (at->refused || at->kind == SITE_ENTRY || at->kind == SITE_IMPORT ||
		    at->vaddr < s->base || at->vaddr - s->base > UINT32_MAX ||
		    !cfi_row_at(s->im, vaddr, &row))
			continue;
		r = unwind_rule_of(&row, vaddr);
		*ARENA_PUSH(s->arena, s->site, s->n_site, s->cap_site) =
			(struct row_at){ vaddr, intern(s, &r) };
	}
}

/* ---- the table ---- */

static size_t n_block(const struct unwind_state *s)
{
	return s->n_row ? (size_t)((s->row[s->n_row - 1].vaddr - s->base) >> UNWIND_BLOCK_BITS) + 1 : 0;
}

static uint64_t bytes_of(const struct unwind_state *s)
{
	return sizeof(struct unwind_table) + 4 * (n_block(s) + 1) + s->n_row * sizeof(struct unwind_row) +
	       s->n_site * sizeof(struct unwind_site) + s->n_rule * sizeof(struct unwind_rule);
}

void unwind_make(struct plan *p)
{
	struct unwind_state *s;

	if (!lnk_wants_stacks(p->lnk))
		return;
	s = p->unwind = arena_alloc(p->im->arena, sizeof(*s));
	s->arena = p->im->arena;
	s->im = p->im;
	s->slot = arena_array(s->arena, 2 * UNWIND_RULES_MAX, sizeof(*s->slot));
	intern(s, &(struct unwind_rule){ .cfa = UNWIND_UNKNOWN });	/* rule 0 */
	s->base = p->im->n_fde ? p->im->fde[0].vaddr & ~(uint64_t)(BLOCK - 1) : 0;
	see_functions(s);
	see_sites(s, p);
	p->unwind_bytes = bytes_of(s);
	lnk_set_unwind(p->lnk, p->unwind_bytes);
}

static int32_t distance(uint64_t to, uint64_t from)
{
	return (int32_t)(to - from);
}

static void *append(uint8_t **at, size_t n, size_t each)
{
	void *p = *at;

	*at += n * each;
	return p;
}

void unwind_place(struct plan *p)
{
	const struct unwind_state *s = p->unwind;
	struct unwind_table t = { .version = UNWIND_VERSION, .size = sizeof(t) };
	uint64_t vaddr, stubs = plan_stubs(p), slots = 0;
	uint8_t *at, *head;
	uint32_t *first, b = 0;
	struct unwind_row *row;
	struct unwind_site *site;

	if (!s)
		return;
	head = at = lnk_unwind_bytes(p->lnk);
	vaddr = lnk_unwind_vaddr(p->lnk);
	if (s->n_row)	/* else it stays 0, which says so */
		t.base_rel = distance(s->base, vaddr + offsetof(struct unwind_table, base_rel));
	t.tramp_rel = distance(lnk_tramp_vaddr(p->lnk), vaddr + offsetof(struct unwind_table, tramp_rel));
	t.tramp_bytes = (uint32_t)p->tramp_bytes;
	if (stubs && lnk_symbol(p->lnk, "bpftime_rt1_slots", &slots)) {
		t.stubs_rel = distance(stubs, vaddr + offsetof(struct unwind_table, stubs_rel));
		t.slots_rel = distance(slots, vaddr + offsetof(struct unwind_table, slots_rel));
	}
	t.n_block = (uint32_t)n_block(s);
	t.n_row = (uint32_t)s->n_row;
	t.n_site = (uint32_t)s->n_site;
	t.n_rule = (uint32_t)s->n_rule;
	memcpy(append(&at, 1, sizeof(t)), &t, sizeof(t));
	first = append(&at, t.n_block + 1, sizeof(*first));
	row = append(&at, t.n_row, sizeof(*row));
	site = append(&at, t.n_site, sizeof(*site));
	for (uint32_t i = 0; i < t.n_row; i++) {
		uint64_t off = s->row[i].vaddr - s->base;

		for (; b <= off >> UNWIND_BLOCK_BITS; b++)
			first[b] = i;
		row[i] = (struct unwind_row){ (uint16_t)off, (uint16_t)s->row[i].rule };
	}
	for (; b <= t.n_block; b++)
		first[b] = t.n_row;
	for (uint32_t i = 0; i < t.n_site; i++)
		site[i] = (struct unwind_site){ (uint32_t)(s->site[i].vaddr - s->base), s->site[i].rule };
	memcpy(append(&at, t.n_rule, sizeof(*s->rule)), s->rule, t.n_rule * sizeof(*s->rule));
	if (at - head != (ptrdiff_t)p->unwind_bytes)
		abort();
}
