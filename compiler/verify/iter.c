/* SPDX-License-Identifier: MIT
 *
 * iter.c - iterators over numbers: bpf_iter_num_new(), _next() and _destroy().
 *
 * An iterator is a slot of the stack that nothing else may touch, and a reference.  Every
 * path creates it before it asks for the next number, and destroys it.  next() is a fork like
 * may_goto: one path ends the loop, the other goes round once more; that the loop ends is the
 * iterator's doing, so turns that teach nothing new are not simulated (prune.c). */
#include "vfy_call.h"

#include <string.h>

enum { ITER_BYTES = 8, INT_BYTES = 4 };

/* The slot that r1 points at. */
static int find_slot(struct vfy *v, const char *name, struct frame **f, unsigned *n)
{
	const struct reg *p = reg_of(v, 1);
	int64_t at = p->off + (int64_t)p->var.bits.value;

	if (p->type != REG_STACK || !scalar_is_const(&p->var) || at % ITER_BYTES ||
	    at < -BPFI_STACK_BYTES || at >= 0)
		return refuse_reg(v, DIAG_V019, 1, "r1 of bpf_%s must be the address of an iterator: 8 "
				  "aligned bytes of the stack", name);
	*f = v->cur->frame[p->frame];
	*n = (unsigned)(-at / ITER_BYTES) - 1;
	return 0;
}

static void forget_elem(struct reg *r, void *arg)
{
	if (r->type == REG_MEM && r->ref == *(uint32_t *)arg)
		*r = (struct reg){ .type = REG_SCALAR, .var = scalar_unknown() };
}

static int iter_new(struct vfy *v, struct frame *f, unsigned n)
{
	int r = stack_access(v, 1, 0, ITER_BYTES, ACCESS_WRITE | ACCESS_HELPER, NULL);

	if (r < 0)
		return r;
	if (v->cur->n_ref == MAX_REFS)
		return refuse(v, DIAG_V025, "more than %d references at a time", MAX_REFS);
	memset(f->slot[n].byte, BYTE_ITER, ITER_BYTES);
	memset(&f->slot[n].reg, 0, sizeof(f->slot[n].reg));
	f->slot[n].reg.ref = ref_acquire(v);
	return 0;
}

static void iter_destroy(struct vfy *v, struct frame *f, unsigned n)
{
	uint32_t ref = f->slot[n].reg.ref;

	ref_drop(v->cur, ref);
	each_reg(v->cur, forget_elem, &ref);
	memset(f->slot[n].byte, BYTE_MISC, ITER_BYTES);
	f->slot[n].reg.ref = 0;
}

/* The path at hand gets NULL; a second one the address of the next number. */
static int iter_next(struct vfy *v, struct frame *f, unsigned n)
{
	uint32_t ref = f->slot[n].reg.ref;
	struct state *body;
	struct reg *r0;

	for (unsigned i = 0; i <= 5; i++)
		reg_of(v, i)->type = REG_NONE;
	body = fork_path(v, v->next);
	if (!body)
		return -DIAG_V025;
	body->loops++;
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
	struct frame *f = NULL;
	unsigned n = 0;
	int r;

	for (unsigned i = 0; i < 5 && k->arg[i] != ARG_NONE; i++) {
		if ((r = check_read(v, i + 1)) < 0)
			return r;
		if (k->arg[i] == ARG_SCALAR && reg_of(v, i + 1)->type != REG_SCALAR)
			return refuse_reg(v, DIAG_V019, i + 1, "r%u of bpf_%s must be a number", i + 1,
					  k->name);
	}
	if ((r = find_slot(v, k->name, &f, &n)) < 0)
		return r;
	if (k->arg[1] != ARG_NONE) {
		if ((r = iter_new(v, f, n)) < 0)
			return r;
		for (unsigned i = 0; i <= 5; i++)
			reg_of(v, i)->type = REG_NONE;
		reg_set_unknown(v, reg_of(v, 0));
		return 0;
	}
	if (!is_iter(f, n))
		return refuse_reg(v, DIAG_V019, 1, "r1 of bpf_%s points at no iterator: none was made "
				  "there, or it was destroyed", k->name);
	if (k->ret == RET_ITER_ELEM_OR_NULL)
		return iter_next(v, f, n);
	iter_destroy(v, f, n);
	for (unsigned i = 0; i <= 5; i++)
		reg_of(v, i)->type = REG_NONE;
	return 0;
}
