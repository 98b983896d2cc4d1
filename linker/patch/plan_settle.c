/* SPDX-License-Identifier: MIT
 *
 * plan_settle.c - one site: can it be patched, for which of its hooks, and what do they cost? */
#include "plan_priv.h"

#include <string.h>

#include "go_x86_64.h"
#include "hooks.h"
#include "own_frame.h"
#include "window.h"

/* Nanoseconds, roughly, on the machine of docs/design.md: jumps and words, then what the programs do.  Those in line
 * save registers once, and those that want a frame share it. */
static void estimate(const struct plan *p, struct site *s, const struct tramp_site *t)
{
	struct site_cost *c = &s->cost;
	uint16_t saved = 0;
	uint32_t frame = 0;

	*c = (struct site_cost){ .ns = 0.4 + 0.1 * (double)s->n_at };
	for (size_t i = 0; i < s->n_at; i++) {
		const struct lnk_hook *h = lnk_hook(p->lnk, s->at[i].hook);
		bool in_line = h->body && h->body->bytes <= COPY_MAX;

		c->insns += h->insns;
		c->atomics += h->atomics;
		if (in_line)
			saved |= h->body->saves;
		else
			c->saved_regs += h->saved_regs;
		if (h->row->form == ENTRY_FRAME)
			frame |= h->row->ctx_mask;
		c->ns += (in_line ? 0 : 0.3) + (h->row->bits & OBJFMT_HOOK_OUTCOME ? 0.7 : 0);
	}
	c->saved_regs += (uint32_t)__builtin_popcount(saved);
	if (s->has_ret) {
		c->atomics += !t->calls;	/* the slot */
		c->ns += 1.4;
	}
	if (t->flags != FLAGS_DEAD)
		c->ns += t->flags == FLAGS_ALL_LIVE ? 6 : 1;
	c->ns += 0.04 * c->insns + 0.1 * c->saved_regs + 3.1 * c->atomics + 0.25 * __builtin_popcount(frame);
}

/* With a window, or the reason why there is none: what else may be in the way. */
static void conclude(struct plan *p, struct site *s, struct tramp_site *t, const struct plan_opts *o,
		     const char *why)
{
	const uint8_t *before;

	s->n_decide = 0;
	for (size_t i = 0; i < s->n_at; i++) {
		bool decides = lnk_decides(p->lnk, s->at[i].hook);

		s->n_decide += decides;
		if (!why && decides && (s->at[i].ret || s->at[i].sys_exit))
			why = "when it returns no program can decide that the function does not run";
	}
	if (!why)
		why = go_window_refused(p->im, s, t);
	if (!why && o->running)
		why = go_running_refused(s, t);
	if (!why)
		why = tramp_refused(p->lnk, s, t, &p->state->stacks);
	if (!why && s->has_ret)
		why = o->no_returns;
	if (!why && s->has_ret)
		why = return_refused(p->im, s, t);
	if (!why && s->n_decide)
		why = decide_refused(p->im, s, t);
	if (!why && s->has_ret && !o->slots_only)
		t->calls = s->kind == SITE_ENTRY && t->has_row && own_frame_only(p->im, s->vaddr);
	if (!why) {
		estimate(p, s, t);
		if (o->max_cost_ns > 0 && s->cost.ns > o->max_cost_ns)
			why = arena_printf(p->im->arena, "it would cost about %.1f ns", s->cost.ns);
		s->over_cost = why;
	}
	before = why ? NULL : image_at(p->im, s->patch_vaddr, s->window_bytes);
	s->refused = why;
	if (why)
		s->tactic = TACTIC_REFUSED;
	else
		s->before = (struct bytes){ before, s->window_bytes };
}

static void set_hooks(struct site *s, struct site_attach *at, size_t n)
{
	s->at = at;
	s->n_at = n;
	s->has_ret = false;
	for (size_t i = 0; i < n; i++)
		s->has_ret |= at[i].ret;
}

/* Moves the hooks of object `object` to the end of `to`; the others close up. */
static size_t take_object(const struct plan *p, uint32_t object, struct site_attach *to, size_t n_to,
			  struct site_attach *left, size_t *n_left)
{
	size_t kept = 0, n = n_to;

	for (size_t i = 0; i < *n_left; i++)
		if (lnk_hook(p->lnk, left[i].hook)->object_index == object)
			to[n++] = left[i];
		else
			left[kept++] = left[i];
	*n_left = kept;
	return n;
}

/* A place may take the hooks of one object and not those of another: a return hook, or a program that there is no
 * stack for.  In the order of the command line each object stays with which there is no reason against the site; the
 * others become a part, with the first one's reason.  `bare`, `t_bare`: with a window, and not concluded.
 * (All returns of a Go function are hooked or none, which plan_refuse_conflicts() sees to.) */
static void split(struct plan *p, size_t at, const struct plan_opts *o, const struct site *bare,
		  const struct tramp_site *t_bare)
{
	struct arena *a = p->im->arena;
	size_t n = bare->n_at, n_kept = 0, n_out = 0, n_left = n;
	struct site_attach *left = arena_array(a, n, sizeof(*left)), *kept = arena_array(a, n, sizeof(*kept)),
			   *out = arena_array(a, n, sizeof(*out));
	struct site part = p->site[at];
	const char *why = NULL;

	memcpy(left, bare->at, n * sizeof(*left));
	while (n_left) {
		size_t with = take_object(p, lnk_hook(p->lnk, left[0].hook)->object_index, kept, n_kept, left, &n_left);
		struct tramp_site t = *t_bare;
		struct site s = *bare;

		set_hooks(&s, kept, with);
		conclude(p, &s, &t, o, NULL);
		if (!s.refused) {
			p->site[at] = s;
			p->state->ts[at] = t;
			n_kept = with;
			continue;
		}
		if (!why)
			why = arena_printf(a, "for %s: %s", lnk_hook(p->lnk, kept[n_kept].hook)->object, s.refused);
		part.over_cost |= s.over_cost;
		memcpy(out + n_out, kept + n_kept, (with - n_kept) * sizeof(*out));
		n_out += with - n_kept;
	}
	if (!n_kept)
		return;
	set_hooks(&part, out, n_out);
	part.part = true;
	part.refused = why;
	part.n_decide = 0;
	p->site[p->n_site++] = part;
}

static void settle(struct plan *p, size_t at, const struct plan_opts *o, const char *why)
{
	const struct site bare = p->site[at];
	const struct tramp_site t_bare = p->state->ts[at];

	conclude(p, &p->site[at], &p->state->ts[at], o, why);
	if (!why && p->site[at].refused && bare.kind != SITE_RETURN)
		split(p, at, o, &bare, &t_bare);
}

void plan_decide(struct plan *p, size_t at, const struct plan_opts *o)
{
	struct tramp_site *t = &p->state->ts[at];
	struct site *s = &p->site[at];
	const char *why = s->refused;

	if (!why && s->probe)
		why = usdt_check_semaphore(p->im, s->probe);
	if (!why) {
		why = window_decide(p->im, plan_targets(p), s, t);
		t->no_window = why != NULL;
	}
	settle(p, at, o, why);
}

void plan_borrow_room(struct plan *p, const struct plan_opts *o)
{
	enum { NEIGHBOURS = 12 };
	struct tramp_site *ts = p->state->ts;

	for (size_t i = 0; i < p->n_site; i++) {
		struct site *s = &p->site[i];
		size_t k = i > NEIGHBOURS ? i - NEIGHBOURS : 0;
		size_t end = p->n_site - i > NEIGHBOURS ? i + NEIGHBOURS + 1 : p->n_site;

		if (!ts[i].no_window || s->kind != SITE_ENTRY)
			continue;
		while (k < end && (k == i || !window_borrow(p->im, plan_targets(p), s, &ts[i],
							    &p->site[k], &ts[k])))
			k++;
		if (k < end)
			settle(p, i, o, NULL);
	}
}
