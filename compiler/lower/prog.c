/* SPDX-License-Identifier: MIT
 *
 * A program becomes LLVM functions: one a BPF function, each with registers and 512
 * bytes of stack of its own. */
#include <stdlib.h>
#include <string.h>

#include "debuginfo.h"
#include "lower.h"

/* As in the kernel: how often a may_goto lets a loop go round. */
enum { MAY_GOTO_LIMIT = 8 << 20 };

LLVMValueRef lower_imm(LLVMTypeRef w, int64_t v)
{
	return LLVMConstInt(w, (uint64_t)v, 1);
}

LLVMValueRef reg_get(struct lower_func *f, unsigned r)
{
	return LLVMBuildLoad2(f->l->b, f->l->i64, f->reg[r], "");
}

LLVMValueRef reg_get_w(struct lower_func *f, unsigned r, LLVMTypeRef w)
{
	LLVMValueRef v = reg_get(f, r);

	return w == f->l->i64 ? v : LLVMBuildTrunc(f->l->b, v, w, "");
}

LLVMValueRef reg_ptr(struct lower_func *f, unsigned r)
{
	if (kind_has_twin(f->now.reg[r]))
		return LLVMBuildLoad2(f->l->b, f->l->ptr, f->twin[r], "");
	return LLVMBuildIntToPtr(f->l->b, reg_get(f, r), f->l->ptr, "");
}

void reg_set(struct lower_func *f, unsigned r, LLVMValueRef v)
{
	if (LLVMTypeOf(v) != f->l->i64)
		v = LLVMBuildZExt(f->l->b, v, f->l->i64, "");
	LLVMBuildStore(f->l->b, v, f->reg[r]);
}

void reg_set_ptr(struct lower_func *f, unsigned r, LLVMValueRef ptr)
{
	LLVMBuildStore(f->l->b, ptr, f->twin[r]);
	reg_set(f, r, LLVMBuildPtrToInt(f->l->b, ptr, f->l->i64, ""));
}

LLVMValueRef lower_src(struct lower_func *f, const struct bpfi *in, LLVMTypeRef w)
{
	return BPFI_SRC(in->code) == BPFI_X ? reg_get_w(f, in->src, w) : lower_imm(w, in->imm);
}

static int func_cmp(const void *key, const void *elem)
{
	int64_t slot = *(const int64_t *)key;
	const struct lower_func *f = elem;

	return slot < f->start ? -1 : slot > f->start;
}

struct lower_func *lower_func_at(struct lower_prog *p, int64_t slot)
{
	return bsearch(&slot, p->func, p->prog->n_func, sizeof(*p->func), func_cmp);
}

static void may_goto(struct lower_func *f, uint32_t i)
{
	LLVMBuilderRef b = f->l->b;
	LLVMValueRef left = LLVMBuildLoad2(b, f->l->i64, f->budget, "");
	LLVMValueRef none = LLVMBuildICmp(b, LLVMIntEQ, left, lower_imm(f->l->i64, 0), "");

	LLVMBuildStore(b, LLVMBuildSub(b, left, lower_imm(f->l->i64, 1), ""), f->budget);
	LLVMBuildCondBr(b, none, f->p->block[lower_target(&f->p->prog->insn[i], i)],
			f->p->block[i + 1]);
}

void lower_weigh(struct lower *l, LLVMValueRef branch, bool taken_is_rare)
{
	LLVMMetadataRef node[3] = {
		LLVMMDStringInContext2(l->ctx, "branch_weights", 14),
		LLVMValueAsMetadata(lower_imm(l->i32, taken_is_rare ? 1 : 1000)),
		LLVMValueAsMetadata(lower_imm(l->i32, taken_is_rare ? 1000 : 1)),
	};
	LLVMValueRef weights = LLVMMetadataAsValue(l->ctx, LLVMMDNodeInContext2(l->ctx, node, 3));

	LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(l->ctx, "prof", 4), weights);
}

/* Ends the current block.  What the verifier saw going one way only goes that way. */
static void jump(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	const struct vfy_insn *fact = f->p->facts ? &f->p->facts->insn[i] : NULL;
	LLVMBuilderRef b = f->l->b;
	LLVMBasicBlockRef to;
	LLVMValueRef branch;
	bool rare;

	if (in->code == BPFI_JMP_EXIT) {
		LLVMBuildRet(b, reg_get(f, 0));
		return;
	}
	to = f->p->block[lower_target(in, i)];
	if (in->code == BPFI_JMP_JA || in->code == BPFI_JMP_GOTOL ||
	    (fact && fact->always_taken && !fact->never_taken))
		LLVMBuildBr(b, to);
	else if (in->code == BPFI_MAY_GOTO)
		may_goto(f, i);
	else if (fact && fact->never_taken && !fact->always_taken)
		LLVMBuildBr(b, f->p->block[i + 1]);
	else if (!lower_switch(f, i)) {
		branch = LLVMBuildCondBr(b, lower_cond(f, in), to, f->p->block[i + 1]);
		if (lower_is_null_test(f->p, i, &f->now, &rare))
			lower_weigh(f->l, branch, rare);	/* a lookup that finds nothing */
	}
}

/* Lowers the block at leader i, whose LLVM block is there and empty. */
static int lower_block(struct lower_func *f, uint32_t i)
{
	struct lower_prog *p = f->p;
	int r;

	LLVMPositionBuilderAtEnd(f->l->b, p->block[i]);
	f->now = p->kinds[i];
	f->in_cold = p->cold[i];
	for (;;) {
		const struct bpfi *in = &p->prog->insn[i];
		uint8_t class = BPFI_CLASS(in->code);

		debug_at(f->l, p->prog, i);
		if (p->facts && !p->facts->insn[i].reached) {	/* proven dead */
			LLVMBuildRet(f->l->b, lower_imm(f->l->i64, 0));
			return 0;
		}
		if (class == BPFI_ALU || class == BPFI_ALU64) {
			lower_alu(f, i);
		} else if (class != BPFI_JMP && class != BPFI_JMP32) {
			if ((r = lower_mem(f, i)) < 0)
				return r;
		} else if (in->code == BPFI_JMP_CALL || in->code == BPFI_JMP_CALLX) {
			if ((r = lower_call(f, i)) < 0)
				return r;
		} else {
			jump(f, i);
			return 0;
		}
		kinds_step(p, i, &f->now);
		i += 1 + (in->code == BPFI_LD_IMM64);
		if (p->leader[i]) {
			LLVMBuildBr(f->l->b, p->block[i]);
			return 0;
		}
	}
}

/* The stack is zero where a program may read it before it writes it: privileged programs
 * may, and LLVM may not be shown undefined values. */
static void make_stack(struct lower_func *f)
{
	struct lower *l = f->l;
	struct stack_bits zero;
	int low = lower_stack(f->p, f, &zero);
	LLVMValueRef end = lower_imm(l->i64, BPFI_STACK_BYTES - low), stack;

	stack = LLVMBuildAlloca(l->b, LLVMArrayType2(l->i8, (uint64_t)(BPFI_STACK_BYTES - low)),
				"stack");
	LLVMSetAlignment(stack, 8);
	for (int from = low, to; from < BPFI_STACK_BYTES; from = to + 1) {
		LLVMValueRef off = lower_imm(l->i64, from - low);

		for (to = from; to < BPFI_STACK_BYTES && zero.word[to / 64] >> to % 64 & 1; to++)
			;
		if (to > from)
			LLVMBuildMemSet(l->b, LLVMBuildGEP2(l->b, l->i8, stack, &off, 1, ""),
					lower_imm(l->i8, 0), lower_imm(l->i64, to - from), 1);
	}
	reg_set_ptr(f, BPFI_R10, LLVMBuildGEP2(l->b, l->i8, stack, &end, 1, ""));
}

static void make_frame(struct lower_func *f)
{
	struct lower *l = f->l;

	for (unsigned r = 0; r < N_REGS; r++) {
		f->reg[r] = LLVMBuildAlloca(l->b, l->i64, "");
		f->twin[r] = LLVMBuildAlloca(l->b, l->ptr, "");
		LLVMBuildStore(l->b, lower_imm(l->i64, 0), f->reg[r]);
		LLVMBuildStore(l->b, LLVMConstNull(l->ptr), f->twin[r]);
	}
	f->budget = LLVMBuildAlloca(l->b, l->i64, "");
	LLVMBuildStore(l->b, lower_imm(l->i64, MAY_GOTO_LIMIT), f->budget);
	make_stack(f);
}

static int lower_body(struct lower_func *f)
{
	struct lower_prog *p = f->p;
	struct lower *l = f->l;
	bool main = f->start == 0;
	int r;

	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, f->fn, "entry"));
	debug_function(l, f->fn, f->name, p->prog, f->start);
	make_frame(f);
	f->tail_count = LLVMGetParam(f->fn, main ? 1 : 10);
	if (p->locks && main) {
		f->gave_up = LLVMBuildAlloca(l->b, l->i64, "");
		LLVMBuildStore(l->b, lower_imm(l->i64, 0), f->gave_up);
	} else if (p->locks) {
		f->gave_up = LLVMGetParam(f->fn, 11);
	}
	if (main)
		reg_set_ptr(f, 1, LLVMGetParam(f->fn, 0));
	if (main && p->prog->type == PROG_VM) {
		reg_set(f, 2, LLVMGetParam(f->fn, 1));
		f->tail_count = lower_imm(l->i64, 0);
	}
	for (unsigned k = 0; !main && k < 5; k++) {
		reg_set(f, k + 1, LLVMGetParam(f->fn, k));
		LLVMBuildStore(l->b, LLVMGetParam(f->fn, 5 + k), f->twin[k + 1]);
	}
	for (uint32_t i = f->start; i < f->end; i++)
		if (p->leader[i] && p->kinds[i].reg[0].is != KIND_UNREACHED)
			p->block[i] = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBuildBr(l->b, p->block[f->start]);
	for (uint32_t i = f->start; i < f->end; i++)
		if (p->block[i] && (r = lower_block(f, i)) < 0)
			return r;
	return 0;
}

/* main: i64 (ptr ctx, i64 arg); subprogram: i64 (i64 r1..r5, ptr r1..r5, i64 tail_count, ptr
 * gave_up). */
static void declare(struct lower_prog *p, size_t n)
{
	struct lower_func *f = &p->func[n];
	const struct unit_func *uf = &p->prog->func[n];
	struct lower *l = p->l;
	LLVMTypeRef t[LOWER_SUB_ARGS];
	const char *prog = p->prog->name;

	f->p = p;
	f->l = l;
	f->name = uf->name;
	f->start = uf->insn;
	f->end = n + 1 < p->prog->n_func ? p->prog->func[n + 1].insn : p->prog->n_insn;
	for (unsigned k = 0; k < LOWER_SUB_ARGS; k++)
		t[k] = k < 5 || k == 10 ? l->i64 : l->ptr;
	if (n == 0) {
		f->fn = LLVMAddFunction(l->mod, arena_printf(l->a, "body.%s", prog),
					LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->ptr, l->i64 },
							 2, 0));
		kinds_at_start(&f->in);
		f->in.reg[1] = (struct kind){ KIND_PTR, 0 };
	} else {
		f->fn = LLVMAddFunction(l->mod, arena_printf(l->a, "sub.%s.%s", prog, uf->name),
					LLVMFunctionType(l->i64, t, LOWER_SUB_ARGS, 0));
	}
	LLVMSetLinkage(f->fn, LLVMInternalLinkage);
	f->callback = uf->callback && n > 0;
	if (f->callback && !p->facts)
		kinds_at_start(&f->in);		/* callx may call it with anything */
}

static bool calls_helper(const struct unit_prog *p, int32_t id)
{
	for (uint32_t i = 0; i < p->n_insn; i++)
		if (p->insn[i].code == BPFI_JMP_CALL && p->insn[i].src == BPFI_CALL_HELPER &&
		    p->insn[i].imm == id)
			return true;
	return false;
}

int lower_program(struct lower *l, size_t i, const struct vfy_result *facts,
		  LLVMValueRef *body, bool *tail_calls)
{
	const struct unit_prog *up = &l->u->prog[i];
	struct lower_prog p = { .l = l, .prog = up, .facts = facts };
	int r;

	if (up->type == PROG_XDP && !facts)	/* which reads are of packet addresses? */
		return diag(l->dg, DIAG_C008, at_insn(l->u->path, up->name, -1, NULL),
			    "an XDP program");
	p.locks = calls_helper(up, HELPER_spin_lock);
	p.func = arena_array(l->a, up->n_func, sizeof(*p.func));
	p.leader = arena_alloc(l->a, up->n_insn + 1);
	p.kinds = arena_array(l->a, up->n_insn + 1, sizeof(*p.kinds));
	p.cold = arena_alloc(l->a, up->n_insn + 1);
	p.tree = arena_array(l->a, up->n_insn + 1, sizeof(*p.tree));
	p.block = arena_array(l->a, up->n_insn + 1, sizeof(*p.block));
	for (size_t n = 0; n < up->n_func; n++)
		declare(&p, n);
	if ((r = lower_check(&p)) < 0)
		return r;
	lower_kinds(&p);
	lower_cold(&p);
	for (size_t n = 0; n < up->n_func; n++) {
		struct lower_func *f = &p.func[n];

		if (!lower_is_called(&p, f)) {
			LLVMDeleteFunction(f->fn);
			continue;
		}
		if ((r = lower_body(f)) < 0)
			return r;
	}
	lower_timers(&p);
	*body = p.func[0].fn;
	*tail_calls = calls_helper(up, HELPER_tail_call);
	return 0;
}
