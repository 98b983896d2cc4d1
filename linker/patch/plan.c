/* SPDX-License-Identifier: MIT
 *
 * plan.c - has every site decided, learns how big the trampolines are, and writes them once the
 * payload has its place. */
#include "plan_priv.h"

#include <stddef.h>
#include <string.h>

#include "progress.h"
#include "rt.h"
#include "window.h"

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
		const struct site *s = &p->site[i];
		bool drop = false;

		for (size_t k = 0; s->refused && !s->part && s->import && k < p->n_site && !drop; k++)
			drop = !p->site[k].refused && same_import(s, &p->site[k]);
		if (drop)
			continue;
		p->site[kept] = *s;
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
		plan_decide(p, i, o);
	}
	drop_address_only(p);
	plan_refuse_overlaps(p);
	plan_borrow_room(p, o);
	plan_refuse_conflicts(p);
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
