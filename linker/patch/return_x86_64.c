/* SPDX-License-Identifier: MIT
 *
 * return_x86_64.c - return hooks by call-through.
 *
 * A function that needs nothing above its return address is called by the trampoline.  Others
 * must find their arguments where they are, so the return address of the call takes the place
 * of their own, which a slot remembers; the protocol is in docs/design.md, the other half in
 * runtime-min/slots.c.
 *
 * A slot and its stub know each other by address, both are RT_SLOT_BYTES apart from the
 * next.  The stub of slot i, whose return point T(i) is behind the call:
 *
 *      0  call *body          the function: the displaced instructions
 *      6  movb $CLAIMED, state    T(i)
 *     13  push ra
 *     19  push %r11
 *     21  lea slot, %r11
 *     28  jmp *resume         the site's return programs */
#include "tramp_x86_64.h"

enum {		/* struct rt_slot, rt.h */
	RESUME = 0, RA = 8, STATE = 16, BODY = 24,
	POINT = 6, PUSHED_RA = 19, PUSHED_R11 = 21,	/* offsets in a stub */
	HASH_SHIFT = 32 - RT_SLOTS_LOG2 + 1 - 6,	/* to an even slot: slots are 32 bytes */
	HASH_MASK = (RT_SLOTS * RT_SLOT_BYTES - 1) & ~(2 * RT_SLOT_BYTES - 1),
	/* Where the arming code keeps the stub's address for the jump: below the return
	 * address and the saved registers. */
	STUB_AT = -24,
};

/* ---- unwinding ---- */

enum {		/* DWARF 5, table 7.9 */
	DW_OP_deref = 0x06, DW_OP_const1u = 0x08, DW_OP_const1s = 0x09, DW_OP_const4s = 0x0d,
	DW_OP_and = 0x1a, DW_OP_minus = 0x1c, DW_OP_plus = 0x22, DW_OP_plus_uconst = 0x23,
	DW_OP_shl = 0x24, DW_OP_shr = 0x25, DW_OP_ge = 0x2a, DW_OP_lit3 = 0x33,
	DW_OP_lit31 = 0x4f, DW_OP_breg7 = 0x77, DW_OP_breg16 = 0x80,
};

/* rsp as it was at T(i): linkers describe PLT entries in the same way, by rip's low bits. */
static void put_sp_expr(struct code *e)
{
	static const uint8_t at[] = { PUSHED_RA, PUSHED_R11 };

	PUT(e, DW_OP_breg7, 0);
	for (unsigned i = 0; i < sizeof(at); i++)
		PUT(e, DW_OP_breg16, 0, DW_OP_lit31, DW_OP_and, DW_OP_const1u, at[i], DW_OP_ge,
		    DW_OP_lit3, DW_OP_shl, DW_OP_plus);
}

/* Address of a field of the stub's slot. */
static void put_slot_expr(struct code *e, const struct tramp_common *g, unsigned field)
{
	PUT(e, DW_OP_breg16, 0, DW_OP_const1s, (uint8_t)-RT_SLOT_BYTES, DW_OP_and, DW_OP_const4s);
	put32(e, (uint32_t)(g->slots - g->stubs + field));
	PUT(e, DW_OP_plus);
}

/* The CFA is one to seven bytes above rsp: unwinders tell frames apart by it, and that of
 * the caller (rsp itself) would be taken for this one; chained slots have one each. */
static void stub_rows(const struct tramp_common *g, struct code *c, struct cfi_out *f)
{
	uint8_t cfa[64], sp[32], ra[16];
	struct code ecfa = { cfa, 0, sizeof(cfa), 0, false };
	struct code esp = { sp, 0, sizeof(sp), 0, false };
	struct code era = { ra, 0, sizeof(ra), 0, false };
	struct cfi_row row = cfi_entry_row();

	put_sp_expr(&esp);
	put_sp_expr(&ecfa);
	put_slot_expr(&ecfa, g, STATE);
	PUT(&ecfa, DW_OP_deref, DW_OP_const1u, RT_SLOT_LINK_SHIFT, DW_OP_shr, DW_OP_plus,
	    DW_OP_plus_uconst, 1);
	put_slot_expr(&era, g, RA);
	row.cfa = (struct cfi_rule){ .kind = CFI_EXPR, .expr = { cfa, ecfa.n } };
	row.reg[CFI_RSP] = (struct cfi_rule){ .kind = CFI_VAL_EXPR, .expr = { sp, esp.n } };
	row.reg[CFI_RA] = (struct cfi_rule){ .kind = CFI_EXPR, .expr = { ra, era.n } };
	cfi_begin(f, g->stubs);
	cfi_set(f, g->stubs, &row);
	cfi_end(f, code_vaddr(c));
}

void return_stubs(struct tramp_common *g, struct code *c, struct cfi_out *f)
{
	size_t end = c->n + RT_SLOT_BYTES - 1 + RT_SLOTS * RT_SLOT_BYTES;

	while (code_vaddr(c) % RT_SLOT_BYTES)
		PUT(c, 0xcc);
	g->stubs = code_vaddr(c);
	if (!g->placed)
		g->slots = g->stubs;
	for (unsigned i = 0; i < RT_SLOTS; i++) {
		uint64_t slot = g->slots + i * RT_SLOT_BYTES;

		PUT(c, 0xff, 0x15);		/* call *body */
		put_rel32(c, slot + BODY, 0);
		PUT(c, 0xc6, 0x05);		/* movb $CLAIMED, state */
		put_rel32(c, slot + STATE, 1);
		PUT(c, RT_SLOT_CLAIMED, 0xff, 0x35);	/* push ra */
		put_rel32(c, slot + RA, 0);
		PUT(c, 0x41, 0x53, 0x4c, 0x8d, 0x1d);	/* push %r11; lea slot, %r11 */
		put_rel32(c, slot, 0);
		PUT(c, 0x41, 0xff, 0x23, 0xcc);	/* jmp *resume */
	}
	stub_rows(g, c, f);
	while (c->n < end)
		PUT(c, 0xcc);
}

/* ---- arming ---- */

static void branch_slow(struct tramp *t, uint8_t cc, size_t *at)
{
	PUT(t->c, 0x0f, (uint8_t)(0x80 | cc));
	*at = t->c->n;
	put32(t->c, 0);
}

/* Tests of the words of all return programs: any enabled one arms. */
static void test_words(struct tramp *t, struct arming *a)
{
	size_t *jne = arena_array(t->g->im->arena, t->s->n_at, sizeof(*jne)), n = 0;
	const struct site_attach *last = NULL;

	for (size_t i = 0; i < t->s->n_at; i++) {
		if (!t->s->at[i].ret)
			continue;
		if (last) {
			cmp_word(t, last->attach);
			branch_slow(t, CC_NE, &jne[n++]);
		}
		last = &t->s->at[i];
	}
	cmp_word(t, last->attach);
	branch_slow(t, CC_E, &a->cold_at);
	for (size_t i = 0; i < n; i++)
		fix_rel32(t->c, jne[i], t->c->n);
	a->arm_vaddr = code_vaddr(t->c);
}

/* Out: r11 the slot of this stack pointer, claimed. */
static void claim(struct tramp *t, struct arming *a)
{
	struct code *c = t->c;
	uint32_t pool = RT_SLOTS * RT_SLOT_BYTES;

	/* Tail called from a hooked function: the return address is a stub's. */
	lea_rip(t, RAX, t->g->stubs + pool);
	PUT(c, 0x48, 0x2b, 0x84, 0x24);		/* sub depth(%rsp), %rax */
	put32(c, (uint32_t)t->depth);
	PUT(c, 0x48, 0x3d);			/* cmp $pool, %rax */
	put32(c, pool);
	branch_slow(t, CC_BE, &a->slow_at[0]);
	PUT(c, 0x40, 0xf6, 0xc4, 7);		/* test $7, %spl */
	branch_slow(t, CC_NE, &a->slow_at[1]);
	PUT(c, 0x44, 0x8d, 0x9c, 0x24);		/* lea depth(%rsp), %r11d */
	put32(c, (uint32_t)t->depth);
	PUT(c, 0x45, 0x69, 0xdb);		/* imul $hash, %r11d, %r11d */
	put32(c, RT_SLOT_HASH);
	PUT(c, 0x41, 0xc1, 0xeb, HASH_SHIFT);	/* shr */
	PUT(c, 0x41, 0x81, 0xe3);		/* and */
	put32(c, HASH_MASK);
	lea_rip(t, RAX, t->g->slots);
	PUT(c, 0x49, 0x01, 0xc3);		/* add %rax, %r11 */
	PUT(c, 0xf0, 0x41, 0x0f, 0xba, 0x6b, STATE, 0);	/* lock btsl $0, state */
	branch_slow(t, CC_C, &a->slow_at[2]);
	op_rsp(t, OP_LEA, RAX, t->depth + RT_SLOT_CLAIMED);
	op_r11(t, OP_STORE, RAX, STATE);
}

void return_arm(struct tramp *t, uint64_t resume_vaddr, struct arming *a)
{
	uint8_t ra[16];
	struct code e = { ra, 0, sizeof(ra), 0, false };
	struct code *c = t->c;
	size_t body_at;

	test_words(t, a);
	if (!t->r11_dead)
		push_reg(t, R11);
	push_reg(t, RAX);
	claim(t, a);
	a->got_vaddr = code_vaddr(c);
	/* What the stub runs, and what it hands the return to. */
	lea_rip(t, RAX, code_vaddr(c));
	body_at = c->n - 4;
	op_r11(t, OP_STORE, RAX, BODY);
	lea_rip(t, RAX, resume_vaddr);
	op_r11(t, OP_STORE, RAX, RESUME);
	op_rsp(t, OP_LOAD, RAX, t->depth);
	op_r11(t, OP_STORE, RAX, RA);
	PUT(c, 0x49, 0x8d, 0x83);		/* lea stub of the slot, %rax */
	put32(c, (uint32_t)(t->g->stubs - t->g->slots));
	op_rsp(t, OP_STORE, RAX, t->depth + STUB_AT);
	PUT(c, 0x48, 0x8d, 0x40, POINT);	/* lea POINT(%rax), %rax */
	op_rsp(t, OP_STORE, RAX, t->depth);	/* [sp] = T(i) */
	/* From here on the return address is found through the stub's. */
	PUT(&e, DW_OP_const1u, 8 - STUB_AT, DW_OP_minus, DW_OP_deref, DW_OP_const4s);
	put32(&e, (uint32_t)(t->g->slots - t->g->stubs + RA));
	PUT(&e, DW_OP_plus);
	t->base.reg[CFI_RA] = (struct cfi_rule){ .kind = CFI_EXPR, .expr = { ra, e.n } };
	tramp_rows(t);
	PUT(c, 0x41, 0x80, 0x4b, STATE, RT_SLOT_ARMED & ~RT_SLOT_CLAIMED);	/* orb */
	pop_reg(t, RAX);
	if (!t->r11_dead)
		pop_reg(t, R11);
	move_sp(t, 8);
	PUT(c, 0x3e, 0xff, 0x64, 0x24, STUB_AT - 8);	/* notrack jmp *stub */
	t->depth = 0;
	t->base.reg[CFI_RA] = cfi_entry_row().reg[CFI_RA];
	a->body_vaddr = code_vaddr(c);
	fix_rel32(c, body_at, c->n);
	tramp_rows(t);
	PUT(c, 0xf3, 0x0f, 0x1e, 0xfa);		/* endbr64: reached by the stub's indirect call */
}

void return_cold(struct tramp *t, const struct arming *a, bool calls)
{
	struct code *c = t->c;

	fix_rel32(c, a->cold_at, c->n);
	for (size_t i = 0; i < t->s->n_at; i++)
		if (t->s->at[i].ret)
			ask_cold(t, t->s->at[i].attach, a->arm_vaddr);
	put_jmp(c, a->body_vaddr);
	if (calls)
		return;

	/* The slot's home is taken, or something is unusual: bpftime_rt1_slot(sp, stubs). */
	t->depth = t->r11_dead ? 8 : 16;
	tramp_rows(t);
	for (unsigned i = 0; i < 3; i++)
		fix_rel32(c, a->slow_at[i], c->n);
	push_reg(t, RDI);
	push_reg(t, RSI);
	op_rsp(t, OP_LEA, RDI, t->depth);
	lea_rip(t, RSI, t->g->stubs);
	put_call(c, t->g->placed ? t->g->rt_slot : c->vaddr);
	pop_reg(t, RSI);
	pop_reg(t, RDI);
	PUT(c, 0x49, 0x89, 0xc3, 0x48, 0x85, 0xc0);	/* mov %rax, %r11; test %rax, %rax */
	put_jcc(c, CC_NE, a->got_vaddr);
	pop_reg(t, RAX);
	if (!t->r11_dead)
		pop_reg(t, R11);
	put_jmp(c, a->body_vaddr);
}

/* ---- the return ---- */

void return_address(struct tramp *t, enum reg to)
{
	uint8_t r = to & 7, b = to >= R8;
	struct code *c = t->c;
	size_t again, done;

	op_rsp(t, OP_LOAD, to, t->depth);
	if (!t->g->has_slots)
		return;
	again = c->n;
	lea_rip(t, R11, t->g->stubs);
	PUT(c, 0x4c | b, 0x29, 0xd8 | r);		/* sub %r11, to */
	PUT(c, 0x48 | b, 0x81, 0xf8 | r);		/* cmp $pool, to */
	put32(c, RT_SLOTS * RT_SLOT_BYTES);
	PUT(c, 0x73, 0);				/* jae done */
	done = c->n;
	PUT(c, 0x48 | b, 0x83, 0xe0 | r, (uint8_t)-RT_SLOT_BYTES);	/* and: its slot's offset */
	lea_rip(t, R11, t->g->slots);
	PUT(c, (uint8_t)(0x49 | b << 2 | b << 1), 0x8b, (uint8_t)(0x44 | r << 3), (uint8_t)(r << 3 | 3),
	    RA);					/* mov RA(%r11,to), to */
	PUT(c, 0xeb, (uint8_t)(again - (c->n + 2)));	/* jmp again */
	if (done <= c->cap)
		c->p[done - 1] = (uint8_t)(c->n - done);
	PUT(c, 0x4c | b, 0x01, 0xd8 | r);		/* done: add %r11, to */
}

void return_programs(struct tramp *t)
{
	t->at_return = true;
	t->flags = FLAGS_DEAD;
	save_flags(t);
	for (size_t i = 0; i < t->s->n_at; i++) {
		size_t skip;

		if (!t->s->at[i].ret)
			continue;
		cmp_word(t, t->s->at[i].attach);
		branch_slow(t, CC_E, &skip);
		call_program(t, &t->s->at[i], NULL);
		fix_rel32(t->c, skip, t->c->n);
	}
	restore_flags(t);
}

void return_call(struct tramp *t, struct arming *a)
{
	struct tramp at_body = *t;
	struct code *c = t->c;
	size_t body_at;

	test_words(t, a);
	move_sp(t, -8);		/* the body finds the stack as aligned as before */
	PUT(c, 0xe8);
	body_at = c->n;
	put32(c, 0);
	move_sp(t, 8);
	if (t->g->has_slots)	/* return_address() uses it */
		push_reg(t, R11);
	return_programs(t);
	if (t->g->has_slots)
		pop_reg(t, R11);
	PUT(c, 0xc3);
	*t = at_body;
	fix_rel32(c, body_at, c->n);
	a->body_vaddr = code_vaddr(c);
	tramp_rows(t);
}

/* In: rsp points at the saved r11, behind it the return address; r11 at the slot. */
void return_resume(struct tramp *t)
{
	struct code *c = t->c;

	t->base = cfi_entry_row();
	t->cfi = true;
	t->depth = t->saved[R11] = 8;
	cfi_begin(t->f, code_vaddr(c));
	tramp_rows(t);
	PUT(c, 0xf3, 0x0f, 0x1e, 0xfa);			/* endbr64 */
	PUT(c, 0x41, 0xc6, 0x43, STATE, RT_SLOT_FREE);	/* movb $FREE, state(%r11) */
	return_programs(t);
	pop_reg(t, R11);
	PUT(c, 0xc3);
	cfi_end(t->f, code_vaddr(c));
}
