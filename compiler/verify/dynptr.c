/* SPDX-License-Identifier: MIT
 *
 * dynptr.c - dynptrs: memory whose size is known when the program runs.
 *
 * A dynptr is 16 bytes of the stack.  Nobody may look inside; a store into it ends it, and
 * with it everything that points into its memory (slices, results of bpf_dynptr_data()).
 * One that holds a record of a ring buffer is a reference, may not be overwritten, and
 * shares the reference with its clones: submitting one ends them all.  A function that is
 * verified apart and some callbacks are given dynptrs (REG_DYNPTR) that live elsewhere. */
#include "vfy_call.h"

#include <string.h>

enum { DYNPTR_BYTES = 16, SLOT_BYTES = 8 };

/* ---- the end of one ---- */

struct slices {
	uint32_t dynptr;	/* of which slices end, or ... */
	uint32_t ref;		/* ... whose reference does */
};

static void end_slice(struct reg *r, void *arg)
{
	const struct slices *s = arg;

	if (r->type != REG_MEM || !r->dynptr ||
	    (s->dynptr ? r->dynptr != s->dynptr : r->ref != s->ref))
		return;
	*r = (struct reg){ .type = REG_GONE, .var = scalar_const(0), .def = r->def };
}

/* Nothing points into that dynptr any longer, `also` neither (may be NULL). */
static void end_slices(struct vfy *v, uint32_t dynptr, struct reg *also)
{
	struct slices s = { dynptr, 0 };

	each_reg(v->cur, end_slice, &s);
	if (also)
		end_slice(also, &s);
}

/* Slot n of a frame is one of a dynptr's two; the first one, at the lower address. */
static unsigned first_slot(const struct frame *f, unsigned n)
{
	return f->slot[n].reg.off ? n + 1 : n;
}

static void end_dynptr(struct frame *f, unsigned n)
{
	n = first_slot(f, n);
	for (unsigned i = n - 1; i <= n; i++) {
		memset(f->slot[i].byte, BYTE_NONE, SLOT_BYTES);
		memset(&f->slot[i].reg, 0, sizeof(f->slot[i].reg));
	}
}

int dynptr_overwrite(struct vfy *v, struct frame *f, unsigned n, struct reg *value)
{
	struct reg *d = &f->slot[n].reg;
	uint32_t insn = 0;
	int r;

	if (!is_dynptr(f, n))
		return 0;
	if (!d->ref) {
		end_slices(v, d->dynptr, value);
		end_dynptr(f, n);
		return 0;
	}
	for (uint32_t i = 0; i < v->cur->n_ref; i++)
		if (v->cur->ref[i].id == d->ref)
			insn = v->cur->ref[i].insn;
	r = refuse(v, DIAG_V043, "the dynptr at r10 - %u holds a record, made at %u; submit or discard it "
		   "before its place is used again", SLOT_BYTES * (first_slot(f, n) + 1), insn);
	explain_insn(v, insn);
	return r;
}

void dynptr_release(struct vfy *v, uint32_t ref)
{
	struct state *s = v->cur;

	ref_drop(s, ref);
	each_reg(s, end_slice, &(struct slices){ 0, ref });
	for (uint32_t i = 0; i <= s->top; i++)
		for (unsigned n = 0; n < s->frame[i]->n_slot; n++)
			if (is_dynptr(s->frame[i], n) && s->frame[i]->slot[n].reg.ref == ref)
				end_dynptr(s->frame[i], n);
}

static void end_pointer(struct reg *r, void *arg)
{
	if (r->type == REG_DYNPTR && r->dynptr == *(uint32_t *)arg)
		*r = (struct reg){ .type = REG_GONE, .var = scalar_const(0), .def = r->def };
}

void dynptr_end_given(struct vfy *v, uint32_t dynptr)
{
	struct state *s = v->cur;

	end_slices(v, dynptr, NULL);
	each_reg(s, end_pointer, &dynptr);
	for (uint32_t i = 0; i <= s->top; i++)
		for (unsigned n = 0; n < s->frame[i]->n_slot; n++)
			if (is_dynptr(s->frame[i], n) && s->frame[i]->slot[n].reg.dynptr == dynptr)
				end_dynptr(s->frame[i], n);
}

/* ---- arguments ---- */

/* The first slot of the 16 bytes of stack at register r. */
static bool find_slots(struct vfy *v, unsigned r, struct frame **f, unsigned *n)
{
	const struct reg *p = reg_of(v, r);
	int64_t at = p->off + (int64_t)p->var.bits.value;

	if (p->type != REG_STACK || !scalar_is_const(&p->var) || at % SLOT_BYTES ||
	    at < -BPFI_STACK_BYTES || at > -DYNPTR_BYTES)
		return false;
	*f = v->cur->frame[p->frame];
	*n = (unsigned)(-at / SLOT_BYTES) - 1;
	return true;
}

/* A clone of what a callback was given ends with it, so it has the same id. */
static uint32_t clone_id(struct vfy *v, uint32_t of)
{
	for (uint32_t i = 0; i <= v->cur->top; i++)
		if (of && v->cur->frame[i]->dynptr == of)
			return of;
	return ++v->next_id;
}

/* A dynptr is made there; `ref`: the record it holds. */
static int make(struct vfy *v, struct call *c, unsigned r, uint32_t id, uint32_t ref)
{
	struct frame *f = NULL;
	unsigned n = 0;
	int e;

	if (!find_slots(v, r, &f, &n))
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must point to 16 aligned bytes of the "
				  "stack", r, c->h->name);
	for (int i = 0; i < DYNPTR_BYTES; i += SLOT_BYTES)
		if ((e = stack_access(v, r, i, SLOT_BYTES, ACCESS_WRITE, NULL)) < 0)
			return e;
	for (unsigned i = 0; i < 2; i++) {
		struct slot *s = &f->slot[n - i];

		memset(s->byte, BYTE_DYNPTR, SLOT_BYTES);
		s->reg = (struct reg){ .off = (int32_t)i * SLOT_BYTES, .dynptr = id, .ref = ref };
	}
	return 0;
}

static int make_record(struct vfy *v, struct call *c, unsigned r)
{
	if (v->cur->n_ref == MAX_REFS)
		return refuse(v, DIAG_V025, "more than %d references at a time", MAX_REFS);
	return make(v, c, r, clone_id(v, 0), ref_acquire(v));
}

bool dynptr_given(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);
	struct frame *f = NULL;
	unsigned n = 0;

	if (p->type == REG_DYNPTR) {
		c->dynptr = p->dynptr;
		c->dynptr_ref = 0;
		return true;
	}
	if (!find_slots(v, r, &f, &n) || !is_dynptr(f, n) || f->slot[n].reg.off)
		return false;
	c->dynptr = f->slot[n].reg.dynptr;
	c->dynptr_ref = f->slot[n].reg.ref;
	return true;
}

int arg_dynptr(struct vfy *v, struct call *c, unsigned r, enum helper_arg kind)
{
	switch (kind) {
	case ARG_DYNPTR_NEW:
		return make(v, c, r, clone_id(v, 0), 0);
	case ARG_DYNPTR_NEW_CLONE:
		return make(v, c, r, clone_id(v, c->dynptr), c->dynptr_ref);
	case ARG_DYNPTR_NEW_RECORD:
		return make_record(v, c, r);
	default:
		break;
	}
	if (!dynptr_given(v, c, r))
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be the address of a dynptr: 16 "
				  "aligned bytes of the stack that a call made one of", r, c->h->name);
	if (kind == ARG_DYNPTR)
		return 0;
	if (!c->dynptr_ref)
		return refuse_reg(v, DIAG_V023, r, "r%u of bpf_%s must be a dynptr that holds a record of a "
				  "ring buffer", r, c->h->name);
	c->release_dynptr = true;
	return 0;
}
