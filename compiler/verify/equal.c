/* SPDX-License-Identifier: MIT
 *
 * equal.c - is what is known now covered by what was known then?
 *
 * Then everything that can happen from here was looked at from there. */
#include "vfy.h"

enum { MAX_IDS = BPFI_MAX_FRAMES * (N_REGS + N_SLOTS) };

/* Ids are names: those of the two states correspond if one mapping holds throughout. */
struct ids {
	struct {
		uint32_t old, now;
	} pair[MAX_IDS];
	size_t n;
};

/* one_to_one: two ids of then may not be one now (two records that must both be
 * submitted).  Copies may: more is known now. */
static bool same_id(struct ids *ids, uint32_t old, uint32_t now, bool one_to_one)
{
	if (!old)
		return !one_to_one || !now;
	if (!now)
		return false;
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->pair[i].old == old)
			return ids->pair[i].now == now;
		if (one_to_one && ids->pair[i].now == now)
			return false;
	}
	if (ids->n == MAX_IDS)
		return false;
	ids->pair[ids->n].old = old;
	ids->pair[ids->n++].now = now;
	return true;
}

static bool scalar_reg_covers(struct vfy *v, struct ids *ids, const struct reg *old,
			      const struct reg *now, enum compare how)
{
	if (how == COMPARE_MATTERS && !v->def[old->def].precise)
		return true;
	if (!scalar_covers(&old->var, &now->var))
		return false;
	return !old->id || (old->delta == now->delta && same_id(ids, old->id, now->id, false));
}

static bool reg_covers(struct vfy *v, struct ids *ids, const struct reg *old,
		       const struct reg *now, enum compare how)
{
	if (old->type == REG_NONE)	/* the context's address must not escape unseen */
		return now->type != REG_CTX;
	if (old->type != now->type)
		return false;
	if (old->type == REG_SCALAR)
		return scalar_reg_covers(v, ids, old, now, how);
	if (old->or_null != now->or_null || old->read_only != now->read_only ||
	    old->frame != now->frame || old->off != now->off || old->inner != now->inner)
		return false;
	if (is_packet(old) ? old->range > now->range : old->map != now->map)
		return false;
	if (!scalar_covers(&old->var, &now->var) || !same_id(ids, old->ref, now->ref, true) ||
	    !same_id(ids, old->dynptr, now->dynptr, true))
		return false;
	return is_packet(old) && !old->id ? true : same_id(ids, old->id, now->id, true);
}

/* ---- stack ---- */

/* Do all eight bytes hold something that nothing is known of? */
static bool is_junk(const struct slot *s)
{
	for (int i = 0; i < 8; i++)
		if (s->byte[i] != BYTE_MISC && s->byte[i] != BYTE_NONE)
			return false;
	return true;
}

static bool is_scalar_spill(const struct slot *s)
{
	return s->byte[0] == BYTE_SPILL && s->byte[7] == BYTE_SPILL && s->reg.type == REG_SCALAR;
}

static bool slot_covers(struct vfy *v, struct ids *ids, const struct slot *old,
			const struct slot *now, enum compare how)
{
	struct reg any = { .type = REG_SCALAR };
	bool spill = old->byte[0] == BYTE_SPILL;

	if (old->byte[0] == BYTE_ITER || now->byte[0] == BYTE_ITER)
		return old->byte[0] == now->byte[0] && old->reg.off == now->reg.off &&
		       old->reg.size == now->reg.size && same_id(ids, old->reg.ref, now->reg.ref, true);
	if (old->byte[0] == BYTE_DYNPTR || now->byte[0] == BYTE_DYNPTR)
		return old->byte[0] == now->byte[0] && old->reg.off == now->reg.off &&
		       same_id(ids, old->reg.ref, now->reg.ref, true) &&
		       same_id(ids, old->reg.dynptr, now->reg.dynptr, true);
	/* What is read as a number there may be any pointer here, but for the context, whose
	 * address must not escape unseen, and the stack, where it may be. */
	if (!spill && now->byte[0] == BYTE_SPILL &&
	    (now->reg.type == REG_CTX || now->reg.type == REG_STACK ||
	     ((v->opts->chance || v->opts->plain & PLAIN_SLOT) && is_pointer(&now->reg))))
		return false;
	for (int i = 0; i < 8 && v->opts->chance; i++)
		if (old->byte[i] != BYTE_NONE && now->byte[i] == BYTE_NONE)
			return false;
	if (is_scalar_spill(old) && is_junk(now)) {
		any.var = scalar_unknown();
		return reg_covers(v, ids, &old->reg, &any, how);
	}
	for (int i = 0; i < 8; i++) {
		if (old->byte[i] == BYTE_NONE || old->byte[i] == BYTE_MISC)
			continue;
		if (old->byte[i] != now->byte[i])
			return false;
	}
	/* The register that was spilled must fill as many bytes, or other reads differ. */
	for (int i = 0; spill && i < 8; i++)
		if ((old->byte[i] == BYTE_SPILL) != (now->byte[i] == BYTE_SPILL))
			return false;
	return !spill || reg_covers(v, ids, &old->reg, &now->reg, how);
}

/* An iterator or a dynptr: what becomes of it is not in the reads of its slots. */
static bool is_object(const struct frame *f, unsigned n)
{
	return is_iter(f, n) || is_dynptr(f, n);
}

/* The context's address, where reads of unknown memory may find it (fact_stack_read()): those mark no slots. */
static bool shows_ctx(const struct frame *f, unsigned n)
{
	return n < f->n_slot && f->slot[n].byte[0] == BYTE_SPILL && f->slot[n].reg.type == REG_CTX;
}

static bool frame_covers(struct vfy *v, struct ids *ids, const struct checkpoint *cp,
			 const struct state *s, uint32_t level, enum compare how)
{
	static const struct slot empty;
	const struct frame *old = cp->state->frame[level], *now = s->frame[level];
	uint16_t live = live_at(v, s, level);

	if (!same_id(ids, old->dynptr, now->dynptr, true))
		return false;
	for (unsigned r = 0; r < N_REGS; r++)
		if (live >> r & 1 && !reg_covers(v, ids, &old->r[r], &now->r[r], how))
			return false;
	for (unsigned n = 0; n < now->n_slot; n++)
		if (shows_ctx(now, n) && !shows_ctx(old, n))
			return false;
	for (unsigned n = 0; n < old->n_slot || n < now->n_slot; n++) {
		if (how == COMPARE_MATTERS && !(cp->read[level] >> n & 1) && !is_object(old, n) &&
		    !is_object(now, n))
			continue;
		if (!slot_covers(v, ids, n < old->n_slot ? &old->slot[n] : &empty,
				 n < now->n_slot ? &now->slot[n] : &empty, how))
			return false;
	}
	return true;
}

uint16_t live_at(const struct vfy *v, const struct state *s, uint32_t level)
{
	enum { SAVED = 0x3c0, R10 = 1 << BPFI_R10 };

	if (level == s->top)
		return v->aux[s->pc].live | R10;
	if (s->frame[level + 1]->callback)	/* the call is made again, with all its arguments */
		return v->aux[s->frame[level + 1]->call_insn].live | R10;
	return (v->aux[s->frame[level + 1]->call_insn + 1].live & SAVED) | R10;
}

bool state_covers(struct vfy *v, const struct checkpoint *cp, const struct state *s,
		  enum compare how)
{
	const struct state *old = cp->state;
	struct ids ids;

	ids.n = 0;
	if (old->top != s->top || old->n_ref != s->n_ref || old->lock.map != s->lock.map)
		return false;
	for (uint32_t i = 0; i <= s->top; i++)
		if (old->frame[i]->sub != s->frame[i]->sub ||
		    old->frame[i]->callback != s->frame[i]->callback ||
		    old->frame[i]->timer != s->frame[i]->timer ||
		    old->frame[i]->turns > s->frame[i]->turns ||
		    old->frame[i]->call_insn != s->frame[i]->call_insn)
			return false;
	for (uint32_t i = s->top + 1; i-- > 0;)
		if (!frame_covers(v, &ids, cp, s, i, how))
			return false;
	if (s->lock.map && !same_id(&ids, old->lock.id, s->lock.id, true))
		return false;
	for (uint32_t i = 0; i < s->n_ref; i++)
		if (!same_id(&ids, old->ref[i].id, s->ref[i].id, true))
			return false;
	return true;
}

void each_pair(struct vfy *v, const struct checkpoint *cp, struct state *s,
	       void (*fn)(struct vfy *v, const struct reg *old, struct reg *now))
{
	for (uint32_t level = 0; level <= s->top; level++) {
		const struct frame *old = cp->state->frame[level];
		struct frame *now = s->frame[level];
		uint16_t live = live_at(v, s, level);

		for (unsigned r = 0; r < N_REGS; r++)
			if (live >> r & 1)
				fn(v, &old->r[r], &now->r[r]);
		for (unsigned n = 0; n < old->n_slot && n < now->n_slot; n++)
			if (old->slot[n].byte[0] == BYTE_SPILL && now->slot[n].byte[0] == BYTE_SPILL)
				fn(v, &old->slot[n].reg, &now->slot[n].reg);
	}
}
