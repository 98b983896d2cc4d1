/* SPDX-License-Identifier: MIT
 *
 * helper.c - calls of helpers, checked by their prototypes (abi/helpers.def). */
#include "vfy_call.h"

enum { MAX_ERRNO = 4095, MAX_CPUS = 8192 };

/* ---- the result ---- */

static void forget(struct reg *r, void *arg)
{
	const struct call *c = arg;

	if (r->ref != c->release)
		return;
	*r = (struct reg){ .type = REG_SCALAR, .var = scalar_unknown() };
}

/* The key of an array lookup, when it is one number below max_entries: then the value is
 * there.  Of BPF_F_INNER_MAP arrays one may have fewer elements than another. */
static bool key_in_range(struct vfy *v, const struct call *c, const struct reg *key)
{
	const struct unit_map *m = &v->u->map[c->map];
	uint64_t k;

	if (c->inner && m->flags & MAP_F_INNER_MAP)
		return false;
	return (m->type == MAP_TYPE_array || m->type == MAP_TYPE_percpu_array) &&
	       m->key_size == 4 && key->type == REG_STACK &&
	       stack_const(v, key, 4, &k) && k < m->max_entries;
}

static bool holds_maps(const struct vfy *v, const struct call *c)
{
	uint32_t type = v->u->map[c->map].type;

	return type == MT_ARRAY_OF_MAPS || type == MT_HASH_OF_MAPS;
}

static void set_result(struct vfy *v, struct call *c, bool not_null)
{
	struct reg *r0 = reg_of(v, 0);

	switch ((enum helper_ret)c->h->ret) {
	case RET_VOID:
		r0->type = REG_NONE;
		return;
	case RET_INT:
		reg_set_unknown(v, r0);
		if (c->id == HELPER_get_smp_processor_id) {
			r0->var.w.umax = MAX_CPUS - 1;
		} else if (c->id == HELPER_probe_read_str || c->id == HELPER_probe_read_user_str ||
			   c->id == HELPER_probe_read_kernel_str || c->id == HELPER_get_stack) {
			r0->var.w.smin = r0->var.h.smin = -MAX_ERRNO;
			r0->var.w.smax = r0->var.h.smax = (int64_t)c->size_max;
		}
		scalar_sync(&r0->var);
		return;
	case RET_TASK:
		reg_set_scalar(v, r0, scalar_const(HELPER_TASK), 0);
		return;
	case RET_ANYWHERE:
		reg_set_pointer(v, r0, REG_ANYWHERE);
		r0->size = c->type;
		return;
	case RET_MAP_VALUE_OR_NULL:
		reg_set_pointer(v, r0, holds_maps(v, c) ? REG_MAP : REG_MAP_VALUE);
		r0->inner = holds_maps(v, c);
		r0->map = (uint32_t)(r0->inner ? v->u->map[c->map].inner : c->map);
		r0->or_null = !not_null;
		r0->id = not_null && !has_lock(v, r0) ? 0 : ++v->next_id;
		return;
	case RET_RINGBUF_MEM_OR_NULL:
		reg_set_pointer(v, r0, REG_MEM);
		r0->size = c->record > UINT32_MAX ? 0 : (uint32_t)c->record;
		r0->or_null = true;
		r0->id = r0->ref = ref_acquire(v);
		return;
	case RET_SLICE_OR_NULL:
	case RET_SLICE_RDONLY_OR_NULL:
		reg_set_pointer(v, r0, REG_MEM);
		r0->size = (uint32_t)c->record;	/* what is asked for when it runs, too */
		r0->read_only = c->h->ret == RET_SLICE_RDONLY_OR_NULL;
		r0->or_null = true;
		r0->id = ++v->next_id;
		r0->dynptr = c->dynptr;
		r0->ref = c->dynptr_ref;
		return;
	case RET_ITER_ELEM_OR_NULL:	/* iter.c */
		return;
	}
}

/* Arguments are there before the function, its result behind it; NULL: it is the right time. */
static const char *wrong_time(const struct vfy *v, const struct helper_proto *h)
{
	bool at_return = hook_table[v->p->kind].entry == HOOK_ENTRY_RETURN;

	if (h->arg[0] == ARG_CTX_ARGS && at_return)
		return "when the function returns its arguments are gone";
	return h->arg[0] == ARG_CTX_RET && !at_return ? "the function has not returned yet" : NULL;
}

static int lookup_proto(struct vfy *v, const struct bpfi *in, struct call *c)
{
	c->h = helper_proto(in->imm);
	if (in->imm == BPFI_POISON_HELPER) {
		const char *why = unit_note_at(v->p, (uint32_t)(in - v->p->insn));

		return refuse(v, DIAG_V035, "%s", why ? why : "not in the target's BTF");
	}
	if (!c->h)
		return refuse(v, DIAG_V003, "#%d", in->imm);
	if (c->h->refused)
		return refuse(v, DIAG_V028, "bpf_%s: %s", c->h->name, c->h->refused);
	if (c->h->sleeps && !(v->p->flags & SEC_SLEEPABLE))
		return refuse(v, DIAG_V018, "bpf_%s may sleep; the program may not", c->h->name);
	if (!(c->h->progs & 1u << v->p->type))
		return refuse(v, DIAG_V018, "bpf_%s is not for %s programs", c->h->name,
			      prog_type_name(v->p->type));
	if (wrong_time(v, c->h))
		return refuse(v, DIAG_V018, "bpf_%s: %s", c->h->name, wrong_time(v, c->h));
	return 0;
}

static bool takes_function(const struct helper_proto *h)
{
	for (int i = 0; i < 5; i++)
		if (h->arg[i] == ARG_FUNC)
			return true;
	return false;
}

/* In a function: either there is no such program and it goes on, or the other program
 * takes its place and what that one returns is the function's result. */
static int tail_call(struct vfy *v)
{
	if (frame_of(v->cur)->callback)
		return refuse(v, DIAG_V039, "a tail call in a callback");
	if (!fork_path(v, v->next))
		return -DIAG_V025;
	reg_set_unknown(v, reg_of(v, 0));
	return leave_function(v);
}

int check_args(struct vfy *v, struct call *c)
{
	int e;

	for (unsigned i = 0; i < 5 && c->h->arg[i] != ARG_NONE; i++) {
		enum helper_arg kind = (enum helper_arg)c->h->arg[i];

		if (kind == ARG_UNCHECKED && reg_of(v, i + 1)->type == REG_NONE)
			continue;
		if ((e = check_read(v, i + 1)) < 0 || (e = check_arg(v, c, i + 1, kind)) < 0)
			return e;
	}
	return 0;
}

int finish_call(struct vfy *v, struct call *c, bool not_null)
{
	if (c->release) {
		ref_drop(v->cur, c->release);
		each_reg(v->cur, forget, c);
	}
	if (c->release_dynptr)
		dynptr_release(v, c->dynptr_ref);
	for (unsigned r = 0; r <= 5; r++)
		reg_of(v, r)->type = REG_NONE;
	if (c->h->ret == RET_RINGBUF_MEM_OR_NULL && v->cur->n_ref == MAX_REFS)
		return refuse(v, DIAG_V025, "more than %d records at a time", MAX_REFS);
	set_result(v, c, not_null);
	return 0;
}

int step_extern(struct vfy *v, const struct bpfi *in)
{
	struct call c = { .h = &v->u->ext[in->imm].proto, .id = CALL_EXTERN, .map = -1 };
	int e;

	if ((e = check_unlocked(v, "a call of a function of the host")) < 0 || (e = check_args(v, &c)) < 0)
		return e;
	return finish_call(v, &c, false);
}

int step_helper(struct vfy *v, const struct bpfi *in)
{
	struct call c = { .id = in->imm, .map = -1 };
	struct reg key;
	bool not_null;
	int e;

	if ((e = lookup_proto(v, in, &c)) < 0)
		return e;
	if (in->imm != HELPER_spin_lock && in->imm != HELPER_spin_unlock &&
	    (e = check_unlocked(v, "a call of a helper")) < 0)
		return e;
	if ((e = check_args(v, &c)) < 0)
		return e;
	if (in->imm == HELPER_tail_call && v->cur->frame[0]->timer)
		return refuse(v, DIAG_V039, "a tail call in what a timer calls");
	if (in->imm == HELPER_tail_call && (e = check_nothing_held(v, "a tail call")) < 0)
		return e;
	if (in->imm == HELPER_timer_init && (e = check_timer_map(v, &c)) < 0)
		return e;
	if (in->imm == HELPER_timer_set_callback)
		e = timer_callback(v, &c);
	else if (takes_function(c.h))
		e = call_back(v, in->imm, c.func);
	if (e < 0)
		return e;
	key = *reg_of(v, 2);
	not_null = in->imm == HELPER_map_lookup_elem && key_in_range(v, &c, &key);
	if ((e = finish_call(v, &c, not_null)) < 0)
		return e;
	if (in->imm == HELPER_tail_call && v->cur->top)
		return tail_call(v);
	return 0;
}
