/* SPDX-License-Identifier: MIT
 *
 * switch.c - a tree of comparisons of one register with constants becomes a switch again.
 *
 * BPF has no jump by table, so clang makes a binary tree of each `switch`, whose nodes set other registers
 * to constants on the way.  The CPU has one, and LLVM knows when a table, bit tests or a tree is best.
 * Which way a number goes is found out by walking the tree, once for each range of numbers between two
 * constants: all of such a range go one way. */
#include <stdlib.h>
#include <string.h>

#include "lower.h"

enum {
	MIN_NODES = 4, MAX_NODES = 512, MIN_CASES = 4, MAX_CASES = 1024,
	MAX_RUNS = 2 * MAX_NODES + 2,
	LONG_RUN = 64,		/* more numbers than that are not cases but the default */
};

struct way {		/* through the tree */
	uint32_t to;		/* slot of the leader where it ends */
	uint32_t set;		/* bit r: register r was set */
	uint64_t value[N_REGS];	/* to this, else 0 */
	LLVMBasicBlockRef block;
};

struct run {		/* numbers that go the same way */
	uint64_t first, last;
	uint32_t way;
};

struct tree {
	struct lower_prog *p;
	const struct bpfi *root;
	uint64_t mask, sign;	/* of a number as wide as the comparisons */
	uint32_t node[MAX_NODES], n_node;	/* slots where they begin; the root's is that of its jump */
	struct run run[MAX_RUNS];
	struct way way[MAX_RUNS];
	uint32_t n_run, n_way;
};

/* Does the jump depend on which of two numbers is greater, or on whether they are equal? */
static bool is_comparison(const struct bpfi *in)
{
	if (BPFI_CLASS(in->code) != BPFI_JMP && BPFI_CLASS(in->code) != BPFI_JMP32)
		return false;
	switch (BPFI_OP(in->code)) {
#define JMP(name_, code_, text_) case (code_):
#include "isa.def"
		return BPFI_OP(in->code) != BPFI_JSET;
	default:
		return false;
	}
}

static bool compares(const struct tree *t, const struct bpfi *in)
{
	return is_comparison(in) && BPFI_CLASS(in->code) == BPFI_CLASS(t->root->code) &&
	       in->dst == t->root->dst && BPFI_SRC(in->code) == BPFI_K;
}

static bool sets(const struct tree *t, const struct bpfi *in)
{
	return (in->code == (BPFI_ALU64 | BPFI_MOV | BPFI_K) || in->code == (BPFI_ALU | BPFI_MOV | BPFI_K)) &&
	       in->dst != t->root->dst;
}

/* The jump of the node that begins at slot i. */
static uint32_t jump_of(const struct tree *t, uint32_t i)
{
	while (sets(t, &t->p->prog->insn[i]) && !t->p->leader[i + 1])
		i++;
	return i;
}

/* A block that does nothing but set other registers and compare; the root's has done its work before. */
static bool is_node(const struct tree *t, uint32_t i)
{
	const struct bpfi *in = &t->p->prog->insn[jump_of(t, i)];

	return &t->p->prog->insn[i] == t->root ||
	       (t->p->leader[i] && compares(t, in) && (!t->p->facts || t->p->facts->insn[i].reached));
}

static uint32_t next(const struct tree *t, uint32_t jump, bool taken)
{
	return taken ? (uint32_t)lower_target(&t->p->prog->insn[jump], jump) : jump + 1;
}

/* Ways that the verifier never saw taken are none. */
static bool may_go(const struct tree *t, uint32_t jump, bool taken)
{
	const struct vfy_insn *fact = t->p->facts ? &t->p->facts->insn[jump] : NULL;

	return !fact || fact->always_taken == fact->never_taken || fact->always_taken == taken;
}

/* Finds the nodes. */
static bool gather(struct tree *t, uint32_t root)
{
	t->n_node = 0;
	t->node[t->n_node++] = root;
	t->p->tree[root] = root + 1;
	for (uint32_t k = 0; k < t->n_node; k++) {
		uint32_t jump = jump_of(t, t->node[k]);

		for (int taken = 0; taken < 2; taken++) {
			uint32_t to = next(t, jump, taken);

			if (!may_go(t, jump, taken) || !is_node(t, to) || t->p->tree[jump_of(t, to)] == root + 1)
				continue;
			if (t->n_node == MAX_NODES)
				return false;
			t->p->tree[jump_of(t, to)] = root + 1;
			t->node[t->n_node++] = to;
		}
	}
	return t->n_node >= MIN_NODES;
}

static bool holds(const struct tree *t, const struct bpfi *in, uint64_t a)
{
	uint64_t b = (uint64_t)(int64_t)in->imm & t->mask;

	switch (BPFI_OP(in->code)) {
	case BPFI_JEQ:
		return a == b;
	case BPFI_JNE:
		return a != b;
	case BPFI_JGT:
		return a > b;
	case BPFI_JGE:
		return a >= b;
	case BPFI_JLT:
		return a < b;
	case BPFI_JLE:
		return a <= b;
	}
	a ^= t->sign;
	b ^= t->sign;
	switch (BPFI_OP(in->code)) {
	case BPFI_JSGT:
		return a > b;
	case BPFI_JSGE:
		return a >= b;
	case BPFI_JSLT:
		return a < b;
	default:
		return a <= b;
	}
}

/* The way of the number `a`.  Round a circle of comparisons it has not left, any node is as good an end. */
static struct way way_of(const struct tree *t, uint64_t a)
{
	struct way w = { .to = t->node[0] };

	for (uint32_t steps = 0; steps < t->n_node && is_node(t, w.to); steps++) {
		uint32_t jump = jump_of(t, w.to);
		bool taken = holds(t, &t->p->prog->insn[jump], a);

		for (; w.to < jump; w.to++) {
			const struct bpfi *in = &t->p->prog->insn[w.to];
			bool wide = BPFI_CLASS(in->code) == BPFI_ALU64;

			w.set |= 1u << in->dst;
			w.value[in->dst] = wide ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm;
		}
		w.to = next(t, jump, may_go(t, jump, taken) ? taken : !taken);
	}
	return w;
}

/* Ways that do the same are one. */
static uint32_t number_of(struct tree *t, struct way w)
{
	for (uint32_t k = 0; k < t->n_way; k++)
		if (t->way[k].to == w.to && t->way[k].set == w.set &&
		    !memcmp(t->way[k].value, w.value, sizeof(w.value)))
			return k;
	t->way[t->n_way] = w;
	return t->n_way++;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* All numbers, in order; a run does not go over the middle, where signs change. */
static void find_runs(struct tree *t)
{
	uint64_t cut[MAX_RUNS];
	size_t n = 0;

	t->n_run = t->n_way = 0;
	cut[n++] = 0;
	cut[n++] = t->sign;
	for (uint32_t k = 0; k < t->n_node; k++) {
		uint64_t v = (uint64_t)(int64_t)t->p->prog->insn[jump_of(t, t->node[k])].imm;

		cut[n++] = v & t->mask;
		cut[n++] = (v + 1) & t->mask;
	}
	qsort(cut, n, sizeof(*cut), by_number);
	for (size_t k = 0; k < n; k++) {
		struct run *last = t->n_run ? &t->run[t->n_run - 1] : NULL;
		uint32_t way;

		if (k && cut[k] == cut[k - 1])
			continue;
		way = number_of(t, way_of(t, cut[k]));
		if (last)
			last->last = cut[k] - 1;
		if (!last || last->way != way || cut[k] == t->sign)
			t->run[t->n_run++] = (struct run){ .first = cut[k], .way = way };
	}
	t->run[t->n_run - 1].last = t->mask;
}

static uint64_t length(const struct run *r) { return r->last - r->first + 1; }	/* none has all of 64 bits */
static bool is_long(const struct run *r) { return length(r) > LONG_RUN; }

/* The one way that all long runs of [from, to) go. */
static bool find_default(const struct tree *t, uint32_t from, uint32_t to, uint32_t *way)
{
	bool found = false;

	for (uint32_t k = from; k < to; k++)
		if (is_long(&t->run[k])) {
			if (found && *way != t->run[k].way)
				return false;
			*way = t->run[k].way;
			found = true;
		}
	return found;
}

static uint64_t cases(const struct tree *t, uint32_t runs, uint32_t other)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < runs; k++)
		n += t->run[k].way == other ? 0 : length(&t->run[k]);
	return n;
}

static void forget(const struct tree *t)
{
	for (uint32_t k = 0; k < t->n_node; k++)
		t->p->tree[jump_of(t, t->node[k])] = 0;
}

/* Finds what there is to switch on.  Where the two halves of the numbers have different defaults, `*negative`
 * is that of the upper one, and only the `*runs` of the lower one are cases. */
static bool plan(struct tree *t, uint32_t i, uint32_t *other, uint32_t *negative, uint32_t *runs)
{
	uint32_t half = 0;
	uint64_t n;

	if (!gather(t, i))
		return false;
	find_runs(t);
	while (t->run[half].first != t->sign)
		half++;
	if (!find_default(t, 0, half, other) || !find_default(t, half, t->n_run, negative))
		return false;
	if (*other != *negative && half + 1 < t->n_run)
		return false;
	*runs = *other == *negative ? t->n_run : half;
	n = cases(t, *runs, *other);
	return n >= MIN_CASES && n <= MAX_CASES;
}

/* A block that does what the way does. */
static void lower_way(struct lower_func *f, struct way *w)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(f->l->b);

	w->block = f->p->block[w->to];
	if (!w->set)
		return;
	w->block = LLVMAppendBasicBlockInContext(f->l->ctx, f->fn, "");
	LLVMPositionBuilderAtEnd(f->l->b, w->block);
	for (unsigned r = 0; r < N_REGS; r++)
		if (w->set >> r & 1)
			reg_set(f, r, LLVMConstInt(f->l->i64, w->value[r], 0));
	LLVMBuildBr(f->l->b, f->p->block[w->to]);
	LLVMPositionBuilderAtEnd(f->l->b, here);
}

bool lower_switch(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	bool wide = BPFI_CLASS(f->p->prog->insn[i].code) == BPFI_JMP;
	LLVMTypeRef w = wide ? l->i64 : l->i32;
	uint32_t other = 0, negative = 0, runs = 0;
	LLVMValueRef v, sw;
	struct tree t;

	t.p = f->p;
	t.root = &f->p->prog->insn[i];
	t.mask = wide ? UINT64_MAX : UINT32_MAX;
	t.sign = t.mask / 2 + 1;
	if (f->p->tree[i] || !compares(&t, t.root))
		return false;
	if (!plan(&t, i, &other, &negative, &runs)) {
		forget(&t);
		return false;
	}
	for (uint32_t k = 0; k < t.n_way; k++)
		lower_way(f, &t.way[k]);
	v = reg_get_w(f, t.root->dst, w);
	if (other != negative) {
		LLVMBasicBlockRef rest = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");

		LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntSLT, v, lower_imm(w, 0), ""),
				t.way[negative].block, rest);
		LLVMPositionBuilderAtEnd(l->b, rest);
	}
	sw = LLVMBuildSwitch(l->b, v, t.way[other].block, (unsigned)cases(&t, runs, other));
	for (const struct run *r = t.run; r < t.run + runs; r++)
		for (uint64_t n = r->way == other ? 0 : length(r); n; n--)	/* the last may be the greatest */
			LLVMAddCase(sw, LLVMConstInt(w, r->first + n - 1, 0), t.way[r->way].block);
	return true;
}
