/* SPDX-License-Identifier: MIT
 *
 * unwind.c - see unwind.h. */
#include "unwind.h"

#include "hooks.h"
#include "modules.h"
#include "read.h"

enum {
	VIEW_WORDS = 32, TRIES = 8,
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

/* Where a handler returns to, in a libc that has no unwind data there: mov $15, %rax; syscall. */
static bool is_restorer(uint64_t ip)
{
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	uint8_t b[sizeof(code)];
	bool same = rt_read_all(b, ip, sizeof(b));

	for (unsigned i = 0; i < sizeof(b); i++)
		same = same && b[i] == code[i];
	return same;
}

struct walk {
	struct rt_place p;
	struct view v;
	uint32_t sure;		/* serial of the module that was looked at last */
};

static bool by_module(struct walk *w, struct unwind_rule *r)
{
	uint64_t pc = w->p.exact ? w->p.ip : w->p.ip - 1;
	struct rt_module m;

	if (!rt_module_at(pc, w->sure, &m))
		return false;
	w->sure = m.serial;
	return rt_unwind_cfi(&m, pc, r);
}

/* To the caller's frame; false: there is none that could be found. */
static bool step(struct walk *w)
{
	struct rt_place *p = &w->p;
	struct unwind_rule r = { .cfa = UNWIND_RSP };
	bool known = true, entry = p->first && p->exact;

	if (!p->exact && rt_unwind_in_trampoline(p->ip)) {
		r.off = CALL_THROUGH;
	} else if (!rt_unwind_table(p, &r)) {
		r = (struct unwind_rule){ .cfa = UNWIND_RSP, .off = 8 };
		known = entry || by_module(w, &r);
		if (!known && !p->first && is_restorer(p->ip)) {
			r.cfa = UNWIND_SIGNAL;
			known = true;
		}
	}
	p->first = p->exact = false;
	if (!(known ? by_rule(&w->v, p, &r) : by_frame_pointer(&w->v, p)))
		return false;
	p->ip = rt_unwind_unhooked(p->ip, p->sp - sizeof(p->ip));
	return p->ip != 0;
}

/* The table stands for the target in the walk, so it is looked up once for who reads the stack. */
static void note_target(uint64_t ip)
{
	static uint32_t done;
	struct rt_module m;

	if (rt_load(&done) < TRIES)
		rt_store(&done, rt_module_at(ip, 0, &m) ? TRIES : rt_load(&done) + 1);
}

uint32_t rt_stack_walk(const void *ctx, uint64_t *ip, uint32_t max)
{
	struct bpftime_frame_x86_64 f;
	struct walk w = { .sure = 0 };
	uint32_t n = 0;

	if (!max || !rt_read_all(&f, (uint64_t)ctx, sizeof(f)))
		return 0;
	if (!f.cs)	/* no frame, but a tracepoint's context */
		f.bp = ((const uint64_t *)&f)[CTX_SYS_BP];
	note_target(f.ip);
	w.p = (struct rt_place){ .ip = f.ip, .sp = f.sp, .bp = f.bp, .exact = f.ip == f.func_ip, .first = true };
	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		if (!rt_unwind_in_trampoline(w.p.ip))
			ip[n++] = w.p.ip;
		if (n == max || !step(&w))
			break;
	}
	return n;
}
