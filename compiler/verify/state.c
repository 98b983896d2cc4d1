/* SPDX-License-Identifier: MIT
 *
 * state.c - states, registers and where values come from. */
#include "vfy.h"

#include <string.h>

struct frame *frame_new(struct vfy *v)
{
	struct frame *f = v->free_frames;

	if (f)
		v->free_frames = f->next_free;
	else
		f = arena_alloc(v->mem, sizeof(*f)), v->n_frames++;
	memset(f, 0, offsetof(struct frame, slot));
	f->written = ~0ull;	/* nothing in it comes from before the call */
	return f;
}

void frame_free(struct vfy *v, struct frame *f)
{
	f->next_free = v->free_frames;
	v->free_frames = f;
}

struct state *state_new(struct vfy *v)
{
	struct state *s = v->free_states;

	if (s)
		v->free_states = s->next_free;
	else
		s = arena_alloc(v->mem, sizeof(*s));
	memset(s, 0, sizeof(*s));
	return s;
}

struct state *state_copy(struct vfy *v, const struct state *s)
{
	struct state *c = state_new(v);

	*c = *s;
	for (uint32_t i = 0; i <= s->top; i++) {
		const struct frame *f = s->frame[i];

		c->frame[i] = frame_new(v);
		memcpy(c->frame[i], f,
		       offsetof(struct frame, slot) + f->n_slot * sizeof(f->slot[0]));
	}
	return c;
}

void state_free(struct vfy *v, struct state *s)
{
	for (uint32_t i = 0; i <= s->top; i++)
		frame_free(v, s->frame[i]);
	s->next_free = v->free_states;
	v->free_states = s;
}

void each_reg(struct state *s, void (*fn)(struct reg *r, void *arg), void *arg)
{
	for (uint32_t i = 0; i <= s->top; i++) {
		struct frame *f = s->frame[i];

		for (unsigned r = 0; r < N_REGS; r++)
			fn(&f->r[r], arg);
		for (unsigned n = 0; n < f->n_slot; n++)
			if (f->slot[n].byte[0] == BYTE_SPILL)
				fn(&f->slot[n].reg, arg);
	}
}

uint32_t def_new(struct vfy *v, uint32_t from0, uint32_t from1)
{
	struct def *d;

	if (!v->n_def)		/* 0 stands for none */
		(void)ARENA_PUSH(v->mem, v->def, v->n_def, v->cap_def);
	d = ARENA_PUSH(v->mem, v->def, v->n_def, v->cap_def);
	*d = (struct def){ { from0, from1 }, v->cur->pc & DEF_RENAMED, 0, 0 };
	return (uint32_t)(v->n_def - 1);
}

void mark_precise(struct vfy *v, uint32_t def)
{
	size_t n = 0;

	*ARENA_PUSH(v->mem, v->work, n, v->cap_work) = def;
	while (n) {
		struct def *d = &v->def[v->work[--n]];

		if (d == v->def || d->precise)
			continue;
		d->precise = true;
		for (uint32_t w = d->watch; w; w = v->watch[w].next)
			*ARENA_PUSH(v->mem, v->work, n, v->cap_work) = v->watch[w].also;
		for (int i = 0; i < 2; i++)
			if (d->from[i])
				*ARENA_PUSH(v->mem, v->work, n, v->cap_work) = d->from[i];
	}
}

void reg_set_scalar(struct vfy *v, struct reg *r, struct scalar s, uint32_t from)
{
	memset(r, 0, sizeof(*r));
	r->type = REG_SCALAR;
	r->var = s;
	r->def = def_new(v, from, 0);
}

void reg_set_unknown(struct vfy *v, struct reg *r)
{
	reg_set_scalar(v, r, scalar_unknown(), 0);
}

void reg_set_pointer(struct vfy *v, struct reg *r, enum reg_type type)
{
	memset(r, 0, sizeof(*r));
	r->type = (uint8_t)type;
	r->var = scalar_const(0);
	r->def = def_new(v, 0, 0);
}

uint32_t ref_acquire(struct vfy *v)
{
	struct state *s = v->cur;

	if (s->n_ref == MAX_REFS)
		return 0;
	s->ref[s->n_ref++] = (struct ref){ ++v->next_id, s->pc };
	return v->next_id;
}

void ref_drop(struct state *s, uint32_t ref)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_ref; i++)
		if (s->ref[i].id != ref)
			s->ref[n++] = s->ref[i];
	s->n_ref = n;
}

/* ---- what ends loops ---- */

void bound_begin(struct state *s, uint32_t id)
{
	s->bound[s->n_bound++] = (struct bound){ id, 0 };
}

void bound_end(struct state *s, uint32_t id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_bound; i++)
		if (s->bound[i].id != id)
			s->bound[n++] = s->bound[i];
	s->n_bound = n;
}

void bound_turn(struct state *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->n_bound; i++)
		s->bound[i].turns += s->bound[i].id == id;
}

/* Loops end although inner ones begin anew in each turn of an outer one, which is older: the turns that are
 * left, oldest first, get fewer as words do in a dictionary. */
int bound_compare(const struct checkpoint *then, const struct state *now, uint32_t first)
{
	for (uint32_t i = 0; i < first && i < then->n_bound && i < now->n_bound; i++) {
		if (then->bound[i].id != now->bound[i].id)
			return -1;
		if (then->bound[i].turns != now->bound[i].turns)
			return now->bound[i].turns > then->bound[i].turns ? 1 : -1;
	}
	return 0;
}

uint32_t bounds_shared(const struct checkpoint *cp, const struct bound *b, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && i < cp->n_bound && cp->bound[i].id == b[i].id)
		i++;
	return i;
}
