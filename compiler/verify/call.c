/* SPDX-License-Identifier: MIT
 *
 * call.c - calls of the program's own functions: static ones are walked into, global
 * ones are verified apart, callbacks are called any number of times by a helper. */
#include "vfy_call.h"

static void clear_args(struct frame *f)
{
	for (unsigned r = 0; r <= 5; r++)
		f->r[r].type = REG_NONE;
}

void frame_counts(struct vfy *v, struct state *s, struct frame *f)
{
	if (v->sub[f->sub].counts)
		bound_begin(s, f->counter = ++v->next_id);
}

void call_begins(struct vfy *v)
{
	const struct bpfi *in = &v->insn[v->cur->pc];
	struct frame *f = frame_of(v->cur);

	if (!f->calling && in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_HELPER &&
	    in->imm != HELPER_timer_set_callback)
		bound_begin(v->cur, f->calling = ++v->next_id);
}

/* A new frame on top of s, which is at the call. */
static struct frame *push_frame(struct vfy *v, struct state *s, uint32_t sub)
{
	struct frame *f;

	if (s->top + 1 == BPFI_MAX_FRAMES) {
		refuse(v, DIAG_V026, "more than %d functions are active at a time", BPFI_MAX_FRAMES);
		return NULL;
	}
	f = frame_new(v);
	f->call_insn = v->cur->pc;
	f->sub = (uint16_t)sub;
	s->frame[++s->top] = f;
	f->level = (uint16_t)s->top;
	frame_counts(v, s, f);
	reg_set_pointer(v, &f->r[BPFI_R10], REG_STACK);
	f->r[BPFI_R10].frame = (uint8_t)s->top;
	return f;
}

static int call_static(struct vfy *v, uint32_t sub)
{
	struct frame *caller = frame_of(v->cur), *f = push_frame(v, v->cur, sub);

	if (!f)
		return -DIAG_V026;
	for (unsigned r = 1; r <= 5; r++)
		f->r[r] = caller->r[r];
	clear_args(caller);
	v->next = v->sub[sub].start;
	return 0;
}

static int global_argument(struct vfy *v, const char *name, unsigned r, const struct sig_arg *a)
{
	const struct reg *p = reg_of(v, r);

	switch ((enum sig_kind)a->kind) {
	case SIG_NUMBER:
		if (p->type != REG_SCALAR)
			return refuse_reg(v, DIAG_V038, r, "argument %u of %s must be a number", r, name);
		return 0;
	case SIG_CTX:
		if (p->type != REG_CTX || p->off || !scalar_is(&p->var, 0))
			return refuse_reg(v, DIAG_V038, r, "argument %u of %s must be the context", r, name);
		return 0;
	case SIG_DYNPTR:
		if (!dynptr_given(v, &(struct call){ 0 }, r))
			return refuse_reg(v, DIAG_V038, r, "argument %u of %s must be a dynptr", r, name);
		return 0;
	case SIG_ARENA:
		if (p->type != REG_ARENA && p->type != REG_SCALAR)
			return refuse_reg(v, DIAG_V038, r, "argument %u of %s must be an address in the arena or a "
					  "number", r, name);
		return 0;
	case SIG_MEM:
		break;
	}
	if (p->type == REG_SCALAR && scalar_is(&p->var, 0) && !a->not_null) {
		mark_precise(v, p->def);
		return 0;
	}
	if (p->or_null && a->not_null)
		return refuse_reg(v, DIAG_V015, r, "argument %u of %s must not be NULL", r, name);
	if (p->type != REG_STACK && p->type != REG_MAP_VALUE && p->type != REG_MEM)
		return refuse_reg(v, DIAG_V038, r, "argument %u of %s must point to %u bytes", r, name,
				  a->bytes);
	return check_mem_shared(v, r, a->bytes);
}

static int call_global(struct vfy *v, uint32_t sub)
{
	struct signature sig;
	int r = function_signature(v, sub, &sig);

	if (r >= 0)
		r = check_unlocked(v, "a call of a global function");
	if (r >= 0 && v->sub[sub].locks)
		r = check_no_records(v, "a call of a global function that takes a lock");
	for (unsigned i = 1; i <= sig.n && r >= 0; i++)
		if ((r = check_read(v, i)) >= 0)
			r = global_argument(v, v->sub[sub].func->name, i, &sig.arg[i - 1]);
	if (r < 0)
		return r;
	v->sub[sub].wanted = true;
	clear_args(frame_of(v->cur));
	if (!sig.is_void)
		reg_set_unknown(v, reg_of(v, 0));
	return 0;
}

static int call_local(struct vfy *v, const struct bpfi *in)
{
	uint32_t sub = (uint32_t)sub_at(v, v->cur->pc + 1 + (uint32_t)in->imm);
	const struct unit_func *f = v->sub[sub].func;

	return f && f->global ? call_global(v, sub) : call_static(v, sub);
}

int step_call(struct vfy *v, const struct bpfi *in)
{
	switch (in->src) {
	case BPFI_CALL_HELPER:
		return step_helper(v, in);
	case BPFI_CALL_LOCAL:
		return call_local(v, in);
	case BPFI_CALL_EXTERN:
		return step_extern(v, in);
	default:
		return step_kfunc(v, in);
	}
}

/* ---- callbacks ---- */

/* Registers of a callback, from those of the call. */
static void callback_args(struct vfy *v, int32_t helper, const struct frame *caller,
			  struct frame *f)
{
	if (helper == HELPER_loop) {
		reg_set_unknown(v, &f->r[1]);
		f->r[2] = caller->r[3];
		return;
	}
	if (helper == HELPER_user_ringbuf_drain) {
		reg_set_pointer(v, &f->r[1], REG_DYNPTR);
		f->r[1].dynptr = f->dynptr = ++v->next_id;
		f->r[2] = caller->r[3];
		return;
	}
	/* for_each_map_elem */
	f->r[1] = caller->r[1];
	reg_set_pointer(v, &f->r[2], REG_MAP_KEY);
	reg_set_pointer(v, &f->r[3], REG_MAP_VALUE);
	f->r[2].map = f->r[3].map = caller->r[1].map;
	if (has_lock(v, &f->r[3]))
		f->r[3].id = ++v->next_id;
	f->r[4] = caller->r[3];
}

/* The helper goes on, whatever it called. */
static void call_ends(struct vfy *v)
{
	struct frame *f = frame_of(v->cur);

	bound_end(v->cur, f->calling);
	f->turns = f->calling = 0;
}

int call_back(struct vfy *v, int32_t helper, uint32_t sub)
{
	const struct unit_func *func = v->sub[sub].func;
	struct frame *caller = frame_of(v->cur), *f;
	struct state *body;

	if (!func || !func->btf_id || func->global)
		return refuse(v, DIAG_V039, "%s must be a static function with BTF",
			      func ? func->name : "it");
	if (helper == HELPER_loop) {
		mark_precise(v, caller->r[1].def);
		if (caller->turns >= caller->r[1].var.w.umax) {
			call_ends(v);
			return 0;
		}
	}
	body = fork_path(v, v->sub[sub].start);
	if (!body)
		return -DIAG_V025;
	f = push_frame(v, body, sub);
	if (!f)
		return -DIAG_V026;
	bound_turn(body, caller->calling);
	body->frame[body->top - 1]->turns++;
	call_ends(v);
	f->callback = true;
	callback_args(v, helper, body->frame[body->top - 1], f);
	return 0;
}

/* ---- exit ---- */

static void pop_frame(struct vfy *v)
{
	bound_end(v->cur, frame_of(v->cur)->counter);
	frame_free(v, v->cur->frame[v->cur->top--]);
}

/* Back to the helper, which may call again. */
static int leave_callback(struct vfy *v)
{
	struct frame *f = frame_of(v->cur);
	const struct reg *r0 = &f->r[0];

	if (r0->type != REG_SCALAR || r0->var.w.umax > 1)
		return refuse_reg(v, DIAG_V030, 0, "a callback returns 0 (go on) or 1 (stop)");
	mark_precise(v, r0->def);
	v->cur->pc = v->next = f->call_insn;
	if (f->dynptr)
		dynptr_end_given(v, f->dynptr);
	pop_frame(v);
	widen(v, v->cur, NULL);
	return 0;
}

int leave_function(struct vfy *v)
{
	struct state *s = v->cur;
	struct frame *f = frame_of(s), *caller = s->frame[s->top - 1];

	if (f->callback)
		return leave_callback(v);
	if (f->r[0].type == REG_STACK)
		return refuse_reg(v, DIAG_V030, 0, "a function returns a pointer to the stack");
	caller->r[0] = f->r[0];
	v->next = f->call_insn + 1;
	pop_frame(v);
	return 0;
}

/* Nothing may be held where the program, or this part of it, ends. */
int check_nothing_held(struct vfy *v, const char *what)
{
	const struct state *s = v->cur;
	int r;

	if (!s->n_ref)
		return 0;
	r = refuse(v, DIAG_V022, "%s, but what was acquired at %u has not been given back",
		   what, s->ref[0].insn);
	explain_insn(v, s->ref[0].insn);
	return r;
}

int step_exit(struct vfy *v)
{
	const struct reg *r0 = reg_of(v, 0);
	struct signature sig;
	int r;

	if (v->cur->top)
		return leave_function(v);
	if ((r = check_nothing_held(v, "the program ends")) < 0 ||
	    (r = check_unlocked(v, "the program ends")) < 0)
		return r;
	if (frame_of(v->cur)->timer)
		return (r = check_read(v, 0)) < 0 ? r : leave_timer(v);
	if (v->first_sub && (r = function_signature(v, v->first_sub, &sig)) < 0)
		return r;
	if (v->first_sub && sig.is_void)
		return 1;
	if ((r = check_read(v, 0)) < 0)
		return r;
	v->out->by_chance |= is_pointer(r0);
	if (!v->first_sub && v->p->flags & SEC_SESSION) {
		if (r0->type != REG_SCALAR || r0->var.w.umax > 1)
			return refuse_reg(v, DIAG_V030, 0, "a session program returns 0 or 1");
		mark_precise(v, r0->def);
	}
	return 1;
}
