/* SPDX-License-Identifier: MIT
 *
 * iter.c - iterators over numbers and bits: bpf_iter_num_new(), _next() and _destroy(), and
 * bpf_iter_bits_*().
 *
 * An iterator is one or two slots of the stack that nothing else may touch, and a reference.  Every
 * path creates it before it asks for the next number, and destroys it.  next() is a fork like
 * may_goto: one path ends the loop, the other goes round once more; that the loop ends is the
 * iterator's doing, so turns that teach nothing new are not simulated (prune.c). */
#include "vfy_call.h"

#include <string.h>

enum { SLOT_BYTES = 8, INT_BYTES = 4 };

/* An iterator on the stack: slot n of f is the one at the lower address. */
struct iter {
	struct frame *f;
	unsigned      n, bytes;
};

/* What r1 points at. */
static int find_slots(struct vfy *v, const char *name, struct iter *it)
{
	const struct reg *p = reg_of(v, 1);
	int64_t at = p->off + (int64_t)p->var.bits.value;

	if (p->type != REG_STACK || !scalar_is_const(&p->var) || at % SLOT_BYTES ||
	    at < -BPFI_STACK_BYTES || at > -(int64_t)it->bytes)
		return refuse_reg(v, DIAG_V019, 1, "r1 of bpf_%s must be the address of an iterator: %u "
				  "aligned bytes of the stack", name, it->bytes);
	it->f = v->cur->frame[p->frame];
	it->n = (unsigned)(-at / SLOT_BYTES) - 1;
	return 0;
}

static struct slot *half(const struct iter *it, unsigned at)
{
	return &it->f->slot[it->n - at / SLOT_BYTES];
}

static bool is_there(const struct iter *it)
{
	const struct slot *s = half(it, 0);

	return is_iter(it->f, it->n) && s->reg.off == 0 && s->reg.size == it->bytes;
}

static void forget_elem(struct reg *r, void *arg)
{
	if (r->type == REG_MEM && r->ref == *(uint32_t *)arg)
		*r = (struct reg){ .type = REG_SCALAR, .var = scalar_unknown() };
}

static int iter_new(struct vfy *v, const struct iter *it)
{
	uint32_t ref;
	int r = stack_access(v, 1, 0, it->bytes, ACCESS_WRITE | ACCESS_HELPER, NULL);

	if (r < 0)
		return r;
	if (v->cur->n_ref == MAX_REFS)
		return refuse(v, DIAG_V025, "more than %d references at a time", MAX_REFS);
	ref = ref_acquire(v);
	bound_begin(v->cur, ref);
	for (unsigned at = 0; at < it->bytes; at += SLOT_BYTES) {
		struct slot *s = half(it, at);

		memset(s->byte, BYTE_ITER, SLOT_BYTES);
		s->reg = (struct reg){ .ref = ref, .size = it->bytes, .off = (int32_t)at };
	}
	return 0;
}

static void iter_destroy(struct vfy *v, const struct iter *it)
{
	uint32_t ref = half(it, 0)->reg.ref;

	ref_drop(v->cur, ref);
	bound_end(v->cur, ref);
	each_reg(v->cur, forget_elem, &ref);
	for (unsigned at = 0; at < it->bytes; at += SLOT_BYTES) {
		memset(half(it, at)->byte, BYTE_MISC, SLOT_BYTES);
		half(it, at)->reg = (struct reg){ 0 };
	}
}

/* The path at hand gets NULL; a second one the address of the next number. */
static int iter_next(struct vfy *v, const struct iter *it)
{
	uint32_t ref = half(it, 0)->reg.ref;
	struct state *body;
	struct reg *r0;

	for (unsigned i = 0; i <= 5; i++)
		reg_of(v, i)->type = REG_NONE;
	body = fork_path(v, v->next);
	if (!body)
		return -DIAG_V025;
	bound_turn(body, ref);
	widen(v, body, v->cur->parent);	/* made before this instruction */
	r0 = &frame_of(body)->r[0];
	reg_set_pointer(v, r0, REG_MEM);
	r0->size = INT_BYTES;
	r0->read_only = true;
	r0->ref = ref;		/* not to be used when the iterator is gone */
	reg_set_scalar(v, reg_of(v, 0), scalar_const(0), 0);
	return 0;
}

int step_iter(struct vfy *v, const struct helper_proto *k)
{
	struct iter it = { .bytes = iter_bytes(k->arg[0]) };
	int r;

	if (k->arg[0] != ARG_ITER_NUM && (r = check_unlocked(v, "a call of a kernel function")) < 0)
		return r;
	for (unsigned i = 0; i < 5 && k->arg[i] != ARG_NONE; i++) {
		if ((r = check_read(v, i + 1)) < 0)
			return r;
		if (k->arg[i] == ARG_SCALAR && reg_of(v, i + 1)->type != REG_SCALAR)
			return refuse_reg(v, DIAG_V019, i + 1, "r%u of bpf_%s must be a number", i + 1,
					  k->name);
		if (k->arg[i] == ARG_ANY)
			fact_address(v, reg_of(v, i + 1));
	}
	if ((r = find_slots(v, k->name, &it)) < 0)
		return r;
	if (k->arg[1] != ARG_NONE) {
		if ((r = iter_new(v, &it)) < 0)
			return r;
		for (unsigned i = 0; i <= 5; i++)
			reg_of(v, i)->type = REG_NONE;
		reg_set_unknown(v, reg_of(v, 0));
		return 0;
	}
	if (!is_there(&it))
		return refuse_reg(v, DIAG_V019, 1, "r1 of bpf_%s points at no such iterator: none was made "
				  "there, or it was destroyed", k->name);
	if (k->ret == RET_ITER_ELEM_OR_NULL)
		return iter_next(v, &it);
	iter_destroy(v, &it);
	for (unsigned i = 0; i <= 5; i++)
		reg_of(v, i)->type = REG_NONE;
	return 0;
}
