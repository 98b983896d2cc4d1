/* SPDX-License-Identifier: MIT
 *
 * program_x86_64.c - programs in a trampoline, one after the other.
 *
 *     push ...        every register that one of them changes, once; room for their locals
 *     arguments       from registers, or, where one has changed, from where it was pushed
 *     program         its body in line, or a call
 *     arguments ...
 *     pop ...
 *
 * A body (struct code_body) is copied instruction by instruction: what it does seldom goes behind the
 * trampoline's own way, its branches grow to 32 bits, and its exits lead to what follows. */
#include "tramp_x86_64.h"

static const uint8_t arg_reg[] = { RDI, RSI, RDX, RCX, R8, R9 };
enum {
	BIT_RAX = 1 << RAX, BIT_RDX = 1 << RDX, BIT_RDI = 1 << RDI, BIT_R11 = 1 << R11,
	CALLEE_SAVED = 1 << RBX | 1 << RBP | 1 << R12 | 1 << R13 | 1 << R14 | 1 << R15,
};

/* The program's code in a copy; its unlikely parts are written when the trampoline's own are. */
struct copy {
	const struct code_body *body;
	uint32_t hook;
	size_t *at;		/* of each step, once written */
	size_t *branch;		/* the rel32 field of each that branches */
	size_t end;		/* what exits lead to */
};

static const struct lnk_hook *hook_of(const struct tramp *t, const struct site_attach *at)
{
	return lnk_hook(t->g->lnk, at->hook);
}

static bool takes_frame(const struct lnk_hook *h)
{
	return h->row->form == ENTRY_FRAME && !is_syscall_hook(h);
}

/* Can unwinders find what a body saves?  CFAs that go by another register than rsp may not survive it. */
static bool unwinds(const struct tramp *t, const struct code_body *b)
{
	return !t->has_row || !(b->saves & CALLEE_SAVED) ||
	       (t->base.cfa.kind == CFI_REGISTER && t->base.cfa.reg == CFI_RSP);
}

/* The body to copy, or NULL: the program is called. */
static const struct code_body *in_line(const struct tramp *t, const struct site_attach *at)
{
	const struct lnk_hook *h = hook_of(t, at);
	const struct code_body *b = h->body;

	if (!b || is_syscall_hook(h))
		return NULL;
	if (b->simple)
		return b;
	return t->room == STACK_ROOMY && !t->seldom && t->g->copies && t->g->copies[at->hook] && unwinds(t, b) &&
	       (h->row->form != ENTRY_FRAME || !b->room_bytes) ? b : NULL;
}

/* ---- bodies ---- */

static void put_steps(struct tramp *t, struct copy *k, uint32_t from, uint32_t to)
{
	uint8_t code[16] = { 0 };

	for (uint32_t i = from; i < to; i++) {
		const struct code_step *s = &k->body->step[i];

		k->at[i] = t->c->n;
		if (s->kind == CODE_PLAIN) {
			if (t->g->placed && !lnk_put_step(t->g->lnk, k->hook, s, code_vaddr(t->c), code))
				t->c->far = true;
			put(t->c, code, s->len);
		} else if (s->kind == CODE_BRANCH) {
			if (s->cc == CODE_ALWAYS)
				PUT(t->c, 0xe9);
			else
				PUT(t->c, 0x0f, (uint8_t)(0x80 | s->cc));
			k->branch[i] = t->c->n;
			put32(t->c, 0);
		} else if (s->kind == CODE_EXIT) {
			put_jmp(t->c, t->c->vaddr + k->end);
		}
	}
}

static void link_branches(struct tramp *t, const struct copy *k)
{
	const struct code_body *b = k->body;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->step[i].kind == CODE_BRANCH)
			fix_rel32(t->c, k->branch[i], k->at[b->step[i].to]);
}

static void put_unlikely(struct tramp *t, void *arg)
{
	struct copy *k = arg;

	put_steps(t, k, k->body->n_likely + 1, k->body->n);
	link_branches(t, k);
}

static void put_body(struct tramp *t, const struct code_body *b, uint32_t hook)
{
	struct arena *a = t->g->im->arena;
	struct copy *k = arena_alloc(a, sizeof(*k));

	*k = (struct copy){ .body = b, .hook = hook, .at = arena_array(a, b->n, sizeof(*k->at)),
			    .branch = arena_array(a, b->n, sizeof(*k->branch)) };
	put_steps(t, k, 0, b->n_likely);
	k->end = k->at[b->n_likely] = t->c->n;
	if (b->n > b->n_likely + 1)
		put_later(t, put_unlikely, k);
	else
		link_branches(t, k);
	t->intact &= (uint16_t)~b->writes;
}

static void put_program(struct tramp *t, const struct site_attach *at)
{
	const struct code_body *b = in_line(t, at);

	if (b) {
		put_body(t, b, at->hook);
		return;
	}
	put_call(t->c, t->g->placed ? lnk_entry_vaddr(t->g->lnk, at->hook) : t->c->vaddr);
	t->intact &= (uint16_t)~(hook_of(t, at)->keeps_all ? 0 : BIT_R11);
}

/* ---- arguments ---- */

/* Those that are where the entry expects them, unless a program before it changed one. */
static void load_natural(struct tramp *t, uint32_t mask)
{
	for (unsigned i = 0; i < CTX_FIELDS; i++) {
		enum reg r = mask >> i & 1 ? tramp_field_reg(i) : NO_REG;

		if (r == NO_REG || !t->saved[r] || t->intact >> r & 1)
			continue;
		load_field(t, r, i, 0);
		t->intact |= (uint16_t)(1u << r);
	}
}

/* Fields in ascending order become the parameters.  An argument register that has to change has been pushed, so
 * every source is either still in place or on the stack. */
static void load_packed(struct tramp *t, uint32_t mask, uint64_t cookie)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CTX_FIELDS; i++) {
		if (!(mask >> i & 1))
			continue;
		if (tramp_field_reg(i) != arg_reg[n] || t->saved[arg_reg[n]]) {
			load_field(t, arg_reg[n], i, cookie);
			t->intact &= (uint16_t)~(1u << arg_reg[n]);
			if (tramp_field_reg(i) == arg_reg[n])
				t->intact |= (uint16_t)(1u << arg_reg[n]);
		}
		n++;
	}
}

/* ---- what is saved ---- */

/* Does a program read r11 that runs behind this one?  Who may decide comes last (site_x86_64.c). */
static bool r11_read_behind(const struct tramp *t, const struct site_attach *at)
{
	bool last = lnk_decides(t->g->lnk, at->hook);

	for (const struct site_attach *o = t->s->at; o < t->s->at + t->s->n_at; o++)
		if (o->ret == at->ret && (lnk_decides(t->g->lnk, o->hook) == last ? o > at : !last) &&
		    tramp_hook_reads(hook_of(t, o)->row, CTX_R11))
			return true;
	return false;
}

/* What putting a program there changes, as far as it does not see to that itself. */
static uint16_t changes(const struct tramp *t, const struct site_attach *at)
{
	const struct lnk_hook *h = hook_of(t, at);
	const struct code_body *b = in_line(t, at);
	uint16_t m = b ? b->saves | (b->writes & BIT_R11) : h->keeps_all ? 0 : BIT_R11;
	unsigned n = 0;

	if (h->row->form == ENTRY_PACKED && !is_syscall_hook(h))
		for (unsigned i = 0; i < CTX_FIELDS; i++)
			if (h->row->ctx_mask >> i & 1 && tramp_field_reg(i) != arg_reg[n++])
				m |= (uint16_t)(1u << arg_reg[n - 1]);
	if (h->row->bits & OBJFMT_HOOK_OUTCOME)
		m |= BIT_RAX | BIT_RDX;
	return t->r11_dead && !r11_read_behind(t, at) ? m & (uint16_t)~BIT_R11 : m;
}

static void push_all(struct tramp *t, uint16_t set)
{
	for (unsigned r = RAX; r <= R15; r++)
		if (set >> r & 1) {
			push_reg(t, (enum reg)r);
			t->intact |= (uint16_t)(1u << r);
		}
}

static void pop_all(struct tramp *t, uint16_t set)
{
	for (unsigned r = R15 + 1; r-- > RAX;)
		if (set >> r & 1)
			pop_reg(t, (enum reg)r);
	t->intact &= (uint16_t)~set;
}

/* ---- programs ---- */

/* From list[i] on, those in a row that want a frame share it.  Returns how many they are. */
static size_t with_frame(struct tramp *t, const struct site_attach *const *list, size_t i, size_t n, uint16_t again)
{
	uint32_t mask = 0;
	uint64_t cookie = list[i]->cookie;
	size_t end = i;

	for (; end < n && takes_frame(hook_of(t, list[end])); end++)
		mask |= hook_of(t, list[end])->row->ctx_mask;
	load_natural(t, 1u << CTX_DI);
	frame_begin(t, mask, cookie);
	for (size_t k = i; k < end; k++) {
		if (list[k]->cookie != cookie && hook_of(t, list[k])->row->ctx_mask >> CTX_COOKIE & 1)
			frame_cookie(t, cookie = list[k]->cookie);
		frame_pass(t);
		put_program(t, list[k]);
	}
	frame_end(t, again);
	t->intact |= t->saved[RDI] ? BIT_RDI : 0;
	return end - i;
}

static size_t put_next(struct tramp *t, const struct site_attach *const *list, size_t i, size_t n, uint16_t again)
{
	const struct objfmt_hook *h = hook_of(t, list[i])->row;

	if (is_syscall_hook(hook_of(t, list[i]))) {
		call_syscall_program(t, list[i]);
		return 1;
	}
	if (h->form == ENTRY_FRAME)
		return with_frame(t, list, i, n, again);
	if (h->form == ENTRY_PACKED)
		load_packed(t, h->ctx_mask, list[i]->cookie);
	else
		load_natural(t, h->ctx_mask);
	put_program(t, list[i]);
	return 1;
}

/* Of the registers that the one program changes: those that its frame holds need no other place. */
static uint16_t in_frame(const struct tramp *t, const struct site_attach *at, uint16_t set)
{
	const struct lnk_hook *h = hook_of(t, at);
	uint16_t m = 0;

	for (unsigned i = 0; i < CTX_FIELDS && takes_frame(h); i++)
		if (h->row->ctx_mask >> i & 1 && tramp_field_reg(i) != NO_REG)
			m |= (uint16_t)(1u << tramp_field_reg(i));
	return m & set & (uint16_t)~CALLEE_SAVED;	/* which unwinders look for */
}

void put_programs(struct tramp *t, const struct site_attach *const *list, size_t n, size_t *decided_at)
{
	uint16_t set = 0, again = 0, result;
	uint32_t room = 0;

	for (size_t i = 0; i < n; i++) {
		const struct code_body *b = in_line(t, list[i]);

		set |= changes(t, list[i]);
		room = b && b->room_bytes > room ? b->room_bytes : room;
	}
	for (unsigned r = RAX; r <= R15; r++)
		if (t->saved[r])
			set &= (uint16_t)~(1u << r);
	/* Who may decide leaves its result in rax and rdx: they are restored last (decided()). */
	result = decided_at ? BIT_RAX | BIT_RDX : 0;
	if (n == 1)
		again = in_frame(t, list[0], set & (uint16_t)~result);
	set &= (uint16_t)~again;
	push_all(t, result);
	push_all(t, set & (uint16_t)~result);
	if (room)
		room_sp(t, -(int32_t)room);
	for (size_t i = 0; i < n;)
		i += put_next(t, list, i, n, again);
	if (room)
		room_sp(t, (int32_t)room);
	pop_all(t, set & (uint16_t)~result);
	if (decided_at) {
		PUT(t->c, 0x85, 0xd2, 0x0f, 0x80 | CC_NE);	/* test %edx, %edx; jne */
		*decided_at = t->c->n;
		put32(t->c, 0);
	}
	pop_all(t, result);
}

/* ---- several, and one compare for the words of two ---- */

struct apart {
	const struct together *these;
	size_t *branch, n_branch;	/* that come here */
	size_t join;
};

/* Not all are enabled, or nothing is initialised: each behind its own word. */
static void put_apart(struct tramp *t, void *arg)
{
	const struct apart *a = arg;
	const struct together *w = a->these;
	struct tramp at_tests;
	size_t ask = 0, again;

	for (size_t i = 0; i < a->n_branch; i++)
		fix_rel32(t->c, a->branch[i], t->c->n);
	t->seldom = true;
	at_tests = *t;
	if (w->ask) {
		cmp_done(t);
		ask = put_branch(t, CC_NE);
	}
	again = t->c->n;
	for (size_t i = 0; i < w->n; i++) {
		size_t skip;

		cmp_word(t, w->list[i]->attach);
		skip = put_branch(t, CC_E);
		put_programs(t, &w->list[i], 1, NULL);
		fix_rel32(t->c, skip, t->c->n);
	}
	if (w->go_on)
		w->go_on(t, w->arg);
	else
		put_jmp(t->c, t->c->vaddr + a->join);
	if (!w->ask)
		return;
	*t = at_tests;		/* whatever the answer is: the words say who runs */
	tramp_rows(t);
	fix_rel32(t->c, ask, t->c->n);
	put_ask(t, w->list[0]->attach);
	put_jmp(t->c, t->c->vaddr + again);
}

void put_together(struct tramp *t, const struct together *w)
{
	struct arena *arena = t->g->im->arena;
	struct apart *a = arena_alloc(arena, sizeof(*a));

	*a = (struct apart){ .these = w, .branch = arena_array(arena, w->n_words, sizeof(*a->branch)) };
	a->n_branch = branch_unless_all(t, w->list, w->n_words, a->branch);
	put_later(t, put_apart, a);
	put_programs(t, w->list, w->n, NULL);
	a->join = t->c->n;
}

void call_program(struct tramp *t, const struct site_attach *at, size_t *decided_at)
{
	bool go = go_stack_wanted(t, at), flags = go && tramp_hook_reads(hook_of(t, at)->row, CTX_FLAGS);
	size_t miss = go ? go_stack_enter(t) : 0;

	if (flags)
		push_flags(t);
	put_programs(t, &at, 1, decided_at);
	if (flags)
		move_sp(t, 8);
	if (go)
		go_stack_leave(t, miss);
}
