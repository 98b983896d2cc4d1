/* SPDX-License-Identifier: MIT
 *
 * site_x86_64.c - from a patched site through its programs and back.
 *
 *     [displaced instructions before the hooked one]
 *     [room below the red zone, flags]            where they are in use
 *     cmpl $0, word; je cold; call program; ...   each entry program
 *     [call what follows; return programs, ret]   with return programs, or
 *     [arm a return slot, jump to its stub]
 *     displaced instructions, jump back
 *     cold: push $index; call cold_common; jne run; jmp skip
 *     [decided: return programs, ret]             a program kept the function from running
 *     [resume: return programs, ret]              of a slot
 *
 * Every general register arrives at the displaced instructions as it was.  Unwind rows
 * follow each push and pop. */
#include "tramp_x86_64.h"

enum { RED_ZONE = 128 };

/* In: index of the attach point on the stack, which is popped.  Out: ZF set: skip. */
static void cold_common(struct tramp *t)
{
	static const enum reg save[] = { RAX, RDI, R11 };

	t->base = cfi_entry_row();
	t->cfi = true;
	cfi_begin(t->f, code_vaddr(t->c));
	for (unsigned i = 0; i < 3; i++)
		push_reg(t, save[i]);
	op_rsp(t, OP_LOAD, RDI, 32);
	put_call(t->c, t->g->placed ? t->g->rt_cold : t->c->vaddr);
	PUT(t->c, 0x85, 0xc0);		/* test %eax, %eax */
	for (unsigned i = 3; i-- > 0;)
		pop_reg(t, save[i]);
	PUT(t->c, 0xc2, 8, 0);		/* ret $8 */
	cfi_end(t->f, code_vaddr(t->c));
}

void tramp_common_code(struct tramp_common *g, bool slots, bool flags, struct code *c,
		       struct cfi_out *f)
{
	struct tramp t = { .g = g, .c = c, .f = f };

	cfi_cie(f);
	g->has_slots = slots;
	if (slots)
		return_stubs(g, flags, c, f);
	g->cold = code_vaddr(c);
	cold_common(&t);
}

/* Instructions [from, to) of the displaced ones, each under the unwind row of its original. */
static void move_insns(struct tramp *t, const struct tramp_site *ts, size_t from, size_t to)
{
	const struct insn *in = ts->insn + from;
	uint64_t base = t->c->vaddr;
	size_t off[WINDOW_MAX + 1];
	struct cfi_row row;

	insns_move(in, to - from, t->c, off);
	for (size_t i = from; i < to; i++)
		ts->moved[i] = base + off[i - from];
	for (size_t i = 0; t->cfi && i < to - from; i++) {
		if (t->s->kind == SITE_IMPORT)
			row = ts->row;
		else if (!cfi_row_at(t->g->im, in[i].vaddr, &row))
			continue;
		cfi_set(t->f, base + off[i], &row);
		if (in[i].kind == INSN_CALL || in[i].kind == INSN_CALL_IND) {
			struct cfi_row one = cfi_pushed(row, 8), two = cfi_pushed(row, 16);

			cfi_set(t->f, base + off[i] + CALL_AT_ROOM, &one);
			cfi_set(t->f, base + off[i] + CALL_AT_PUSH, &two);
			cfi_set(t->f, base + off[i] + CALL_AT_POP, &one);
		}
	}
}

/* The hooked instruction and what else is displaced behind it. */
static void displaced(struct tramp *t, const struct tramp_site *ts)
{
	const struct insn *last = &ts->insn[ts->n_insn - 1];
	struct cfi_row row;

	move_insns(t, ts, ts->n_before + (t->s->kind == SITE_SYSCALL), ts->n_insn);
	if (insn_ends(last) || last->kind == INSN_CALL || last->kind == INSN_CALL_IND)
		return;
	if (t->cfi && t->s->kind != SITE_IMPORT && cfi_row_at(t->g->im, ts->back_vaddr, &row))
		cfi_set(t->f, code_vaddr(t->c), &row);
	put_jmp(t->c, ts->back_vaddr);
}

static void run_program(struct tramp *t, const struct site_attach *at, struct cold *k)
{
	size_t other = skip_other_number(t, at);

	cmp_word(t, at->attach);
	k->je_at = put_branch(t, CC_E);
	call_program(t, at, lnk_decides(t->g->lnk, at->hook) ? &k->decided_at : NULL);
	if (other)
		fix_rel32(t->c, other, t->c->n);
	k->skip_off = t->c->n;
	k->attach = at->attach;
}

/* Programs that run here, in order: those that may decide, or the others. */
static size_t select_programs(const struct tramp *t, bool decide, const struct site_attach **list)
{
	size_t n = 0;

	for (size_t i = 0; i < t->s->n_at; i++) {
		const struct site_attach *at = &t->s->at[i];

		if (at->ret == (t->s->kind == SITE_RETURN) && at->sys_exit == t->at_exit &&
		    lnk_decides(t->g->lnk, at->hook) == decide)
			list[n++] = at;
	}
	return n;
}

/* The programs before the hooked instruction, or behind it at the exit of a system call.  Who may
 * keep the function from running comes last: the others see every call. */
bool run_programs(struct tramp *t, struct cold *cold, size_t *n_cold, const struct together *after)
{
	struct arena *a = t->g->im->arena;
	struct together *w = arena_alloc(a, sizeof(*w));
	size_t n_decide, n_ret = after ? after->n_words : 0;
	const struct site_attach **last = arena_array(a, t->s->n_at, sizeof(*last));

	w->list = arena_array(a, t->s->n_at, sizeof(*w->list));
	w->n = select_programs(t, false, w->list);
	n_decide = select_programs(t, true, last);
	if (!w->n || n_decide)
		n_ret = 0;	/* nobody looks at those words before it is known whether the function runs */
	w->n_words = w->n + n_ret;
	if (t->room != STACK_ROOMY || t->s->kind == SITE_SYSCALL || w->n_words < 2) {
		for (size_t i = 0; i < w->n; i++)
			run_program(t, w->list[i], &cold[(*n_cold)++]);
		n_ret = 0;
	} else {
		w->ask = true;
		if (n_ret) {
			memcpy(w->list + w->n, after->list, n_ret * sizeof(*w->list));
			w->go_on = after->go_on;
			w->arg = after->arg;
		}
		put_together(t, w);
	}
	for (size_t i = 0; i < n_decide; i++)
		run_program(t, last[i], &cold[(*n_cold)++]);
	return n_ret;
}

/* The system call is not made: rcx, which it would have changed, carries the value. */
static void syscall_not_made(struct tramp *t, bool red_zone, const struct tramp *made, size_t made_off)
{
	PUT(t->c, 0x48, 0x89, 0xc1);	/* mov %rax, %rcx */
	pop_reg(t, RAX);
	restore_flags(t);
	if (red_zone)
		move_sp(t, RED_ZONE);
	syscall_decided(t, made, made_off);
}

/* The function does not run: what the program left in rax is returned, with every other register
 * as at the entry.  All who come here left the same on the stack. */
static void decided(struct tramp *t, const struct tramp_site *ts, const struct cold *cold, size_t n,
		    const struct tramp *made, size_t made_off)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		if (cold[i].decided_at) {
			fix_rel32(t->c, cold[i].decided_at, t->c->n);
			any = true;
		}
	if (!any)
		return;
	t->depth += 16;
	tramp_rows(t);
	pop_reg(t, RDX);
	if (t->s->kind == SITE_SYSCALL) {
		syscall_not_made(t, ts->red_zone, made, made_off);
		return;
	}
	move_sp(t, 8);
	restore_flags(t);
	if (t->s->has_ret) {
		push_reg(t, R11);
		return_programs(t);
		pop_reg(t, R11);
	}
	PUT(t->c, 0xc3);
}

static void cold_paths(struct tramp *t, const struct cold *cold, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fix_rel32(t->c, cold[i].je_at, t->c->n);
		ask_cold(t, cold[i].attach, t->c->vaddr + cold[i].je_at + 4);
		put_jmp(t->c, t->c->vaddr + cold[i].skip_off);
	}
}

struct entry_end {	/* behind entry programs that ran one by one */
	const struct tramp_site *ts;
	const struct arming *arm;
	const struct together *ret;
};

static void arm_if_enabled(struct tramp *t, void *arg)
{
	const struct entry_end *e = arg;
	size_t *branch = arena_array(t->g->im->arena, e->ret->n_words, sizeof(*branch)), n;

	restore_flags(t);
	if (e->ts->red_zone)
		move_sp(t, RED_ZONE);
	n = branch_if_any(t, e->ret->list, e->ret->n_words, branch);
	for (size_t i = 0; i < n; i++)
		fix_rel32(t->c, branch[i], e->arm->arm_vaddr - t->c->vaddr);
	put_jmp(t->c, e->arm->body_vaddr);
}

/* Everything but the resume part, which is at resume_vaddr. */
static void hook_part(struct tramp *t, const struct tramp_site *ts, uint64_t resume_vaddr)
{
	struct cold *cold = arena_array(t->g->im->arena, t->s->n_at, sizeof(*cold));
	bool syscall = t->s->kind == SITE_SYSCALL;
	struct arming arm = { .tested = false };
	struct together ret = { .list = arena_array(t->g->im->arena, t->s->n_at, sizeof(*ret.list)),
				.go_on = arm_if_enabled };
	struct entry_end end = { ts, &arm, &ret };
	struct tramp at_tests, at_exit_tests, made = *t;
	size_t n_cold = 0, n_entry, made_off = 0;

	if (t->cfi)
		cfi_begin(t->f, code_vaddr(t->c));
	move_insns(t, ts, 0, ts->n_before);
	tramp_rows(t);
	if (ts->red_zone)
		move_sp(t, -RED_ZONE);
	save_flags(t);
	at_tests = *t;
	ret.arg = &end;
	ret.n_words = t->s->has_ret ? return_list(t, ret.list) : 0;
	arm.tested = run_programs(t, cold, &n_cold, &ret);
	n_entry = n_cold;
	if (syscall && t->s->syscall_nr < 0 && has_exit_programs(t->s))
		mark_leaving(t);
	restore_flags(t);
	if (ts->red_zone)
		move_sp(t, RED_ZONE);
	if (ts->calls)
		return_call(t, &arm);
	else if (t->s->has_ret)
		return_arm(t, resume_vaddr, &arm);
	if (syscall)
		syscall_part(t, cold, &n_cold, &at_exit_tests, &made, &made_off);
	displaced(t, ts);
	if (n_entry) {
		*t = at_tests;
		tramp_rows(t);
		cold_paths(t, cold, n_entry);
		*t = at_tests;
		decided(t, ts, cold, n_entry, &made, made_off);
	}
	if (n_cold > n_entry) {
		*t = at_exit_tests;
		tramp_rows(t);
		cold_paths(t, cold + n_entry, n_cold - n_entry);
	}
	if (t->s->has_ret) {
		t->depth = 0;
		t->base = ts->row;
		tramp_rows(t);
		return_cold(t, &arm, ts->calls);
	}
	if (syscall) {
		t->depth = 0;
		t->base = ts->row;
		tramp_rows(t);
		syscall_under_way(t, ts);
	}
	write_later(t);
	if (t->cfi)
		cfi_end(t->f, code_vaddr(t->c));
}

void tramp_site_code(const struct tramp_common *g, const struct site *s,
		     const struct tramp_site *ts, struct code *c, struct cfi_out *f)
{
	struct tramp_later later = { 0 };
	struct tramp fresh = { .g = g, .s = s, .c = c, .f = f, .base = ts->row, .later = &later,
			       .cfi = ts->has_row && !ts->go, .has_row = ts->has_row && !ts->go,
			       .r11_dead = ts->r11_dead && !tramp_site_reads(g->lnk, s, CTX_R11, true),
			       .flags = ts->flags, .at_return = s->kind == SITE_RETURN, .room = ts->room,
			       .spare = { ts->spare[0], ts->spare[1] } }, t = fresh;
	uint64_t resume = c->vaddr;

	if (s->has_ret && !ts->calls) {	/* once without bytes, to learn where the resume part will be */
		struct code dry = { .n = c->n, .vaddr = c->vaddr };

		t.c = &dry;
		t.cfi = false;
		hook_part(&t, ts, c->vaddr);
		resume = code_vaddr(&dry);
		t = fresh;
	}
	hook_part(&t, ts, resume);
	if (s->has_ret && !ts->calls) {
		t = fresh;
		return_resume(&t);
	}
}
