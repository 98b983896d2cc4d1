/* SPDX-License-Identifier: MIT
 *
 * depth.c - how much stack the functions of a chain of calls use together. */
#include "vfy.h"

/* Kinds whose functions get a stack each, so that only single frames are limited; small
 * frames still share one.  Source: the kernel's private stacks (6.13). */
static bool private_stacks(const struct vfy *v)
{
	enum prog_type t = v->p->type;

	for (uint32_t i = 0; i < v->n_sub; i++)
		if (v->sub[i].tail_call)
			return false;
	return t == PROG_KPROBE || t == PROG_TRACEPOINT || t == PROG_RAW_TRACEPOINT ||
	       t == PROG_PERF_EVENT || t == PROG_VM;
}

struct chain {
	uint32_t frames, shared, total;
	bool     has_private;
};

static int descend(struct vfy *v, uint32_t sub, struct chain c)
{
	enum { PRIVATE_MIN = 64, TAIL_CALL_MAX = 256, MAY_GOTO_BYTES = 16 };
	const struct subprog *f = &v->sub[sub];
	uint32_t bytes = (f->stack_bytes + 15u) & ~15u;
	int r = 0;

	v->cur->pc = f->start;
	if (f->may_goto && f->stack_bytes + MAY_GOTO_BYTES > BPFI_STACK_BYTES)
		return refuse(v, DIAG_V027, "%u bytes and may_goto's counter; at most %d", f->stack_bytes,
			      BPFI_STACK_BYTES);
	if (f->tail_call && c.frames && c.shared >= TAIL_CALL_MAX)
		return refuse(v, DIAG_V027, "a tail call below %u bytes of callers' stack; at most %d",
			      c.shared, TAIL_CALL_MAX);
	if (++c.frames > BPFI_MAX_FRAMES)
		return refuse(v, DIAG_V026, "more than %d functions are active at a time",
			      BPFI_MAX_FRAMES);
	c.total += bytes;
	if (!c.has_private || bytes < PRIVATE_MIN)
		c.shared += bytes;
	if (c.shared > BPFI_STACK_BYTES)
		return refuse(v, DIAG_V027, "%u functions use %u bytes together; at most %d", c.frames,
			      c.shared, BPFI_STACK_BYTES);
	if (c.total > v->out->stack_bytes)
		v->out->stack_bytes = c.total;
	for (uint32_t i = f->start; i < f->end && r >= 0; i++) {
		const struct bpfi *in = &v->insn[i];
		bool call = in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_LOCAL;
		bool ref = in->code == BPFI_LD_IMM64 && in->src == BPFI_LD_FUNC;

		if ((call || ref) && (v->out->insn[i].reached || v->opts->plain & PLAIN_DEPTH))
			r = descend(v, (uint32_t)sub_at(v, i + 1 + (uint32_t)in->imm), c);
	}
	return r;
}

int check_stack_depth(struct vfy *v)
{
	struct state at = { 0 };
	struct chain c = { .has_private = private_stacks(v) };

	v->cur = &at;
	return descend(v, 0, c);
}
