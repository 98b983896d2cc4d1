/* SPDX-License-Identifier: MIT
 *
 * block_order.c - a function's blocks as a compiler writes them from source.
 *
 * The order of the blocks in the IR is where code generation starts from: which block falls into which, and whether
 * the end of a loop is copied into each arm of the switch before it, depends on it.  Blocks of a BPF program lie as
 * clang's code generator for BPF left them, jumps back and forth; here they are brought into reverse postorder: what a
 * branch names first before what it names last, and blocks that return before the loops that they end. */
#include "module.h"

#include <stdlib.h>

/* A function's blocks by address, to find what is known of one. */
struct mark {
	LLVMBasicBlockRef block;
	bool              seen;
};

struct visit {
	struct mark *at;
	unsigned     next;	/* successors from here on were visited */
};

struct order {
	struct mark       *mark;
	struct visit      *stack;
	LLVMBasicBlockRef *post;	/* blocks in postorder */
	size_t             n, n_stack, n_post;
};

static int by_address(const void *x, const void *y)
{
	const struct mark *a = x, *b = y;

	return (a->block > b->block) - (a->block < b->block);
}

static void enter(struct order *o, LLVMBasicBlockRef block)
{
	struct mark key = { .block = block };
	struct mark *at = bsearch(&key, o->mark, o->n, sizeof(*o->mark), by_address);

	if (at->seen)
		return;
	at->seen = true;
	o->stack[o->n_stack++] = (struct visit){ at, 0 };
}

/* Successors are visited from the last one to the first, which the reverse of the order turns round. */
static void walk(struct order *o, LLVMBasicBlockRef entry)
{
	enter(o, entry);
	while (o->n_stack) {
		struct visit *v = &o->stack[o->n_stack - 1];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(v->at->block);
		unsigned n = LLVMGetNumSuccessors(end);

		if (v->next < n) {
			enter(o, LLVMGetSuccessor(end, n - ++v->next));
		} else {
			o->post[o->n_post++] = v->at->block;
			o->n_stack--;
		}
	}
}

/* In reverse postorder: those blocks that return, or those that do not, behind `last`.  Returns the last one now. */
static LLVMBasicBlockRef place(const struct order *o, LLVMBasicBlockRef last, bool returns)
{
	for (size_t i = o->n_post - 1; i-- > 0;) {	/* the entry is where it was */
		if (returns != !!LLVMIsAReturnInst(LLVMGetBasicBlockTerminator(o->post[i])))
			continue;
		LLVMMoveBasicBlockAfter(o->post[i], last);
		last = o->post[i];
	}
	return last;
}

static void order_function(struct arena *a, LLVMValueRef f)
{
	struct order o = { .n = LLVMCountBasicBlocks(f) };
	size_t n = 0;

	o.mark = arena_array(a, o.n, sizeof(*o.mark));
	o.stack = arena_array(a, o.n, sizeof(*o.stack));
	o.post = arena_array(a, o.n, sizeof(LLVMBasicBlockRef));
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
		o.mark[n++].block = b;
	qsort(o.mark, o.n, sizeof(*o.mark), by_address);
	walk(&o, LLVMGetEntryBasicBlock(f));
	place(&o, place(&o, LLVMGetEntryBasicBlock(f), true), false);
}

void blocks_in_order(struct module *m)
{
	for (LLVMValueRef f = LLVMGetFirstFunction(m->l.mod); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f))
			order_function(m->l.a, f);
}
