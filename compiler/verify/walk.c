/* SPDX-License-Identifier: MIT
 *
 * walk.c - every path through the program, one after the other. */
#include "vfy.h"

#include <time.h>

struct state *fork_path(struct vfy *v, uint32_t pc)
{
	struct state *s;

	if (v->n_pending == MAX_PENDING) {
		refuse(v, DIAG_V025, "%d branches wait to be explored", MAX_PENDING);
		return NULL;
	}
	s = state_copy(v, v->cur);
	s->pc = pc;
	if (s->parent)
		s->parent->branches++;
	*ARENA_PUSH(v->mem, v->pending, v->n_pending, v->cap_pending) = s;
	return s;
}

static int step(struct vfy *v, const struct bpfi *in)
{
	int r = check_fields(v, in);

	if (r < 0)
		return r;
	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		return step_alu(v, in);
	case BPFI_LD:
		return in->code == BPFI_LD_IMM64 ? step_ld_imm64(v, in) : step_ld_packet(v, in);
	case BPFI_LDX:
		return step_load(v, in);
	case BPFI_ST:
		return step_store(v, in);
	case BPFI_STX:
		return BPFI_MODE(in->code) == BPFI_ATOMIC ? step_atomic(v, in) : step_store(v, in);
	default:
		if (in->code == BPFI_JMP_CALL)
			return step_call(v, in);
		return in->code == BPFI_JMP_EXIT ? step_exit(v) : step_jump(v, in);
	}
}

/* Too long in insns is the program's fault, in seconds the machine's. */
static int check_limits(struct vfy *v)
{
	uint32_t limit_ms = v->opts->time_limit_ms ? v->opts->time_limit_ms : 60000;
	struct timespec t;

	if (++v->n_done > MAX_INSNS)
		return refuse(v, DIAG_V025, "more than %d instructions on all paths together; does every "
			      "loop end?", MAX_INSNS);
	if (v->n_done % 4096)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec - v->started_ns) / 1000000u <
	    limit_ms)
		return 0;
	return diag(v->dg, DIAG_E004, vfy_at(v, v->cur->pc), "%u ms were not enough", limit_ms);
}

static int step_logged(struct vfy *v, uint32_t pc)
{
	uint32_t def[N_REGS];
	int r;

	for (unsigned i = 0; i < N_REGS; i++)
		def[i] = reg_of(v, i)->def;
	r = step(v, &v->insn[pc]);
	if (r >= 0)
		log_insn(v, pc, def);
	return r;
}

/* One path, from the current state to its end. */
static int walk_path(struct vfy *v)
{
	for (;;) {
		uint32_t pc = v->cur->pc;
		int r = check_limits(v);

		if (r < 0)
			return r;
		r = visit_state(v);
		if (r) {
			log_path(v, r < 0 ? "an endless loop" : "covered by what was seen here before");
			return r < 0 ? r : 0;
		}
		v->next = pc + 1;
		v->out->insn[pc].reached = true;
		r = v->opts->log ? step_logged(v, pc) : step(v, &v->insn[pc]);
		if (r)
			return r < 0 ? r : 0;
		v->cur->pc = v->next;
	}
}

/* Any arguments that the types of a global function admit. */
static int global_args(struct vfy *v, struct frame *f, uint32_t sub)
{
	struct signature sig;
	int r = function_signature(v, sub, &sig);

	for (int i = 0; i < sig.n && r >= 0; i++) {
		struct reg *p = &f->r[i + 1];

		switch ((enum sig_kind)sig.arg[i].kind) {
		case SIG_NUMBER:
			reg_set_unknown(v, p);
			break;
		case SIG_CTX:
			reg_set_pointer(v, p, REG_CTX);
			break;
		case SIG_MEM:
			reg_set_pointer(v, p, REG_MEM);
			p->size = sig.arg[i].bytes;
			p->or_null = !sig.arg[i].not_null;
			p->id = p->or_null ? ++v->next_id : 0;
			break;
		case SIG_ARENA:
			reg_set_pointer(v, p, REG_ARENA);
			break;
		case SIG_DYNPTR:
			reg_set_pointer(v, p, REG_DYNPTR);
			p->dynptr = ++v->next_id;
			break;
		}
	}
	return r;
}

/* What a program of each kind, or a global function, starts with. */
static int first_state(struct vfy *v, uint32_t sub)
{
	struct state *s = state_new(v);
	struct frame *f = frame_new(v);

	s->frame[0] = f;
	s->pc = v->sub[sub].start;
	f->sub = (uint16_t)sub;
	v->cur = s;
	frame_counts(v, s, f);
	reg_set_pointer(v, &f->r[BPFI_R10], REG_STACK);
	if (sub)
		return global_args(v, f, sub);
	if (v->p->type == PROG_VM) {
		reg_set_pointer(v, &f->r[1], REG_MEM);
		f->r[1].size = v->p->mem_bytes;
		reg_set_scalar(v, &f->r[2], scalar_const(v->p->mem_bytes), 0);
	} else {
		reg_set_pointer(v, &f->r[1], REG_CTX);
	}
	return 0;
}

static int walk_from(struct vfy *v, uint32_t sub)
{
	int r;

	v->first_sub = sub;
	if ((r = first_state(v, sub)) < 0)
		return r;
	for (;;) {
		r = walk_path(v);
		if (r < 0)
			return r;
		end_path(v);
		state_free(v, v->cur);
		if (!v->n_pending)
			return 0;
		v->cur = v->pending[--v->n_pending];
		log_path(v, "another way to here");
	}
}

int walk(struct vfy *v)
{
	int r = walk_from(v, 0);

	for (uint32_t i = 1; i < v->n_sub && r >= 0; i++) {
		if (!v->sub[i].wanted || v->sub[i].done)
			continue;
		v->sub[i].done = true;
		r = walk_from(v, i);
		i = 0;	/* it may have called others */
	}
	return r;
}
