/* SPDX-License-Identifier: MIT
 *
 * return_x86_64.c - return hooks by call-through.
 *
 * A function that needs nothing above its return address is called by the trampoline.  Others
 * must find their arguments where they are, so the return address of the call takes the place
 * of their own, which a slot remembers; the protocol is in docs/design.md, the other half in
 * runtime-min/slots.c.
 *
 * The stub of slots that are d places from their frames' homes, whose return point T(d) is
 * behind the call:
 *
 *      0  call *BODY-8(%rsp)      the function: the displaced instructions
 *      4  lea -8(%rsp), %rsp      T(d): here [sp] still holds it, which the examiner looks at
 *      9  push $d
 *     11  jmp common              to the slot's resume, the site's return programs */
#include "tramp_x86_64.h"

enum {		/* struct rt_slot, rt.h */
	RESUME = 0, RA = 8, STATE = 16, POINT = 24,
	LEFT_RA = 9, PUSHED_D = 11,	/* offsets in a stub */
	STUBS_BYTES = RT_SLOT_REACH * RT_STUB_BYTES,
	HASH_SHIFT = 32 - RT_SLOT_HOMES_LOG2 + 1 - 6,	/* to an even slot: slots are 32 bytes */
	HASH_MASK = (RT_SLOT_HOMES * RT_SLOT_BYTES - 1) & ~(2 * RT_SLOT_BYTES - 1),
	/* What the arming code leaves for the stub's call and for the jump to the stub: below
	 * the return address and the saved registers. */
	BODY_AT = -24, STUB_AT = -32,
};
_Static_assert(RT_SLOT_REACH <= 128, "push $d has a signed byte");
_Static_assert(STUBS_BYTES <= 4096, "the FDE of the stubs goes by the offset in a page");

/* ---- unwinding ---- */

enum {		/* DWARF 5, table 7.9 */
	DW_OP_deref = 0x06, DW_OP_const1u = 0x08, DW_OP_const1s = 0x09, DW_OP_const2u = 0x0a,
	DW_OP_const4u = 0x0c, DW_OP_const4s = 0x0d, DW_OP_and = 0x1a, DW_OP_minus = 0x1c,
	DW_OP_mul = 0x1e, DW_OP_plus = 0x22, DW_OP_plus_uconst = 0x23, DW_OP_shl = 0x24,
	DW_OP_shr = 0x25, DW_OP_ge = 0x2a, DW_OP_lit3 = 0x33, DW_OP_lit8 = 0x38,
	DW_OP_lit15 = 0x3f, DW_OP_breg7 = 0x77, DW_OP_breg16 = 0x80,
};

/* rsp as it was at T(d): linkers describe PLT entries in the same way, by rip's low bits. */
static void put_sp_expr(struct code *e)
{
	static const uint8_t at[] = { LEFT_RA, PUSHED_D };

	PUT(e, DW_OP_breg7, 0);
	for (unsigned i = 0; i < sizeof(at); i++)
		PUT(e, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_const1u, at[i], DW_OP_ge,
		    DW_OP_lit3, DW_OP_shl, DW_OP_plus);
}

static void put16(struct code *e, uint64_t v)
{
	PUT(e, (uint8_t)v, (uint8_t)(v >> 8));
}

/* Address of a field of the frame's slot: that of the stub and d times RT_STUB_BYTES, twice
 * RT_STUB_BYTES being RT_SLOT_BYTES; the distance of slots and stubs; the home. */
static void put_slot_expr(struct code *e, const struct tramp_common *g, unsigned field)
{
	PUT(e, DW_OP_breg16, 0, DW_OP_const1s, (uint8_t)-RT_STUB_BYTES, DW_OP_and);
	PUT(e, DW_OP_breg16, 0, DW_OP_const2u);
	put16(e, g->stubs % 4096);
	PUT(e, DW_OP_minus, DW_OP_const2u);
	put16(e, STUBS_BYTES - RT_STUB_BYTES);
	PUT(e, DW_OP_and, DW_OP_plus, DW_OP_const4s);
	put32(e, (uint32_t)(g->slots - g->stubs + field));
	PUT(e, DW_OP_plus);
	put_sp_expr(e);
	PUT(e, DW_OP_lit8, DW_OP_minus, DW_OP_const4u);
	put32(e, RT_SLOT_HASH);
	PUT(e, DW_OP_mul, DW_OP_const1u, HASH_SHIFT, DW_OP_shr, DW_OP_const4u);
	put32(e, HASH_MASK);
	PUT(e, DW_OP_and, DW_OP_plus);
}

/* The CFA is one to seven bytes above rsp: unwinders tell frames apart by it, and that of
 * the caller (rsp itself) would be taken for this one; chained slots have one each. */
static void stub_rows(const struct tramp_common *g, struct code *c, struct cfi_out *f)
{
	uint8_t cfa[128], sp[32], ra[96];
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

/* r11 is the offset of the home of the frame whose return address is at depth 0. */
static void load_home(struct tramp *t)
{
	struct code *c = t->c;

	PUT(c, 0x44, 0x8d, 0x9c, 0x24);		/* lea depth(%rsp), %r11d */
	put32(c, (uint32_t)t->depth);
	PUT(c, 0x45, 0x69, 0xdb);		/* imul $hash, %r11d, %r11d */
	put32(c, RT_SLOT_HASH);
	PUT(c, 0x41, 0xc1, 0xeb, HASH_SHIFT);	/* shr */
	PUT(c, 0x41, 0x81, 0xe3);		/* and */
	put32(c, HASH_MASK);
}

/* What the stubs have in common: finds the slot, claims it, puts the return address back.  Until
 * then [sp] is T(d), through which unwinders find it. */
static void stubs_common(const struct tramp_common *g, bool flags, struct code *c, struct cfi_out *f)
{
	struct tramp t = { .g = g, .c = c, .f = f, .base = cfi_entry_row(), .cfi = true, .depth = 8 };

	cfi_begin(f, code_vaddr(c));
	tramp_rows(&t);
	push_reg(&t, RAX);
	op_rsp(&t, OP_LOAD, RAX, 8);		/* d */
	op_rsp(&t, OP_STORE, R11, 8);
	if (flags) {
		PUT(c, 0x9c);			/* pushfq */
		t.depth += 8;
		tramp_rows(&t);
	}
	load_home(&t);
	PUT(c, 0xc1, 0xe0, 5);			/* shl $5, %eax */
	PUT(c, 0x49, 0x01, 0xc3);		/* add %rax, %r11 */
	lea_rip(&t, RAX, g->slots);
	PUT(c, 0x49, 0x01, 0xc3);
	PUT(c, 0x41, 0xc6, 0x43, STATE, RT_SLOT_CLAIMED);	/* movb $CLAIMED, state */
	op_r11(&t, OP_LOAD, RAX, RA);
	op_rsp(&t, OP_STORE, RAX, t.depth);
	if (flags) {
		PUT(c, 0x9d);			/* popfq */
		t.depth -= 8;
		tramp_rows(&t);
	}
	pop_reg(&t, RAX);
	PUT(c, 0x41, 0xff, 0x23);		/* jmp *resume */
	cfi_end(f, code_vaddr(c));
}
_Static_assert(RT_SLOT_BYTES == 1 << 5 && RT_SLOT_BYTES == 2 * RT_STUB_BYTES && RESUME == 0, "");

void return_stubs(struct tramp_common *g, bool flags, struct code *c, struct cfi_out *f)
{
	uint64_t common = code_vaddr(c);
	size_t end;

	stubs_common(g, flags, c, f);
	end = c->n + RT_STUB_BYTES - 1 + STUBS_BYTES;
	while (code_vaddr(c) % RT_STUB_BYTES)
		PUT(c, 0xcc);
	g->stubs = code_vaddr(c);
	if (!g->placed)
		g->slots = g->stubs;
	for (unsigned d = 0; d < RT_SLOT_REACH; d++) {
		PUT(c, 0xff, 0x54, 0x24, (uint8_t)(BODY_AT - 8));	/* call *BODY-8(%rsp) */
		PUT(c, 0x48, 0x8d, 0x64, 0x24, (uint8_t)-8);		/* lea -8(%rsp), %rsp */
		PUT(c, 0x6a, (uint8_t)d);				/* push $d */
		put_jmp(c, common);
	}
	stub_rows(g, c, f);
	while (c->n < end)
		PUT(c, 0xcc);
}

/* ---- arming ---- */

size_t return_list(const struct tramp *t, const struct site_attach **list)
{
	size_t n = 0;

	for (size_t i = 0; i < t->s->n_at; i++)
		if (t->s->at[i].ret)
			list[n++] = &t->s->at[i];
	return n;
}

/* Tests of the words of all return programs: any enabled one arms. */
static void test_words(struct tramp *t, struct arming *a)
{
	struct arena *arena = t->g->im->arena;
	const struct site_attach **list = arena_array(arena, t->s->n_at, sizeof(*list));
	size_t n = return_list(t, list), *jne = arena_array(arena, n, sizeof(*jne)), n_jne = 0;

	if (a->tested) {
		a->arm_vaddr = code_vaddr(t->c);
		return;
	}
	if (n == 1 || (n == 2 && side_by_side(list))) {
		cmp_words(t, list, n);
		a->cold_at = put_branch(t, CC_E);
	} else {
		n_jne = branch_if_any(t, list, n, jne);
		put_jmp(t->c, t->c->vaddr);
		a->cold_at = t->c->n - 4;
	}
	for (size_t i = 0; i < n_jne; i++)
		fix_rel32(t->c, jne[i], t->c->n);
	a->arm_vaddr = code_vaddr(t->c);
}

/* Out: r11 the slot of this stack pointer, claimed. */
static void claim(struct tramp *t, struct arming *a)
{
	struct code *c = t->c;

	/* Tail called from a hooked function: the return address is a stub's. */
	lea_rip(t, RAX, t->g->stubs + STUBS_BYTES);
	PUT(c, 0x48, 0x2b, 0x84, 0x24);		/* sub depth(%rsp), %rax */
	put32(c, (uint32_t)t->depth);
	PUT(c, 0x48, 0x3d);			/* cmp $bytes, %rax */
	put32(c, STUBS_BYTES);
	a->slow_at[0] = put_branch(t, CC_BE);
	PUT(c, 0x40, 0xf6, 0xc4, 7);		/* test $7, %spl */
	a->slow_at[1] = put_branch(t, CC_NE);
	load_home(t);
	lea_rip(t, RAX, t->g->slots);
	PUT(c, 0x49, 0x01, 0xc3);		/* add %rax, %r11 */
	PUT(c, 0xf0, 0x41, 0x0f, 0xba, 0x6b, STATE, 0);	/* lock btsl $0, state */
	a->slow_at[2] = put_branch(t, CC_C);
	op_rsp(t, OP_LEA, RAX, t->depth + RT_SLOT_CLAIMED);
	op_r11(t, OP_STORE, RAX, STATE);
}

void return_arm(struct tramp *t, uint64_t resume_vaddr, struct arming *a)
{
	struct code *c = t->c;
	size_t body_at;

	a->resume_vaddr = resume_vaddr;
	test_words(t, a);
	if (!t->r11_dead)
		push_reg(t, R11);
	push_reg(t, RAX);
	claim(t, a);
	/* What the stub hands the return to, and what it runs. */
	lea_rip(t, RAX, resume_vaddr);
	op_r11(t, OP_STORE, RAX, RESUME);
	op_rsp(t, OP_LOAD, RAX, t->depth);
	op_r11(t, OP_STORE, RAX, RA);
	lea_rip(t, RAX, t->g->stubs + RT_STUB_POINT);
	op_r11(t, OP_STORE, RAX, POINT);
	op_rsp(t, OP_STORE, RAX, t->depth);	/* [sp] = T(0) */
	lea_rip(t, RAX, code_vaddr(c));
	body_at = c->n - 4;
	op_rsp(t, OP_STORE, RAX, t->depth + BODY_AT);
	PUT(c, 0x41, 0x80, 0x4b, STATE, RT_SLOT_ARMED & ~RT_SLOT_CLAIMED);	/* orb */
	pop_reg(t, RAX);
	if (!t->r11_dead)
		pop_reg(t, R11);
	move_sp(t, 8);
	put_jmp(c, t->g->stubs);
	t->depth = 0;
	a->body_vaddr = code_vaddr(c);
	fix_rel32(c, body_at, c->n);
	tramp_rows(t);
	PUT(c, 0xf3, 0x0f, 0x1e, 0xfa);		/* endbr64: reached by the stub's indirect call */
}

void return_cold(struct tramp *t, const struct arming *a, bool calls)
{
	struct code *c = t->c;
	struct tramp at_miss;
	size_t miss;

	if (!a->tested) {
		fix_rel32(c, a->cold_at, c->n);
		for (size_t i = 0; i < t->s->n_at; i++)
			if (t->s->at[i].ret)
				ask_cold(t, t->s->at[i].attach, a->arm_vaddr);
		put_jmp(c, a->body_vaddr);
	}
	if (calls)
		return;

	/* The home is taken, or something is unusual: bpftime_rt1_slot(sp, stubs, resume). */
	t->depth = t->r11_dead ? 8 : 16;
	tramp_rows(t);
	for (unsigned i = 0; i < 3; i++)
		fix_rel32(c, a->slow_at[i], c->n);
	push_reg(t, RDI);
	push_reg(t, RSI);
	push_reg(t, RDX);
	op_rsp(t, OP_LEA, RDI, t->depth);
	lea_rip(t, RSI, t->g->stubs);
	lea_rip(t, RDX, a->resume_vaddr);
	put_call(c, t->g->placed ? t->g->rt_slot : c->vaddr);
	pop_reg(t, RDX);
	pop_reg(t, RSI);
	pop_reg(t, RDI);
	PUT(c, 0x48, 0x85, 0xc0);		/* test %rax, %rax */
	miss = put_branch(t, CC_E);
	op_rsp(t, OP_STORE, RAX, t->depth + STUB_AT);
	lea_rip(t, RAX, a->body_vaddr);
	op_rsp(t, OP_STORE, RAX, t->depth + BODY_AT);
	at_miss = *t;
	pop_reg(t, RAX);
	if (!t->r11_dead)
		pop_reg(t, R11);
	move_sp(t, 8);
	PUT(c, 0x3e, 0xff, 0x64, 0x24, (uint8_t)(STUB_AT - 8));	/* notrack jmp *stub */
	*t = at_miss;
	fix_rel32(c, miss, c->n);
	tramp_rows(t);
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
	PUT(c, 0x48 | b, 0x81, 0xf8 | r);		/* cmp $bytes, to */
	put32(c, STUBS_BYTES);
	PUT(c, 0x73, 0);				/* jae done */
	done = c->n;
	PUT(c, 0x48 | b, 0x83, 0xe0 | r, (uint8_t)-RT_STUB_BYTES);	/* and: half the way from home */
	load_home(t);
	PUT(c, (uint8_t)(0x49 | b << 2 | b << 1), 0x8d, (uint8_t)(0x04 | r << 3),
	    (uint8_t)(0x43 | r << 3));		/* lea (%r11,to,2), to */
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
	struct arena *a = t->g->im->arena;
	struct together *w = arena_alloc(a, sizeof(*w));

	w->list = arena_array(a, t->s->n_at, sizeof(*w->list));
	w->n = w->n_words = return_list(t, w->list);
	t->at_return = true;
	t->flags = FLAGS_DEAD;
	save_flags(t);
	if (w->n > 1) {
		put_together(t, w);
	} else {
		size_t skip;

		cmp_word(t, w->list[0]->attach);
		skip = put_branch(t, CC_E);
		call_program(t, w->list[0], NULL);
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
	write_later(t);
	cfi_end(t->f, code_vaddr(c));
}
