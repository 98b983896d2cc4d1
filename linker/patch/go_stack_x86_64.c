/* SPDX-License-Identifier: MIT
 *
 * go_stack_x86_64.c - programs hooked into goroutines run on a stack of the payload's.
 *
 * A goroutine's stack is small, and where no check is made there may be nothing left of it.  So
 * nothing is pushed there but where go_x86_64.c found that some bytes are there; a stack is
 * claimed with two registers and one locked operation:
 *
 *          lea stacks, A; home of rsp to B; A += B * size; B = tries left | stacks left before the end
 *     try: lock btsl $0, claimed(A)            jc: next stack; out of tries: a miss
 *          mov %rsp, sp(A); lea top(A), %rsp
 *
 * Handlers of signals that arrive meanwhile run on their own stack, and claim another one if they are
 * hooked.  Register A is none of rsp's and r12's number: it needs no SIB byte. */
#include "tramp_x86_64.h"

enum { ROUNDS = 256 };	/* looks at every stack, until it is a miss */

/* Can this program run where it is, without a byte of stack but, with some, that of r11? */
static bool in_place(const struct tramp *t, const struct lnk_hook *h)
{
	return h->body && h->body->simple && h->row->form == ENTRY_NATURAL && !is_syscall_hook(h) &&
	       !(h->row->bits & OBJFMT_HOOK_OUTCOME) &&
	       (h->keeps_all || t->r11_dead || t->room == STACK_SOME);
}

bool go_stack_wanted(const struct tramp *t, const struct site_attach *at)
{
	return t->room != STACK_ROOMY && !in_place(t, lnk_hook(t->g->lnk, at->hook));
}

const char *tramp_refused(const struct lnk *l, const struct site *s, const struct tramp_site *ts,
			  bool *stacks)
{
	struct tramp_common g = { .lnk = (struct lnk *)l };
	struct tramp t = { .g = &g, .s = s, .r11_dead = ts->r11_dead, .room = ts->room };

	for (size_t i = 0; i < s->n_at && ts->go; i++)
		*stacks |= go_stack_wanted(&t, &s->at[i]) || ts->spare[0] || ts->room == STACK_SOME;
	if (ts->room != STACK_NONE)
		return NULL;
	if (ts->flags != FLAGS_DEAD || ts->red_zone)
		return "there may be no stack to keep the flags on";
	for (size_t i = 0; i < s->n_at; i++) {
		if (s->at[i].sys_exit && s->syscall_nr < 0)
			return "there may be no stack to keep the call's number on";
		if (!ts->spare[0] && go_stack_wanted(&t, &s->at[i]))
			return "assembly without a stack check: there may be no stack to run this program on";
	}
	return NULL;
}

static void op_base(struct tramp *t, uint8_t op, enum reg r, enum reg base, int32_t disp)
{
	PUT(t->c, (uint8_t)(0x48 | (r >= R8 ? 4 : 0) | (base >= R8 ? 1 : 0)), op,
	    (uint8_t)(0x80 | (r & 7) << 3 | (base & 7)));
	if ((base & 7) == RSP)
		PUT(t->c, 0x24);
	put32(t->c, (uint32_t)disp);
}

/* op $imm32, r: 81 /ext, 64 bits */
static void op_imm(struct tramp *t, uint8_t ext, enum reg r, uint32_t imm)
{
	PUT(t->c, (uint8_t)(0x48 | (r >= R8 ? 1 : 0)), 0x81, (uint8_t)(0xc0 | ext << 3 | (r & 7)));
	put32(t->c, imm);
}

static void shift(struct tramp *t, uint8_t ext, enum reg r, uint8_t by)
{
	PUT(t->c, (uint8_t)(0x48 | (r >= R8 ? 1 : 0)), 0xc1, (uint8_t)(0xc0 | ext << 3 | (r & 7)), by);
}

enum { EXT_ADD = 0, EXT_OR = 1, EXT_SUB = 5, EXT_XOR = 6, EXT_SHL = 4, EXT_SHR = 5 };

/* First stack to look at, and tries. */
static void choose(struct tramp *t, enum reg a, enum reg b, uint64_t stacks)
{
	struct code *c = t->c;

	PUT(c, (uint8_t)(0x40 | (b >= R8 ? 1 : 0)), 0x89, (uint8_t)(0xe0 | (b & 7)));	/* mov %esp, b */
	PUT(c, (uint8_t)(0x40 | (b >= R8 ? 5 : 0)), 0x69, (uint8_t)(0xc0 | (b & 7) << 3 | (b & 7)));
	put32(c, RT_SLOT_HASH);				/* imul $hash, b, b */
	PUT(c, (uint8_t)(0x40 | (b >= R8 ? 1 : 0)), 0xc1, (uint8_t)(0xe8 | (b & 7)), 32 - RT_STACKS_LOG2);
	lea_rip(t, a, stacks);
	shift(t, EXT_SHL, b, RT_STACK_LOG2);
	PUT(c, (uint8_t)(0x48 | (b >= R8 ? 4 : 0) | (a >= R8 ? 1 : 0)), 0x01,
	    (uint8_t)(0xc0 | (b & 7) << 3 | (a & 7)));	/* add b, a */
	shift(t, EXT_SHR, b, RT_STACK_LOG2);
	op_imm(t, EXT_XOR, b, ROUNDS << RT_STACKS_LOG2 | (RT_STACKS - 1));
}

static size_t jump(struct tramp *t, uint8_t cc)
{
	PUT(t->c, 0x0f, (uint8_t)(0x80 | cc));
	put32(t->c, 0);
	return t->c->n - 4;
}

/* All in line: nothing could hold the way back.  Returns the place of the rel32 that a miss jumps by. */
size_t go_stack_enter(struct tramp *t)
{
	enum reg a = t->spare[0] ? t->spare[0] : R13, b = t->spare[1] ? t->spare[1] : R12;
	uint64_t stacks = t->g->placed ? t->g->rt_stacks : t->c->vaddr, again;
	struct code *c = t->c;
	size_t got, wrap, step, miss;

	if (!t->spare[0]) {
		push_reg(t, a);
		push_reg(t, b);
	}
	choose(t, a, b, stacks);
	again = code_vaddr(c);
	PUT(c, 0xf0, (uint8_t)(0x40 | (a >= R8 ? 1 : 0)), 0x0f, 0xba, (uint8_t)(0xa8 | (a & 7)));
	put32(c, RT_STACK_CLAIMED);		/* lock btsl $0, claimed(a) */
	PUT(c, 0);
	got = jump(t, CC_NC);
	op_imm(t, EXT_ADD, a, RT_STACK_BYTES);
	PUT(c, (uint8_t)(0x40 | (b >= R8 ? 1 : 0)), 0xf6, (uint8_t)(0xc0 | (b & 7)), RT_STACKS - 1);
	wrap = jump(t, CC_E);			/* testb: was it the last? */
	step = c->n;
	op_imm(t, EXT_SUB, b, 1);
	put_jcc(c, CC_NS, again);
	PUT(c, 0xf0, 0x48, 0xff, 0x05);		/* lock incq misses */
	put_rel32(c, t->g->placed ? t->g->rt_misses : c->vaddr, 0);
	PUT(c, 0x38, 0xc0, 0xe9);		/* cmp %al, %al: as if the cold path said skip */
	put32(c, 0);
	miss = c->n - 4;
	fix_rel32(c, wrap, c->n);
	PUT(c, 0xf3, 0x90);			/* pause */
	lea_rip(t, a, stacks);
	put_jmp(c, c->vaddr + step);
	fix_rel32(c, got, c->n);
	op_base(t, OP_STORE, RSP, a, RT_STACK_TOP);
	op_base(t, OP_LEA, RSP, a, RT_STACK_TOP);
	t->on_stack = true;
	memcpy(t->under, t->saved, sizeof(t->under));
	memset(t->saved, 0, sizeof(t->saved));
	t->intact = 0;
	t->under_flags = t->saved_flags;
	t->under_depth = t->depth;
	t->saved_flags = t->depth = 0;
	return miss;
}

void go_stack_leave(struct tramp *t, size_t miss)
{
	enum reg a = t->spare[0] ? t->spare[0] : R13, b = t->spare[1] ? t->spare[1] : R12;
	struct code *c = t->c;

	op_base(t, OP_LEA, a, RSP, 0);
	op_base(t, OP_LOAD, RSP, RSP, 0);
	PUT(c, (uint8_t)(0x40 | (a >= R8 ? 1 : 0)), 0xc7, (uint8_t)(0x40 | (a & 7)),
	    RT_STACK_CLAIMED - RT_STACK_TOP);
	put32(c, 0);				/* movl $0, claimed */
	t->on_stack = false;
	memcpy(t->saved, t->under, sizeof(t->saved));
	t->saved_flags = t->under_flags;
	t->depth = t->under_depth;
	if (miss)
		fix_rel32(c, miss, c->n);
	if (!t->spare[0]) {
		pop_reg(t, b);
		pop_reg(t, a);
	}
}

void go_stack_load(struct tramp *t, uint8_t op, enum reg to, int32_t off)
{
	op_rsp(t, OP_LOAD, to, t->depth);
	op_base(t, op, to, to, off);
}
