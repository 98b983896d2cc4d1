/* SPDX-License-Identifier: MIT
 *
 * return_refused.c - functions whose return address is more than that. */
#include "window.h"

#include <string.h>

/* By name; a trailing '*' stands for any rest. */
static const struct {
	const char *name, *why;
} special[] = {
#define TWICE "it returns more than once to one call"
#define UNWIND "it walks or leaves frames by their return addresses"
#define STACK "it is entered or left by switching stacks"
	{ "setjmp", TWICE }, { "_setjmp", TWICE }, { "__setjmp", TWICE }, { "sigsetjmp", TWICE },
	{ "__sigsetjmp", TWICE }, { "savectx", TWICE }, { "vfork", TWICE }, { "__vfork", TWICE },
	{ "__libc_vfork", TWICE }, { "getcontext", TWICE }, { "__getcontext", TWICE },
	{ "swapcontext", TWICE }, { "__swapcontext", TWICE }, { "setcontext", STACK },
	{ "__setcontext", STACK }, { "makecontext", STACK }, { "__start_context", STACK },
	{ "clone", STACK }, { "__clone", STACK }, { "__clone2", STACK }, { "clone3", STACK },
	{ "__clone3", STACK }, { "__clone_internal", STACK },
	{ "jump_fcontext", STACK }, { "ontop_fcontext", STACK },
	{ "_Unwind_*", UNWIND }, { "__morestack*", UNWIND }, { "__restore_rt", UNWIND },
	{ "_dl_runtime_resolve*", STACK }, { "_dl_runtime_profile*", STACK },
	{ "_dl_start_user", STACK }, { "_start", STACK }, { "_dl_start", STACK },
	{ "__fentry__", UNWIND }, { "mcount", UNWIND }, { "_mcount", UNWIND },
	{ "__mcount_internal", UNWIND },
};

/* These ask who called them, and would see the trampoline's object. */
static const char *const by_caller[] = { "dlopen", "dlmopen", "dlsym", "dlvsym", "___dlopen",
	"___dlmopen", "___dlsym", "___dlvsym", "__dlopen", "__dlsym", "__dlvsym" };

static bool named(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

static const char *by_name(const struct site *s)
{
	if (!s->symbol)
		return NULL;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (named(special[i].name, s->symbol))
			return special[i].why;
	for (size_t i = 0; i < sizeof(by_caller) / sizeof(by_caller[0]); i++)
		if (s->kind != SITE_IMPORT && !strcmp(by_caller[i], s->symbol))
			return "it asks for its caller's address";
	return NULL;
}

/* setjmp has many local aliases: every name at the address counts. */
static const char *by_alias(const struct image *im, const struct site *s)
{
	struct site alias = *s;

	for (size_t lo = 0, hi = im->n_sym; lo < hi && s->kind != SITE_IMPORT;) {
		size_t mid = (lo + hi) / 2;

		if (im->sym[mid].vaddr < s->vaddr)
			lo = mid + 1;
		else
			hi = mid;
		for (; lo >= hi && lo < im->n_sym && im->sym[lo].vaddr == s->vaddr; lo++) {
			const char *why;

			alias.symbol = im->sym[lo].name;
			why = by_name(&alias);
			if (why)
				return why;
		}
	}
	return by_name(s);
}

const char *return_refused(const struct image *im, const struct site *s,
			   const struct tramp_site *t)
{
	const char *why = by_alias(im, s);

	if (why)
		return why;
	if (s->kind == SITE_OFFSET)
		return "not a function's entry: the return address is not on top of the stack";
	if (s->kind == SITE_ENTRY && s->vaddr == im->eh.e_entry)
		return "the program's entry point has no caller";
	if (image_section(im, ".gopclntab") || image_section(im, ".go.buildinfo"))
		return "Go moves its stacks";
	if (s->kind == SITE_IMPORT)
		return NULL;
	if (t->has_row && !cfi_row_is_entry(&t->row))
		return "its unwind information puts the return address elsewhere: part of another function";
	if (t->red_zone)
		return "nobody is seen to call it: it may be part of another function";
	if (t->flags != FLAGS_DEAD)
		return "it takes an argument in the flags";
	return NULL;
}
