/* SPDX-License-Identifier: MIT
 *
 * One function a row of isa.def.  Alignment is natural (the verifier insists on it); a
 * smaller one would make LLVM call a library.
 *
 * Ordering is the kernel's: forms that return a value are full barriers, the others
 * promise atomicity only. */
#include "lower.h"

#define ATOMIC_FN(name_)                                                                    \
	static void lower_atomic_##name_(struct lower_func *f, const struct bpfi *in,       \
					 LLVMTypeRef w, LLVMValueRef p)

static void rmw(struct lower_func *f, const struct bpfi *in, LLVMTypeRef w, LLVMValueRef p,
		LLVMAtomicRMWBinOp op)
{
	bool fetch = in->imm & BPFI_FETCH;
	LLVMValueRef old = LLVMBuildAtomicRMW(f->l->b, op, p, reg_get_w(f, in->src, w),
					      fetch ? LLVMAtomicOrderingSequentiallyConsistent
						    : LLVMAtomicOrderingMonotonic, 0);

	if (fetch)
		reg_set(f, in->src, old);
}

ATOMIC_FN(ADD) { rmw(f, in, w, p, LLVMAtomicRMWBinOpAdd); }
ATOMIC_FN(OR) { rmw(f, in, w, p, LLVMAtomicRMWBinOpOr); }
ATOMIC_FN(AND) { rmw(f, in, w, p, LLVMAtomicRMWBinOpAnd); }
ATOMIC_FN(XOR) { rmw(f, in, w, p, LLVMAtomicRMWBinOpXor); }
ATOMIC_FN(XCHG) { rmw(f, in, w, p, LLVMAtomicRMWBinOpXchg); }

/* Compares with r0, which receives the old value. */
ATOMIC_FN(CMPXCHG)
{
	LLVMValueRef r = LLVMBuildAtomicCmpXchg(f->l->b, p, reg_get_w(f, 0, w),
						reg_get_w(f, in->src, w),
						LLVMAtomicOrderingSequentiallyConsistent,
						LLVMAtomicOrderingSequentiallyConsistent, 0);

	reg_set(f, 0, LLVMBuildExtractValue(f->l->b, r, 0, ""));
}

ATOMIC_FN(LOAD)
{
	LLVMValueRef v = LLVMBuildLoad2(f->l->b, w, p, "");

	LLVMSetOrdering(v, LLVMAtomicOrderingAcquire);
	LLVMSetAlignment(v, LLVMGetIntTypeWidth(w) / 8);
	reg_set(f, in->dst, v);
}

ATOMIC_FN(STORE)
{
	LLVMValueRef v = LLVMBuildStore(f->l->b, reg_get_w(f, in->src, w), p);

	LLVMSetOrdering(v, LLVMAtomicOrderingRelease);
	LLVMSetAlignment(v, LLVMGetIntTypeWidth(w) / 8);
}

void lower_atomic(struct lower_func *f, const struct bpfi *in, LLVMValueRef p)
{
	LLVMTypeRef w = lower_size(f->l, in->code);

	switch (in->imm & ~BPFI_FETCH) {
#define ATOMIC(name_, imm_, text_)                                                          \
	case (imm_) & ~BPFI_FETCH: lower_atomic_##name_(f, in, w, p); break;
#include "isa.def"
	}
}
