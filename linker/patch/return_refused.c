/* SPDX-License-Identifier: MIT
 *
 * return_refused.c - functions whose return address is more than that, and places from where
 * nobody can return in a function's stead. */
#include "window.h"

#include <string.h>

/* By name; a trailing '*' stands for any rest. */
static const struct special {
	const char *name, *why;
	bool uncalled;	/* its caller does not expect it to return like a function */
} special[] = {
#define TWICE "it returns more than once to one call", false
#define UNWIND "it walks or leaves frames by their return addresses", false
#define STACK "it is entered or left by switching stacks", false
#define UNCALLED "it is not entered by a call, or its caller counts on every register", true
	{ "setjmp", TWICE }, { "_setjmp", TWICE }, { "__setjmp", TWICE }, { "sigsetjmp", TWICE },
	{ "__sigsetjmp", TWICE }, { "savectx", TWICE }, { "vfork", TWICE }, { "__vfork", TWICE },
	{ "__libc_vfork", TWICE }, { "getcontext", TWICE }, { "__getcontext", TWICE },
	{ "swapcontext", TWICE }, { "__swapcontext", TWICE }, { "setcontext", STACK },
	{ "__setcontext", STACK }, { "makecontext", STACK }, { "__start_context", STACK },
	{ "clone", STACK }, { "__clone", STACK }, { "__clone2", STACK }, { "clone3", STACK },
	{ "__clone3", STACK }, { "__clone_internal", STACK },
	{ "jump_fcontext", STACK }, { "ontop_fcontext", STACK },
	{ "_Unwind_*", UNWIND }, { "__morestack*", UNCALLED }, { "__restore_rt", UNCALLED },
	{ "_dl_runtime_resolve*", UNCALLED }, { "_dl_runtime_profile*", UNCALLED },
	{ "_dl_start_user", UNCALLED }, { "_start", UNCALLED }, { "_dl_start", UNCALLED },
	{ "__fentry__", UNCALLED }, { "mcount", UNCALLED }, { "_mcount", UNCALLED },
	{ "__mcount_internal", UNWIND },
};

static bool named(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

static const struct special *by_name(const struct site *s)
{
	if (!s->symbol)
		return NULL;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (named(special[i].name, s->symbol))
			return &special[i];
	return NULL;
}

/* setjmp has many local aliases: every name at the address counts. */
static const struct special *by_alias(const struct image *im, const struct site *s)
{
	struct site alias = *s;

	for (size_t lo = 0, hi = im->n_sym; lo < hi && s->kind != SITE_IMPORT;) {
		size_t mid = (lo + hi) / 2;

		if (im->sym[mid].vaddr < s->vaddr)
			lo = mid + 1;
		else
			hi = mid;
		for (; lo >= hi && lo < im->n_sym && im->sym[lo].vaddr == s->vaddr; lo++) {
			const struct special *found;

			alias.symbol = im->sym[lo].name;
			found = by_name(&alias);
			if (found)
				return found;
		}
	}
	return by_name(s);
}

enum { TAIL_CALLS = 4 };	/* that are followed */

struct look {
	const struct image *im;
	uint64_t fn_vaddr, fn_end;
	bool     touches;
	uint64_t tail[32];	/* where it jumps to with its return address on top */
	unsigned n_tail;
};

static void see_tail(struct look *l, uint64_t target)
{
	if (target - l->fn_vaddr < l->fn_end - l->fn_vaddr)
		return;
	if (l->n_tail < sizeof(l->tail) / sizeof(l->tail[0]))
		l->tail[l->n_tail++] = target;
	else
		l->touches = true;	/* too many to look at */
}

/* Does an instruction of [from, to) read or write the word where the row has the return
 * address? */
static void look_at(void *arg, uint64_t from, uint64_t to, const struct cfi_row *row)
{
	struct look *l = arg;
	uint8_t base = row->cfa.reg == CFI_RBP ? 5 : 4;	/* DWARF and machine numbers differ */
	bool on_top = row->cfa.reg == CFI_RSP && row->cfa.off == 8;
	struct insn in;

	if (row->cfa.kind != CFI_REGISTER || (row->cfa.reg != CFI_RSP && row->cfa.reg != CFI_RBP) ||
	    row->reg[CFI_RA].kind != CFI_OFFSET || row->reg[CFI_RA].off != -8)
		return;
	for (uint64_t at = from; at < to; at += in.len) {
		const uint8_t *p = image_at(l->im, at, to - at);

		if (!p || !insn_decode(p, to - at, at, &in))
			return;
		if (in.has_base && in.base == base && in.disp == row->cfa.off - 8 && !in.is_lea &&
		    in.kind != INSN_NOP)
			l->touches = true;
		if (in.is_pop && on_top)
			l->touches = true;
		if ((in.kind == INSN_JMP || in.kind == INSN_JCC) && on_top)
			see_tail(l, in.target);
	}
}

static const char *of_code(const struct image *im, uint64_t vaddr, uint64_t bytes, unsigned depth);

/* The same for a function that is reached by a tail call: it has the same return address. */
static const char *of_tail(const struct image *im, uint64_t vaddr, unsigned depth)
{
	struct site s = { .vaddr = vaddr, .kind = SITE_ENTRY };
	const struct special *found;

	for (size_t i = 0; i < im->n_import; i++)
		if (im->import[i].stub_vaddr && vaddr - im->import[i].stub_vaddr < im->import[i].stub_bytes) {
			s.symbol = im->import[i].name;
			found = by_name(&s);
			return found ? found->why : NULL;
		}
	found = by_alias(im, &s);
	return found ? found->why : of_code(im, vaddr, 0, depth);
}

/* setjmp, vfork, getcontext and dlsym of a stripped file have no name, but what they do
 * shows. */
static const char *of_code(const struct image *im, uint64_t vaddr, uint64_t bytes, unsigned depth)
{
	struct look l = { .im = im, .fn_vaddr = vaddr, .fn_end = vaddr + bytes };
	const struct image_fde *fde = image_fde_at(im, vaddr);
	struct cfi_row row = cfi_entry_row();
	const char *why = NULL;

	if (fde) {
		l.fn_vaddr = fde->vaddr;
		l.fn_end = fde->vaddr + fde->bytes;
	}
	if (!cfi_rows(im, vaddr, look_at, &l)) {
		uint64_t n = bytes && bytes < 32 ? bytes : 32;

		l.n_tail = 0;
		if (image_at(im, vaddr, n))
			look_at(&l, vaddr, vaddr + n, &row);
	}
	if (l.touches)
		return "it reads or changes its own return address";
	for (unsigned i = 0; i < l.n_tail && depth && !why; i++)
		why = of_tail(im, l.tail[i], depth - 1);
	return why;
}

/* Is it an entry, with the return address on top and nothing of its caller's in the flags? */
static const char *not_called(const struct image *im, const struct site *s, const struct tramp_site *t)
{
	if (s->kind == SITE_OFFSET)
		return "not a function's entry: the return address is not on top of the stack";
	if (s->kind == SITE_ENTRY && s->vaddr == im->eh.e_entry)
		return "the program's entry point has no caller";
	if (image_go_fn_at(im, s->vaddr))
		return "in Go returns are hooked at return instructions: it moves its stacks";
	if (s->kind == SITE_IMPORT)
		return NULL;
	if (t->has_row && !cfi_row_is_entry(&t->row))
		return "its unwind information puts the return address elsewhere: part of another function";
	if (t->red_zone)
		return "nobody is seen to call it: it may be part of another function";
	return t->flags != FLAGS_DEAD ? "it takes an argument in the flags" : NULL;
}

const char *return_refused(const struct image *im, const struct site *s,
			   const struct tramp_site *t)
{
	const struct special *found = by_alias(im, s);
	const char *why = found ? found->why : not_called(im, s, t);

	if (why)
		return why;
	if (image_section(im, ".gopclntab") || image_section(im, ".go.buildinfo"))
		return "Go moves its stacks";
	return s->kind == SITE_IMPORT ? NULL : of_code(im, s->vaddr, s->fn_bytes, TAIL_CALLS);
}

const char *decide_refused(const struct image *im, const struct site *s,
			   const struct tramp_site *t)
{
	const struct special *found = by_alias(im, s);

	if (s->kind == SITE_SYSCALL)
		return NULL;
	if (s->kind != SITE_ENTRY && s->kind != SITE_IMPORT)
		return "only at a function's entry can a program decide that it does not run";
	if (t->go)
		return "a Go function: programs run on another stack there and cannot return for it";
	if (t->go)
		return "a Go function: one value is not its result";
	return found && found->uncalled ? found->why : not_called(im, s, t);
}
