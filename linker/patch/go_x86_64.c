/* SPDX-License-Identifier: MIT
 *
 * Source: Go's src/cmd/compile/abi-internal.md, src/cmd/internal/obj/x86/obj6.go
 * (stacksplit), src/runtime/stack.go, src/runtime/signal_unix.go (sighandler). */
#include "go_x86_64.h"

#include "decode_x86_64.h"

enum {
	CHECK_INSNS = 8, MORE_INSNS = 48,
	GUARD0 = 0x10, GUARD1 = 0x18,	/* struct g: stackguard0, stackguard1 */
	CC_BELOW = 2, CC_BELOW_EQUAL = 6, SP = 4, BP = 5,
};

static bool decode(const struct image *im, uint64_t at, uint64_t end, struct insn *in, struct dec_insn *d)
{
	const uint8_t *p = at < end ? image_at(im, at, end - at) : NULL;

	return p && insn_decode(p, end - at, at, in) && dec_x86_64(p, end - at, at, d);
}

static bool inside(const struct image_go_fn *fn, uint64_t vaddr)
{
	return vaddr >= fn->vaddr && vaddr < fn->end;
}

/* Opcode without prefixes; 0: of two bytes. */
static uint8_t opcode(const struct insn *in)
{
	unsigned i = 0;

	while (i < in->len && (in->byte[i] == 0x66 || in->byte[i] == 0xf2 || in->byte[i] == 0xf3 ||
			       in->byte[i] == 0x64 || (in->byte[i] & 0xf0) == 0x40))
		i++;
	return i < in->len && in->byte[i] != 0x0f ? in->byte[i] : 0;
}

/* Is `at` where the stack grows, after which the function starts again?  A call, and nothing but
 * moves up to the jump. */
static bool grows(const struct image *im, const struct image_go_fn *fn, uint64_t at)
{
	bool called = false;
	struct dec_insn d;
	struct insn in;

	for (unsigned i = 0; i < MORE_INSNS && decode(im, at, fn->end, &in, &d); i++) {
		if (in.kind == INSN_JMP)
			return called && in.target == fn->vaddr;
		if (in.kind == INSN_CALL)
			called = true;
		else if (in.kind != INSN_PLAIN && in.kind != INSN_NOP)
			return false;
		at += in.len;
	}
	return false;
}

/* Behind the stack check that fn begins with; 0: none. */
static uint64_t behind_check(const struct image *im, const struct image_go_fn *fn)
{
	unsigned sp = 1u << SP;		/* registers that hold rsp and a distance */
	bool compared = false;
	uint64_t at = fn->vaddr;
	struct dec_insn d;
	struct insn in;

	for (unsigned i = 0; i < CHECK_INSNS && decode(im, at, fn->end, &in, &d); i++) {
		uint8_t op = opcode(&in);

		at += in.len;
		if (in.kind == INSN_JCC && compared && in.cc == CC_BELOW_EQUAL)
			return inside(fn, in.target) && grows(im, fn, in.target) ? at : 0;
		if (compared || (in.kind != INSN_PLAIN && !(in.kind == INSN_JCC && in.cc == CC_BELOW)))
			return 0;
		if (in.kind == INSN_JCC)
			continue;	/* the distance itself is more than there is */
		if (op == 0x3b)		/* cmp guard(g), rsp */
			compared = (d.regs_named & sp) && (in.disp == GUARD0 || in.disp == GUARD1);
		else if ((in.is_lea && in.has_base && in.base == SP) || (d.bits & DEC_COPY && d.regs_named == 1u << SP))
			sp |= d.regs_written;
		else if (!(d.bits & DEC_SUB && d.regs_written & sp & ~(1u << SP)) && op != 0x8b)
			return 0;	/* 8b: loads g */
		if (op == 0x3b && !compared)
			return 0;
	}
	return 0;
}

/* Somewhere else: a call, moves, a jump to the start. */
static bool starts_again(const struct image *im, const struct image_go_fn *fn)
{
	struct dec_insn d;
	struct insn in;
	bool called = false;

	for (uint64_t at = fn->vaddr; at < fn->end; at += in.len) {
		if (!decode(im, at, fn->end, &in, &d))
			return true;
		if (in.kind == INSN_JMP && in.target == fn->vaddr && called)
			return true;
		if (in.kind != INSN_PLAIN && in.kind != INSN_NOP)
			called = in.kind == INSN_CALL;
	}
	return false;
}

/* In a running program, what an earlier attach has written: its trampolines are in no file.  What the jump covers
 * cannot be seen. */
static const char *const attached = "hooked already by an earlier attach: detach, and attach all hooks at once";

static bool leads_away(const struct image *im, const struct insn *in)
{
	return in->kind == INSN_JMP && !image_at(im, in->target, 1);
}

/* The window of an entry: all of the check, and nothing else. */
static void take_check(const struct image *im, const struct image_go_fn *fn, uint64_t end, struct tramp_site *t)
{
	uint64_t at = fn->vaddr;
	struct dec_insn d;

	for (t->n_insn = 0; at < end && decode(im, at, fn->end, &t->insn[t->n_insn], &d); t->n_insn++)
		at += t->insn[t->n_insn].len;
	t->n_before = t->n_insn;
	t->back_vaddr = end;
}

const char *go_see_site(const struct image *im, const struct site *s, struct tramp_site *t)
{
	const struct image_go_fn *fn = image_go_fn_at(im, s->vaddr);
	struct dec_insn d;
	struct insn first;
	uint64_t checked;

	if (im->go && !im->go->n_fn)
		return "a Go program whose table of functions cannot be read";
	if (!fn)
		return NULL;
	t->go = true;
	t->room = STACK_NONE;
	t->red_zone = fn->assembly && s->kind == SITE_OFFSET;
	if (s->kind == SITE_SYSCALL) {	/* the kernel takes rcx and r11 */
		t->spare[0] = 1;
		t->spare[1] = 11;
		return NULL;
	}
	checked = behind_check(im, fn);
	if (checked && s->vaddr != fn->vaddr && s->vaddr < checked)
		return "among the instructions that look whether there is stack enough";
	if (checked)
		t->room = STACK_SOME;
	if (s->kind == SITE_ENTRY && s->vaddr == fn->vaddr && checked)
		take_check(im, fn, checked, t);
	else if (s->kind == SITE_ENTRY && !fn->assembly && starts_again(im, fn))
		return decode(im, fn->vaddr, fn->end, &first, &d) && leads_away(im, &first) ? attached
			: "it starts again when its stack has grown, and where it finds out is not clear";
	if (!fn->assembly && s->kind != SITE_OFFSET) {	/* neither arguments nor results, nor kept */
		t->spare[0] = 13;
		t->spare[1] = 12;
	}
	return NULL;
}

/* Can it fault, other than because of the stack? */
static bool may_fault(const struct insn *in, const struct dec_insn *d, bool bp_is_frame)
{
	uint8_t op = opcode(in);
	bool stack = d->ea_index == DEC_NO_REG && (d->ea_base == SP || (d->ea_base == BP && bp_is_frame));

	if ((op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf))	/* string instructions */
		return true;
	if ((op == 0xf6 || op == 0xf7) && (in->byte[in->modrm_off] >> 3 & 7) >= 6)	/* div, idiv */
		return true;
	return d->has_ea && !(d->bits & (DEC_LEA | DEC_NOP)) && !stack && !in->rip_rel;
}

/* A fault becomes a panic of the function that it was in.  In a trampoline there is none, and the
 * runtime takes the return address on top of the stack for where it happened: right while that is
 * there. */
const char *go_window_refused(const struct image *im, const struct site *s, struct tramp_site *t)
{
	const struct image_go_fn *fn = image_go_fn_at(im, s->vaddr);
	bool on_top = s->kind == SITE_ENTRY;
	struct dec_insn d;

	for (size_t i = 0; t->go && fn && i < t->n_insn; i++) {
		struct insn *in = &t->insn[i];

		if (!dec_x86_64(in->byte, in->len, in->vaddr, &d))
			return "bytes that are no instruction";
		if (!on_top && may_fault(in, &d, !fn->assembly))
			return "an instruction there may fault, and Go would not know where";
		if (in->kind == INSN_CALL_IND && t->room == STACK_NONE)
			return "an indirect call, and there may be no stack to move it";
		in->tight = t->room == STACK_NONE;
		if (d.regs_written & 1u << SP)
			on_top = false;
	}
	return NULL;
}

const char *go_running_refused(const struct site *s, const struct tramp_site *t)
{
	if (!t->go || (t->n_insn && t->n_before == t->n_insn))
		return NULL;
	for (size_t i = 1; i < t->n_insn; i++)
		if (t->insn[i].vaddr - s->patch_vaddr < s->window_bytes)
			return "a goroutine may have been stopped among the instructions that the jump covers";
	return NULL;
}

const char *go_returns(const struct image *im, const struct image_go_fn *fn, uint64_t **vaddr, size_t *n)
{
	struct dec_insn d;
	struct insn in;
	size_t cap = 0;

	*n = 0;
	*vaddr = NULL;
	for (uint64_t at = fn->vaddr; at < fn->end; at += in.len) {
		if (!decode(im, at, fn->end, &in, &d))
			return "bytes that are no instruction: there may be more returns";
		if (in.kind == INSN_RET)
			*ARENA_PUSH(im->arena, *vaddr, *n, cap) = at;
		if (leads_away(im, &in))
			return attached;
		if ((in.kind == INSN_JMP || in.kind == INSN_JCC) && !inside(fn, in.target))
			return "it ends in a jump to another function, which returns for it";
		/* Compiled code has those of tables only. */
		if (in.kind == INSN_JMP_IND && fn->assembly)
			return "it ends in a jump to another function, which returns for it";
	}
	return NULL;
}
