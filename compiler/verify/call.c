/* SPDX-License-Identifier: MIT
 *
 * call.c - calls of the program's own functions, and what exit needs. */
#include "vfy.h"

static void clear_args(struct frame *f)
{
	for (unsigned r = 0; r <= 5; r++)
		f->r[r].type = REG_NONE;
}

static int enter(struct vfy *v, uint32_t sub)
{
	struct state *s = v->cur;
	struct frame *caller = frame_of(s), *f;

	if (s->top + 1 == BPFI_MAX_FRAMES)
		return refuse(v, DIAG_V026, "more than %d functions are active at a time",
			      BPFI_MAX_FRAMES);
	f = frame_new(v);
	f->call_insn = s->pc;
	f->sub = (uint16_t)sub;
	f->level = (uint16_t)(s->top + 1);
	for (unsigned r = 1; r <= 5; r++)
		f->r[r] = caller->r[r];
	clear_args(caller);
	s->frame[++s->top] = f;
	reg_set_pointer(v, &f->r[BPFI_R10], REG_STACK);
	f->r[BPFI_R10].frame = (uint8_t)s->top;
	v->next = v->sub[sub].start;
	return 0;
}

int step_call(struct vfy *v, const struct bpfi *in)
{
	switch (in->src) {
	case BPFI_CALL_HELPER:
		return step_helper(v, in);
	case BPFI_CALL_LOCAL:
		return enter(v, (uint32_t)sub_at(v, v->cur->pc + 1 + (uint32_t)in->imm));
	default:
		return refuse(v, DIAG_V036, "%s", in->imm >= 0 && (size_t)in->imm < v->u->n_kfunc
						  ? v->u->kfunc[in->imm] : "");
	}
}

static int leave(struct vfy *v)
{
	struct state *s = v->cur;
	struct frame *f = frame_of(s), *caller = s->frame[s->top - 1];

	if (f->r[0].type == REG_STACK)
		return refuse_reg(v, DIAG_V030, 0, "a function returns a pointer to the stack");
	caller->r[0] = f->r[0];
	v->next = f->call_insn + 1;
	s->top--;
	frame_free(v, f);
	return 0;
}

int step_exit(struct vfy *v)
{
	struct state *s = v->cur;
	int r;

	if (s->top)
		return leave(v);
	if (s->n_ref) {
		r = refuse(v, DIAG_V022, "what was acquired at %u is neither submitted nor discarded",
			   s->ref[0].insn);
		explain_insn(v, s->ref[0].insn);
		return r;
	}
	if ((r = check_read(v, 0)) < 0)
		return r;
	if (v->p->flags & SEC_SESSION && (reg_of(v, 0)->type != REG_SCALAR ||
					  reg_of(v, 0)->var.w.umax > 1))
		return refuse_reg(v, DIAG_V030, 0, "a session program returns 0 or 1");
	if (v->p->flags & SEC_SESSION)
		mark_precise(v, reg_of(v, 0)->def);
	return 1;
}
