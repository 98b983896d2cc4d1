/* SPDX-License-Identifier: MIT
 *
 * prune.c - paths that can teach nothing new end early.
 *
 * Where paths meet, checkpoints keep the states that came by.  A path whose state is
 * covered by a checkpoint all of whose paths have ended safely ends there.  Only what
 * mattered to those paths must be covered: registers that are live, slots that were read,
 * numbers whose range decided something (they were marked precise).
 *
 * A path that meets a checkpoint of its own past in the very same state loops for ever.
 * Loops that end by themselves (may_goto, ...) are different: one turn that leads to a
 * state covered by a turn before is enough.  What matters of that state is then not yet
 * known, so the two are tied (struct backedge, struct watch) and whatever was explored
 * since is compared in full until the loop is done. */
#include "vfy.h"

#include <string.h>

/* ---- which slots mattered ---- */

/* `mask` of frame `level` was read behind the checkpoint cp, from what was there then. */
static void slots_read(struct vfy *v, struct checkpoint *cp, uint32_t level, uint64_t mask)
{
	size_t n = 0;

	*ARENA_PUSH(v->mem, v->slots_work, n, v->cap_slots_work) = (struct slots_work){ cp, mask };
	while (n) {
		struct slots_work t = v->slots_work[--n];

		for (cp = t.cp; cp && level <= cp->top; cp = cp->parent) {
			t.mask &= ~cp->read[level];
			if (!t.mask)
				break;
			cp->read[level] |= t.mask;
			for (struct backedge *b = cp->back; b; b = b->next)
				*ARENA_PUSH(v->mem, v->slots_work, n, v->cap_slots_work) =
					(struct slots_work){ b->parent, t.mask & ~b->written[level] };
			t.mask &= ~cp->written[level];
		}
	}
}

void mark_slots_read(struct vfy *v, const struct frame *f, uint64_t mask)
{
	if (mask & ~f->written)
		slots_read(v, v->cur->parent, f->level, mask & ~f->written);
}

/* ---- checkpoints ---- */

static void rename_def(struct reg *r, void *arg)
{
	struct vfy *v = arg;

	if (r->type != REG_SCALAR)
		return;
	r->def = def_new(v, r->def, 0);
	v->def[r->def].insn = DEF_RENAMED;
}

static void add_checkpoint(struct vfy *v)
{
	struct checkpoint *cp = arena_alloc(v->mem, sizeof(*cp));
	struct insn_aux *aux = &v->aux[v->cur->pc];
	struct state *s = v->cur;

	each_reg(s, rename_def, v);
	cp->seq = ++v->n_checkpoints;
	cp->branches = 1;
	cp->parent = s->parent;
	cp->top = s->top;
	for (uint32_t i = 0; i <= s->top; i++) {
		cp->written[i] = s->frame[i]->written;
		s->frame[i]->written = 0;
	}
	cp->state = state_copy(v, s);
	cp->n_bound = s->n_bound;
	if (s->n_bound) {
		struct bound *b = arena_alloc(v->mem, s->n_bound * sizeof(*b));

		memcpy(b, s->bound, s->n_bound * sizeof(*b));
		cp->bound = b;
	}
	cp->next = aux->checkpoints;
	aux->checkpoints = cp;
	s->parent = cp;
	v->last_done = v->n_done;
	v->last_jumps = v->n_jumps;
}

/* One that is asked often and never helps is dropped.  It only counts where a new one
 * would be made: else the turns of a loop would drop all that came before them. */
static bool worn_out(struct checkpoint *cp, bool loop, bool add)
{
	uint32_t n = loop && cp->branches ? 64 : 3;

	cp->misses += add;
	return cp->misses > cp->hits * n + n;
}

void end_path(struct vfy *v)
{
	for (struct checkpoint *cp = v->cur->parent; cp && !--cp->branches; cp = cp->parent)
		if (v->n_open && v->open[v->n_open - 1] == cp)
			v->n_open--;
}

/* ---- ties ---- */

static void same_precision(struct vfy *v, const struct reg *old, struct reg *now)
{
	if (old->type == REG_SCALAR && now->type == REG_SCALAR && v->def[old->def].precise)
		mark_precise(v, now->def);
}

static void same_precision_later(struct vfy *v, const struct reg *old, struct reg *now)
{
	struct def *d = &v->def[old->def];

	if (old->type != REG_SCALAR || now->type != REG_SCALAR || d->precise)
		return;
	if (!v->n_watch)	/* 0 stands for none */
		(void)ARENA_PUSH(v->mem, v->watch, v->n_watch, v->cap_watch);
	*ARENA_PUSH(v->mem, v->watch, v->n_watch, v->cap_watch) =
		(struct watch){ now->def, d->watch };
	d->watch = (uint32_t)(v->n_watch - 1);
}

/* The current path ends at cp: what mattered there matters here. */
static void adopt(struct vfy *v, struct checkpoint *cp)
{
	struct state *s = v->cur;

	cp->hits++;
	each_pair(v, cp, s, same_precision);
	for (uint32_t i = 0; i <= s->top; i++)
		mark_slots_read(v, s->frame[i], cp->read[i]);
}

static void tie(struct vfy *v, struct checkpoint *cp)
{
	struct backedge *b = arena_alloc(v->mem, sizeof(*b));
	size_t at = v->n_open;

	b->parent = v->cur->parent;
	for (uint32_t i = 0; i <= v->cur->top; i++)
		b->written[i] = v->cur->frame[i]->written;
	b->next = cp->back;
	cp->back = b;
	each_pair(v, cp, v->cur, same_precision_later);
	adopt(v, cp);
	if (!cp->branches)
		return;
	while (at && v->open[at - 1]->seq > cp->seq)
		at--;
	if (at && v->open[at - 1] == cp)
		return;
	(void)ARENA_PUSH(v->mem, v->open, v->n_open, v->cap_open);
	memmove(&v->open[at + 1], &v->open[at], (v->n_open - 1 - at) * sizeof(v->open[0]));
	v->open[at] = cp;
}

/* May more still turn out to have mattered to cp? */
static bool unfinished(const struct vfy *v, const struct checkpoint *cp)
{
	return v->n_open && cp->seq >= v->open[0]->seq;
}

/* ---- visiting ---- */

static bool same_state(struct vfy *v, struct checkpoint *cp, struct state *s)
{
	struct checkpoint now = { .state = s };

	return state_covers(v, cp, s, COMPARE_ALL) && state_covers(v, &now, cp->state, COMPARE_ALL);
}

/* cp lies on the current path.  1: this turn of a loop teaches nothing new. */
static int meet_past(struct vfy *v, struct checkpoint *cp, bool loop)
{
	struct state *s = v->cur;

	int turned = bound_compare(cp, s, MAX_BOUNDS);

	if (turned) {
		if (turned < 0 || !loop || !state_covers(v, cp, s, COMPARE_ALL))
			return 0;
		tie(v, cp);
		return 1;
	}
	if (same_state(v, cp, s))
		return refuse(v, DIAG_V024, "nothing has changed since the last time here");
	return 0;
}

/* From cp ways may lead back to what lies on the current path, and from there to here again.  Does what lets
 * them do so only so often begin anew on the way from there to here? */
static bool starts_over(const struct vfy *v, const struct checkpoint *cp)
{
	const struct state *s = v->cur;
	uint32_t first = 0, n;

	if (bound_compare(cp, s, MAX_BOUNDS) >= 0)
		return false;
	for (const struct checkpoint *past = s->parent; past; past = past->parent) {
		if ((n = bounds_shared(past, s->bound, s->n_bound)) > first)
			first = n;
		if ((n = bounds_shared(past, cp->bound, cp->n_bound)) > first)
			first = n;
	}
	return bound_compare(cp, s, first) < 0;
}

static int meet_explored(struct vfy *v, struct checkpoint *cp)
{
	if (unfinished(v, cp)) {	/* it may lead back to what led here */
		if (starts_over(v, cp) || !state_covers(v, cp, v->cur, COMPARE_ALL))
			return 0;
		tie(v, cp);
		return 1;
	}
	if (!state_covers(v, cp, v->cur, COMPARE_MATTERS))
		return 0;
	adopt(v, cp);
	return 1;
}

int visit_state(struct vfy *v)
{
	struct insn_aux *aux = &v->aux[v->cur->pc];
	uint64_t done = v->n_done - v->last_done, jumps = v->n_jumps - v->last_jumps;
	bool loop = aux->bits & INSN_LOOP, add = loop || (jumps >= 2 && done >= 8);

	if (!(aux->bits & INSN_PRUNE))
		return 0;
	if (loop)
		call_begins(v);
	for (struct checkpoint **at = &aux->checkpoints, *cp; (cp = *at);) {
		int r = cp->branches ? meet_past(v, cp, loop) : meet_explored(v, cp);

		if (r)
			return r;
		if (cp->branches && !loop && jumps < 20 && done < 100)
			add = false;
		if (worn_out(cp, loop, add)) {
			state_free(v, cp->state);
			cp->state = NULL;
			*at = cp->next;
		} else {
			at = &cp->next;
		}
	}
	if (add && v->n_frames < MAX_FRAMES)
		add_checkpoint(v);
	return 0;
}

/* ---- widening ---- */

static void widen_reg(struct vfy *v, const struct reg *old, struct reg *now)
{
	if (old->type != REG_SCALAR || now->type != REG_SCALAR || v->def[old->def].precise ||
	    v->def[now->def].precise ||
	    (scalar_equal(&old->var, &now->var) && (old->id == now->id || !(v->opts->plain & PLAIN_TURN))))
		return;
	reg_set_unknown(v, now);
}

void widen(struct vfy *v, struct state *s, const struct checkpoint *not_this)
{
	for (struct checkpoint *cp = v->aux[v->cur->pc].checkpoints; cp; cp = cp->next) {
		bool same = cp != not_this && cp->branches && cp->top == s->top;

		for (uint32_t i = 1; i <= s->top && same; i++)
			same = cp->state->frame[i]->call_insn == s->frame[i]->call_insn;
		if (same) {
			each_pair(v, cp, s, widen_reg);
			return;
		}
	}
}
