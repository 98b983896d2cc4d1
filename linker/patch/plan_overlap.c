/* SPDX-License-Identifier: MIT
 *
 * plan_overlap.c - sites that cannot be patched beside each other. */
#include "plan_priv.h"

#include <stdlib.h>

struct span {		/* bytes that a site changes or displaces */
	uint64_t from, to;
	struct site *site;
	bool call;	/* one of the calls of an import */
};

static int by_from(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static size_t collect_spans(const struct plan *p, struct span *span)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_site; i++) {
		struct site *s = &p->site[i];
		uint64_t end = s->tactic == TACTIC_JMP || s->tactic == TACTIC_BEFORE ? p->state->ts[i].back_vaddr
						       : s->patch_vaddr + s->window_bytes;

		if (s->refused)
			continue;
		if (s->window_bytes)
			span[n++] = (struct span){ s->patch_vaddr, end, s, false };
		for (size_t k = 0; k < p->state->ts[i].n_call; k++)
			span[n++] = (struct span){ p->state->ts[i].call[k],
						   p->state->ts[i].call[k] + 6, s, true };
	}
	return n;
}

static void refuse_displaced(struct plan *p, struct site *s, const struct site *by)
{
	s->tactic = TACTIC_REFUSED;
	s->refused = arena_printf(p->im->arena, "its bytes are among those of the site at 0x%llx",
				  (unsigned long long)by->vaddr);
}

void plan_refuse_overlaps(struct plan *p)
{
	struct span *span;
	size_t n = p->n_site, kept = 0;

	for (size_t i = 0; i < p->n_site; i++)
		n += p->state->ts[i].n_call;
	span = arena_array(p->im->arena, n + 1, sizeof(*span));
	n = collect_spans(p, span);
	if (n)
		qsort(span, n, sizeof(*span), by_from);
	for (size_t i = 1; i < n; i++) {
		if (span[i].from >= span[kept].to) {
			kept = i;
		} else if (span[i].call && !span[kept].call) {
			refuse_displaced(p, span[kept].site, span[i].site);
			kept = i;
		} else {
			refuse_displaced(p, span[i].site, span[kept].site);
		}
	}
}

/* A function's return is hooked at all of its return instructions or not at all. */
static bool refuse_returns(struct plan *p)
{
	bool again = false;

	for (size_t i = 0, k; i < p->n_site; i = k) {
		uint64_t fn = p->site[i].fn_vaddr;
		const struct site *bad = NULL;

		for (k = i; k < p->n_site && p->site[k].fn_vaddr == fn; k++)
			if (p->site[k].kind == SITE_RETURN && p->site[k].refused)
				bad = &p->site[k];
		for (size_t n = i; bad && n < k; n++)
			if (p->site[n].kind == SITE_RETURN && !p->site[n].refused) {
				p->site[n].tactic = TACTIC_REFUSED;
				p->site[n].refused = arena_printf(p->im->arena, "the return at 0x%llx: %s",
								  (unsigned long long)bad->vaddr, bad->refused);
				again = true;
			}
		k += k == i;
	}
	return again;
}

void plan_refuse_conflicts(struct plan *p)
{
	bool again = true;

	while (again) {
		plan_refuse_overlaps(p);
		again = refuse_returns(p);
		for (size_t i = 0; i < p->n_site; i++)
			if (!p->site[i].refused && p->state->ts[i].host && p->state->ts[i].host->refused) {
				refuse_displaced(p, &p->site[i], p->state->ts[i].host);
				again = true;
			}
	}
}
