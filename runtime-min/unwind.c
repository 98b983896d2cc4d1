/* SPDX-License-Identifier: MIT
 *
 * unwind.c - see unwind.h. */
#include "unwind.h"

#include "hooks.h"
#include "read.h"

enum {
	VIEW_WORDS = 32,
	FRAMES_MAX = 512,	/* those of trampolines, which do not show, included */
	CALL_THROUGH = 16,	/* from where the body returns to, to where the trampoline returns from */
	UCONTEXT_BP = 120, UCONTEXT_SP = 160, UCONTEXT_IP = 168,	/* struct ucontext, in all libcs the kernel's */
};

/* The stack is read a piece at a time: each may be a system call. */
struct view {
	uint64_t at, bytes, word[VIEW_WORDS];
};

static bool read_word(struct view *v, uint64_t at, uint64_t *out)
{
	uint64_t from = at - 24;	/* a saved rbp is below the return address */

	if (at - v->at >= v->bytes || v->bytes - (at - v->at) < 8) {
		if (from > at || (from ^ at) >> 12)	/* the page below may not be there */
			from = at;
		v->at = from;
		v->bytes = rt_read_some(v->word, from, sizeof(v->word));
		if (at - from >= v->bytes || v->bytes - (at - from) < 8)
			return false;
	}
	__builtin_memcpy(out, (const char *)v->word + (at - v->at), 8);
	return true;
}

/* Kernel: perf_callchain_user(): what a frame pointer points at. */
static bool by_frame_pointer(struct view *v, struct rt_place *p)
{
	uint64_t next;

	if (!read_word(v, p->bp, &next) || !read_word(v, p->bp + 8, &p->ip))
		return false;
	p->sp = p->bp + 16;
	p->bp = next;
	return true;
}

/* What a signal interrupted. */
static bool by_context(struct view *v, struct rt_place *p)
{
	uint64_t at = p->sp;

	p->exact = true;
	return read_word(v, at + UCONTEXT_BP, &p->bp) && read_word(v, at + UCONTEXT_SP, &p->sp) &&
	       read_word(v, at + UCONTEXT_IP, &p->ip);
}

static bool by_rule(struct view *v, struct rt_place *p, const struct unwind_rule *r)
{
	uint64_t cfa = (r->cfa == UNWIND_RSP || r->cfa == UNWIND_AT_RSP ? p->sp : p->bp) + (int64_t)r->off;
	uint64_t bp = p->bp;

	if (r->cfa == UNWIND_SIGNAL)
		return by_context(v, p);
	if (r->cfa == UNWIND_STOP)
		return false;
	if (r->cfa == UNWIND_AT_RSP || r->cfa == UNWIND_AT_RBP) {
		if (!read_word(v, cfa, &cfa))
			return false;
		cfa += (int64_t)r->add;
	}
	/* Callers are further up: no way round in circles. */
	if (cfa <= p->sp || !read_word(v, cfa - 8, &p->ip))
		return false;
	if (r->bp == UNWIND_BP_AT_CFA && !read_word(v, cfa + (int64_t)r->bp_off, &bp))
		return false;
	if (r->bp == UNWIND_BP_AT_BP && !read_word(v, p->bp + (int64_t)r->bp_off, &bp))
		return false;
	p->bp = bp;
	p->sp = cfa;
	return true;
}

/* To the caller's frame; false: there is none that could be found. */
static bool step(struct view *v, struct rt_place *p)
{
	struct unwind_rule r = { .cfa = UNWIND_RSP };
	bool known = true, entry = p->first && p->exact;

	if (rt_unwind_in_trampoline(p->ip)) {
		r.off = CALL_THROUGH;
		known = !p->exact;
	} else if (!rt_unwind_table(p, &r)) {
		r.off = 8;
		known = entry;
	}
	p->first = p->exact = false;
	if (!(known ? by_rule(v, p, &r) : by_frame_pointer(v, p)))
		return false;
	p->ip = rt_unwind_unhooked(p->ip);
	return true;
}

uint32_t rt_stack_walk(const void *ctx, uint64_t *ip, uint32_t max)
{
	struct bpftime_frame_x86_64 f;
	struct rt_place p = { .first = true };
	struct view v = { .bytes = 0 };
	uint32_t n = 0;

	if (!max || rt_read_some(&f, (uint64_t)ctx, sizeof(f)) != sizeof(f))
		return 0;
	p.ip = f.ip;
	p.sp = f.sp;
	p.bp = f.bp;
	p.exact = f.ip == f.func_ip;
	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		if (!rt_unwind_in_trampoline(p.ip))
			ip[n++] = p.ip;
		if (n == max || !step(&v, &p))
			break;
	}
	return n;
}
