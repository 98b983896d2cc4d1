/* SPDX-License-Identifier: MIT
 *
 * body_x86_64.c - what an entry does between saving registers and restoring them, if it can be told.
 *
 * LLVM writes a preserve_most function as
 *
 *     push R..; sub $room, %rsp          either may be missing; a push that no pop answers is room, too
 *     ...                                 the likely way first
 *     add $room, %rsp; pop ..R; ret       once, or wherever a way ends
 *     ...                                 unlikely parts
 *
 * Code of any other form is called where it is. */
#include "check_x86_64.h"

#include "decode_x86_64.h"

enum { RAX = 0, RDX = 2, RSP = 4, R11 = 11, MAX_PUSHES = 16, RSP_BIT = 1 << RSP };

struct frame {
	uint8_t  push[MAX_PUSHES];
	uint32_t n_push, sub_bytes;
	uint32_t n_pop;		/* of every exit; UINT32_MAX: none seen yet */
	int64_t  reach;		/* highest offset from rsp that something uses; -1: none above it */
};

/* add or sub of an immediate to rsp: its length, or 0.  sub: 5, add: 0, the field of 83 and 81. */
static uint8_t moves_rsp(const uint8_t *p, size_t n, uint8_t ext, uint32_t *bytes)
{
	uint8_t modrm = (uint8_t)(0xc0 | ext << 3 | RSP);

	if (n < 4 || p[0] != 0x48 || p[2] != modrm)
		return 0;
	if (p[1] == 0x83 && p[3] < 0x80) {
		*bytes = p[3];
		return 4;
	}
	if (p[1] != 0x81 || n < 7 || p[6])	/* less than 16 MiB */
		return 0;
	*bytes = p[3] | (uint32_t)p[4] << 8 | (uint32_t)p[5] << 16;
	return 7;
}

/* push (50) or pop (58) of a register: its length, or 0. */
static uint8_t stack_reg(const uint8_t *p, size_t n, uint8_t op, uint8_t *reg)
{
	uint8_t rex = n && p[0] == 0x41;

	if (n <= rex || (p[rex] & 0xf8) != op)
		return 0;
	*reg = (uint8_t)((p[rex] & 7) | rex << 3);
	return (uint8_t)(1 + rex);
}

static size_t prologue(const uint8_t *p, size_t n, struct frame *f)
{
	size_t at = 0;
	uint8_t len;

	while (f->n_push < MAX_PUSHES && (len = stack_reg(p + at, n - at, 0x50, &f->push[f->n_push]))) {
		at += len;
		f->n_push++;
	}
	return at + moves_rsp(p + at, n - at, 5, &f->sub_bytes);
}

/* The length of the exit that begins here; 0: it is none, or one of another frame. */
static uint8_t exit_bytes(const uint8_t *p, size_t n, struct frame *f)
{
	uint32_t add_bytes = 0, n_pop = 0;
	uint8_t pop[MAX_PUSHES], len, at = moves_rsp(p, n, 0, &add_bytes);

	while (n_pop < f->n_push && (len = stack_reg(p + at, n - at, 0x58, &pop[n_pop]))) {
		at = (uint8_t)(at + len);
		n_pop++;
	}
	if (at >= n || p[at] != 0xc3 || add_bytes != f->sub_bytes + 8 * (f->n_push - n_pop) ||
	    (f->n_pop != UINT32_MAX && f->n_pop != n_pop))
		return 0;
	for (uint32_t i = 0; i < n_pop; i++)
		if (pop[i] != f->push[n_pop - 1 - i])
			return 0;
	f->n_pop = n_pop;
	return (uint8_t)(at + 1);
}

static bool branch_kind(const uint8_t *p, size_t n, uint8_t *cc)
{
	if ((p[0] & 0xf0) == 0x70)
		*cc = p[0] & 0xf;
	else if (p[0] == 0x0f && n > 1 && (p[1] & 0xf0) == 0x80)
		*cc = p[1] & 0xf;
	else if (p[0] == 0xeb || p[0] == 0xe9)
		*cc = CODE_ALWAYS;
	else
		return false;	/* loop, jrcxz, through a register */
	return true;
}

/* An instruction between saving and restoring. */
static bool ordinary(const struct dec_insn *in, struct frame *f)
{
	bool call = in->bits & DEC_CALL;
	int64_t at = in->has_ea && in->ea_base == RSP ? in->ea_disp : 0;

	if (in->bits & (DEC_JMP | DEC_COND | DEC_RET | DEC_TRAP | DEC_SYSCALL | DEC_PUSH) || (call && !in->has_target))
		return false;
	if (!call && in->regs_read & RSP_BIT && at > f->reach)
		f->reach = at;
	return call || !(in->regs_written & RSP_BIT);
}

/* Branches hold offsets until all steps are known. */
static bool resolve(struct code_body *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t lo = 0, hi = b->n, to = b->step[i].to;

		if (b->step[i].kind != CODE_BRANCH)
			continue;
		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (b->step[mid].off < to)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo == b->n || b->step[lo].off != to)
			return false;
		b->step[i].to = lo;
	}
	return true;
}

static bool next_step(const uint8_t *p, size_t n, uint32_t off, struct frame *f, struct code_body *b,
		      struct code_step *s)
{
	struct dec_insn in;

	*s = (struct code_step){ .off = off, .kind = CODE_EXIT, .len = exit_bytes(p + off, n - off, f) };
	if (s->len)
		return true;
	if (!dec_x86_64(p + off, n - off, off, &in))
		return false;
	s->len = in.len;
	if (in.bits & DEC_NOP) {
		s->kind = CODE_NOTHING;
		return true;
	}
	if (branch_kind(p + off, in.len, &s->cc)) {
		s->kind = CODE_BRANCH;
		s->to = (uint32_t)in.target_vaddr;
		return in.target_vaddr <= n && in.target_vaddr != off + in.len;	/* that waits for a relocation */
	}
	s->kind = CODE_PLAIN;
	s->distance = in.has_mem || in.bits & DEC_CALL;
	b->calls |= !!(in.bits & DEC_CALL);
	b->uses_stack |= (in.regs_read | in.regs_written) >> RSP & 1;
	b->writes |= in.bits & DEC_CALL ? 1u << RAX | 1u << R11 : in.regs_written;
	return ordinary(&in, f);
}

static bool all_steps(const uint8_t *p, size_t n, struct frame *f, struct code_body *b)
{
	uint32_t last;

	for (uint32_t off = (uint32_t)prologue(p, n, f); off < n; off += b->step[b->n++].len)
		if (!next_step(p, n, off, f, b, &b->step[b->n]))
			return false;
	if (!b->n || f->n_pop == UINT32_MAX)
		return false;
	for (last = b->n - 1; last && b->step[last].kind == CODE_NOTHING;)
		last--;
	return b->step[last].kind == CODE_EXIT ||
	       (b->step[last].kind == CODE_BRANCH && b->step[last].cc == CODE_ALWAYS);
}

static bool straight(const struct code_body *b)
{
	for (uint32_t i = 0; i < b->n_likely; i++)
		if (b->step[i].kind == CODE_BRANCH)
			return false;
	return b->n == b->n_likely + 1;
}

bool x86_64_body(const uint8_t *p, size_t n, bool outcome, struct code_step *step, struct code_body *b)
{
	struct frame f = { .n_pop = UINT32_MAX, .reach = -1 };
	uint16_t may_write = 1 << R11 | (outcome ? 1 << RAX | 1 << RDX : 0);

	*b = (struct code_body){ .step = step };
	if (n > CODE_BODY_MAX || !all_steps(p, n, &f, b) || !resolve(b))
		return false;
	while (step[b->n_likely].kind != CODE_EXIT)
		b->n_likely++;
	for (uint32_t i = 0; i < f.n_pop; i++)
		b->saves |= (uint16_t)(1u << f.push[i]);
	if (b->calls)			/* what it calls may change the rest of them */
		b->writes |= b->saves;
	b->room_bytes = f.sub_bytes + 8 * (f.n_push - f.n_pop);
	b->bytes = step[b->n_likely].off - step[0].off;
	b->simple = straight(b) && b->bytes <= CODE_SIMPLE_MAX && !b->saves && !b->room_bytes && !b->uses_stack;
	/* What was pushed is elsewhere in a copy; what is not saved is not to change. */
	return f.reach < (int64_t)b->room_bytes && !(b->writes & ~(b->saves | may_write));
}
