/* SPDX-License-Identifier: MIT
 *
 * plan.c - decides every site, learns how big the trampolines are, and writes them once the
 * payload has its place. */
#include "plan.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "go_x86_64.h"
#include "hooks.h"
#include "own_frame.h"
#include "progress.h"
#include "rt.h"
#include "usdt_spec.h"
#include "window.h"

struct plan_state {
	struct tramp_site *ts;		/* one a site */
	struct tramp_common common;
	struct cfi_out cfi;
	struct usdt_rooms usdt;
	const bool *copies;	/* by hook (trampoline.h) */
	bool slots, ret_flags;	/* a return goes through one; a program behind such a return reads the flags */
	bool stacks;	/* a program runs on one of the payload's */
};

const char *tactic_name(enum tactic t)
{
	static const char *const name[] = { "refused", "jmp", "plt", "padding", "short", "before" };

	return name[t];
}

const char *site_kind_name(enum site_kind k)
{
	static const char *const name[] = { "entry", "offset", "import", "syscall", "usdt", "return" };

	return name[k];
}

/* Bytes of a body's likely way that is copied; a longer one gains nothing by it. */
enum { COPY_MAX = 256 };

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
 * (All returns of a Go function are hooked or none, which refuse_returns() sees to.) */
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

static void decide(struct plan *p, size_t at, const struct plan_opts *o)
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

/* Entries that have no room for their jump get some from a neighbour. */
static void borrow_room(struct plan *p, const struct plan_opts *o)
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

/* Two jumps must not share a byte, nor may one lie among instructions that another site
 * displaces: it would not run there. */
static void refuse_overlaps(struct plan *p)
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

/* Until nothing changes: who borrowed from a site that is refused now is refused as well. */
static void refuse_conflicts(struct plan *p)
{
	bool again = true;

	while (again) {
		refuse_overlaps(p);
		again = refuse_returns(p);
		for (size_t i = 0; i < p->n_site; i++)
			if (!p->site[i].refused && p->state->ts[i].host && p->state->ts[i].host->refused) {
				refuse_displaced(p, &p->site[i], p->state->ts[i].host);
				again = true;
			}
	}
}

/* Writes everything into c and the CFI; with no bytes behind c only sizes come out. */
static void write_all(struct plan *p, struct code *c, struct cfi_out *f)
{
	struct plan_state *st = p->state;

	tramp_common_code(&st->common, st->slots, st->ret_flags, c, f);
	for (size_t i = 0; i < p->n_site; i++) {
		struct site *s = &p->site[i];
		struct code site;

		if (s->refused)
			continue;
		while (c->n % 16)
			PUT(c, 0xcc);
		s->tramp_off = c->n;
		s->cfi_off = f->c.n;
		site = (struct code){ c->p ? c->p + c->n : NULL, 0, c->cap > c->n ? c->cap - c->n : 0,
				      code_vaddr(c), false };
		tramp_site_code(&st->common, s, &st->ts[i], &site, f);
		c->far |= site.far;
		c->n += site.n;
		s->tramp_bytes = c->n - s->tramp_off;
		s->cfi_bytes = f->c.n - s->cfi_off;
	}
	put32(&f->c, 0);	/* end of .eh_frame */
}

/* A function may have a GOT slot for calls and one for its address: where the former is
 * patched, nothing has to be said of the latter. */
static bool same_import(const struct site *a, const struct site *b)
{
	return a != b && a->import && b->import && !strcmp(a->symbol, b->symbol) &&
	       (a->import->version == b->import->version ||
		(a->import->version && b->import->version &&
		 !strcmp(a->import->version, b->import->version)));
}

static void drop_address_only(struct plan *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_site; i++) {
		bool drop = false;

		for (size_t k = 0; p->site[i].refused && !p->site[i].part && p->site[i].import && k < p->n_site && !drop; k++)
			drop = !p->site[k].refused && same_import(&p->site[i], &p->site[k]);
		if (drop)
			continue;
		p->site[kept] = p->site[i];
		p->state->ts[kept++] = p->state->ts[i];
	}
	p->n_site = kept;
}

/* Bodies that are not short are copied to a hook's places only while these are few. */
static void choose_copies(struct plan *p)
{
	enum { COPIES_MAX = 8192 };	/* bytes, of one hook */
	size_t n = lnk_n_hooks(p->lnk);
	size_t *places = arena_array(p->im->arena, n, sizeof(*places));
	bool *copies = arena_array(p->im->arena, n, sizeof(*copies));

	for (size_t i = 0; i < p->n_site; i++)
		for (size_t k = 0; k < p->site[i].n_at && !p->site[i].refused; k++)
			places[p->site[i].at[k].hook]++;
	for (size_t i = 0; i < n; i++) {
		const struct code_body *b = lnk_hook(p->lnk, i)->body;

		copies[i] = b && b->bytes <= COPY_MAX && places[i] * (b->step[b->n - 1].off + 1) <= COPIES_MAX;
	}
	p->state->copies = copies;
}

/* Attach points exist for what will be patched only. */
static int name_attach_points(struct plan *p, struct diags *dg)
{
	for (size_t i = 0; i < p->n_site; i++) {
		struct site *s = &p->site[i];

		for (size_t k = 0; k < s->n_at && !s->refused; k++) {
			int r = usdt_attach(p, &p->state->usdt, s, &s->at[k], dg);

			if (r < 0)
				return r;
			s->at[k].attach = lnk_add_attach(p->lnk, s->at[k].hook,
							 s->at[k].name ? s->at[k].name : s->symbol,
							 s->at[k].cookie);
		}
	}
	return 0;
}

struct targets *plan_targets(struct plan *p)
{
	if (!p->targets) {
		progress_step("reading the code of %s", p->im->path);
		p->targets = targets_new(p->im);
	}
	return p->targets;
}

/* Two programs of one function may both decide: the first one's word stands. */
static void warn_of_rivals(const struct plan *p, struct diags *dg)
{
	const struct site *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->n_site; i++)
		if (!p->site[i].refused && p->site[i].n_decide > 1) {
			first = first ? first : &p->site[i];
			n++;
		}
	if (!n)
		return;
	diag_warn(dg, at_file(p->im->path), "%s%s: %zu programs may decide that the function does not run; "
		  "the first that does is heard", first->symbol ? first->symbol : "unnamed function",
		  n > 1 ? arena_printf(p->im->arena, " and %zu more", n - 1) : "", first->n_decide);
}

/* Room for the parts of each site, so that none has to move. */
static void reserve_parts(struct plan *p)
{
	struct arena *a = p->im->arena;
	size_t n = p->n_site;
	struct site *site;

	for (size_t i = 0; i < p->n_site; i++)
		n += p->site[i].n_at > 1;
	site = arena_array(a, n + 1, sizeof(*site));
	if (p->n_site)
		memcpy(site, p->site, p->n_site * sizeof(*site));
	p->site = site;
	p->cap_site = n;
	p->state->ts = arena_array(a, n + 1, sizeof(*p->state->ts));
}

int plan_make(struct plan *p, const struct plan_opts *o, struct diags *dg)
{
	struct arena *a = p->im->arena;
	struct plan_state *st = p->state = arena_alloc(a, sizeof(*st));
	struct code c = { .n = 0 };
	size_t n = p->n_site;
	int r;

	reserve_parts(p);
	plan_targets(p);
	progress_step("planning for %s", p->im->path);
	for (size_t i = 0; i < n; i++) {
		progress_count(i, n);
		st->ts[i].moved = arena_array(a, WINDOW_MAX, sizeof(uint64_t));
		decide(p, i, o);
	}
	drop_address_only(p);
	refuse_overlaps(p);
	borrow_room(p, o);
	refuse_conflicts(p);
	p->n_patched = p->n_refused = 0;
	for (size_t i = 0; i < p->n_site; i++) {
		p->n_refused += p->site[i].refused != NULL;
		p->n_patched += p->site[i].refused == NULL;
		if (p->site[i].refused || !p->site[i].has_ret || st->ts[i].calls)
			continue;
		st->slots = true;
		st->ret_flags |= tramp_reads_flags(p->lnk, &p->site[i], true);
	}
	warn_of_rivals(p, dg);
	r = name_attach_points(p, dg);
	if (r < 0)
		return r;
	if (st->slots) {
		lnk_require(p->lnk, "bpftime_rt1_slot");
		lnk_require(p->lnk, "bpftime_rt1_slots");
	}
	if (st->stacks)
		lnk_require(p->lnk, "bpftime_rt1_stacks");
	choose_copies(p);
	st->common = (struct tramp_common){ .lnk = p->lnk, .im = p->im, .copies = st->copies };
	st->cfi = (struct cfi_out){ .arena = a };
	write_all(p, &c, &st->cfi);
	p->tramp_bytes = c.n;
	p->cfi_bytes = st->cfi.c.n;
	return 0;
}

static struct bytes add_edit(struct plan *p, struct edits *e, uint64_t vaddr,
			     const uint8_t *bytes, size_t n, const char *why)
{
	struct bytes after = { arena_dup(p->im->arena, bytes, n), n };

	edits_add(p->im->arena, e, p->im, vaddr, 0, after, why);
	return after;
}

static void add_site_edits(struct plan *p, struct edits *e, struct site *s,
			   const struct tramp_site *t, uint64_t tramp, bool *far)
{
	uint8_t b[8];
	size_t n;

	if (s->window_bytes) {
		n = window_bytes_at(s, t, tramp, b, far);
		s->after = add_edit(p, e, s->patch_vaddr, b, n, s->symbol ? s->symbol : "unnamed function");
	}
	if (s->tactic == TACTIC_SHORT) {
		n = window_padding_bytes(t, tramp, b, far);
		add_edit(p, e, t->short_vaddr, b, n, "jump in padding");
	}
	for (size_t i = 0; i < t->n_call; i++) {
		struct bytes after = { 0 };

		n = window_call_bytes(p->im, plan_targets(p), t->call[i], s->import->got_vaddr, tramp,
				      b, far);
		if (n)
			after = add_edit(p, e, t->call[i], b, n, "call through the GOT");
		if (!s->after.n) {	/* no stub: the first call stands for all */
			s->after = after;
			s->before = (struct bytes){ image_at(p->im, t->call[i], n), n };
		}
	}
	for (size_t i = 0; i < s->n_at; i++)
		lnk_set_site(p->lnk, s->at[i].attach, s->vaddr);
}

int plan_emit(struct plan *p, struct edits *e, struct diags *dg)
{
	struct plan_state *st = p->state;
	struct code c = { lnk_tramp_bytes(p->lnk), 0, p->tramp_bytes, lnk_tramp_vaddr(p->lnk), false };
	struct tramp_common *g = &st->common;

	*g = (struct tramp_common){ .lnk = p->lnk, .im = p->im, .placed = true, .copies = st->copies };
	if (!lnk_symbol(p->lnk, "bpftime_rt1_cold", &g->rt_cold) ||
	    !lnk_symbol(p->lnk, "bpftime_rt1_state", &g->rt_state) ||
	    (st->slots && (!lnk_symbol(p->lnk, "bpftime_rt1_slot", &g->rt_slot) ||
			     !lnk_symbol(p->lnk, "bpftime_rt1_slots", &g->slots))) ||
	    (st->stacks && (!lnk_symbol(p->lnk, "bpftime_rt1_stacks", &g->rt_stacks) ||
			    !lnk_symbol(p->lnk, "bpftime_rt1_control", &g->rt_misses))))
		return diag(dg, DIAG_I001, at_file(p->im->path), "the runtime lacks what trampolines call");
	g->rt_misses += offsetof(struct rt_control, misses);
	st->cfi = (struct cfi_out){ .arena = p->im->arena,
		.c = { lnk_cfi_bytes(p->lnk), 0, p->cfi_bytes, lnk_cfi_vaddr(p->lnk), false } };
	write_all(p, &c, &st->cfi);
	for (size_t i = 0; i < p->n_site; i++)
		if (!p->site[i].refused)
			add_site_edits(p, e, &p->site[i], &st->ts[i], c.vaddr + p->site[i].tramp_off, &c.far);
	usdt_raise(p, e);
	if (c.n != p->tramp_bytes || st->cfi.c.n != p->cfi_bytes)
		return diag(dg, DIAG_I001, at_file(p->im->path), "trampolines changed their size");
	if (c.far || st->cfi.c.far)
		return diag(dg, DIAG_P202, at_file(p->im->path), "more than 2 GiB");
	return 0;
}

size_t plan_max_edits(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_site; i++)	/* the site, padding, a semaphore */
		n += p->site[i].refused ? 0 : 3 + p->state->ts[i].n_call;
	return n;
}

uint64_t plan_moved(const struct plan *p, uint64_t vaddr)
{
	for (size_t i = 0; i < p->n_site; i++) {
		const struct tramp_site *t = &p->state->ts[i];

		for (size_t k = 0; k < t->n_insn && !p->site[i].refused; k++)
			if (t->insn[k].vaddr == vaddr && p->site[i].kind != SITE_IMPORT)
				return t->moved[k];
	}
	return 0;
}

void plan_returns(const struct plan *p, bool *calls, bool *slots)
{
	*calls = false;
	*slots = p->state->slots;
	for (size_t i = 0; i < p->n_site; i++)
		*calls |= !p->site[i].refused && p->site[i].has_ret && p->state->ts[i].calls;
}

uint64_t plan_stubs(const struct plan *p)
{
	return p->state->slots ? p->state->common.stubs : 0;
}

const struct cfi_entry *plan_cfi(const struct plan *p, size_t *n)
{
	*n = p->state->cfi.n_entry;
	return p->state->cfi.entry;
}
