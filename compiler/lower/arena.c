/* SPDX-License-Identifier: MIT
 *
 * Addresses in an arena (runtime-min/maps/arena.h): casts, loads, stores, atomics.
 *
 * Casts and arithmetic leave the lower half of an address; any number may be used for one, for whether there is
 * a page that it is in is looked at each time.  What is not there loads as 0 and drops what is stored, as the kernel's
 * exception tables have it; an atomic operation leaves all registers as they were.
 *
 *     at = register + off - lower half of the first page's address        in 64 bits
 *     there = at <= bytes - size  and  backed[page of at]  and  backed[page of at + size - 1] */
#include "lower.h"
#include "mapfmt.h"
#include "maps.h"

enum { PAGE_SHIFT = 12, WORD_SHIFT = 6 };
_Static_assert(MAPFMT_ARENA_PAGE == 1 << PAGE_SHIFT, "page");

static const struct unit_map *arena_of(const struct lower_func *f)
{
	return &f->l->u->map[f->p->facts->arena];
}

static LLVMValueRef at_bytes(struct lower *l, LLVMValueRef base, LLVMValueRef off)
{
	return LLVMBuildGEP2(l->b, l->i8, base, &off, 1, "");
}

/* Address of the first page as programs see it. */
static LLVMValueRef user_start(struct lower *l, const struct unit_map *m, LLVMValueRef base)
{
	uint64_t known = m->map_extra;

	if (known)
		return lower_imm(l->i64, (int64_t)known);
	return LLVMBuildLoad2(l->b, l->i64,
			      at_bytes(l, base, lower_imm(l->i64, MAPFMT_ARENA_START_OFF - MAPFMT_HEADER_BYTES)), "");
}

static LLVMValueRef low_half(struct lower *l, LLVMValueRef v)
{
	return LLVMBuildAnd(l->b, v, lower_imm(l->i64, UINT32_MAX), "");
}

/* i1: is the page of byte `at` backed? */
static LLVMValueRef backed(struct lower_func *f, LLVMValueRef base, LLVMValueRef at)
{
	struct lower *l = f->l;
	LLVMBuilderRef b = l->b;
	LLVMValueRef page = LLVMBuildLShr(b, at, lower_imm(l->i64, PAGE_SHIFT), "");
	LLVMValueRef word = LLVMBuildLShr(b, page, lower_imm(l->i64, WORD_SHIFT), ""), bits;

	bits = at_bytes(l, base, lower_imm(l->i64, (int64_t)mapfmt_arena_backed(arena_of(f)->max_entries)));
	bits = LLVMBuildLoad2(b, l->i64, LLVMBuildGEP2(b, l->i64, bits, &word, 1, ""), "");
	LLVMSetOrdering(bits, LLVMAtomicOrderingMonotonic);	/* looked at each time */
	LLVMSetAlignment(bits, 8);
	bits = LLVMBuildLShr(b, bits, LLVMBuildAnd(b, page, lower_imm(l->i64, 63), ""), "");
	return LLVMBuildTrunc(b, bits, l->i1, "");
}

/* The address of `bytes` bytes at register r + off, in the block where they are there; elsewhere control
 * goes to `gone`. */
static LLVMValueRef look_up(struct lower_func *f, unsigned r, int off, unsigned bytes, LLVMBasicBlockRef gone)
{
	struct lower *l = f->l;
	LLVMBuilderRef b = l->b;
	LLVMBasicBlockRef inside = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef there = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	uint64_t all = (uint64_t)arena_of(f)->max_entries * MAPFMT_ARENA_PAGE;
	LLVMValueRef base = lower_map_base(l, (size_t)f->p->facts->arena), at, ok;

	at = LLVMBuildAdd(b, reg_get(f, r), lower_imm(l->i64, off), "");
	at = LLVMBuildSub(b, at, low_half(l, user_start(l, arena_of(f), base)), "");
	ok = LLVMBuildICmp(b, LLVMIntULE, at, lower_imm(l->i64, (int64_t)(all - bytes)), "");
	lower_weigh(l, LLVMBuildCondBr(b, ok, inside, gone), false);
	LLVMPositionBuilderAtEnd(b, inside);
	ok = backed(f, base, at);
	if (bytes > 1)
		ok = LLVMBuildAnd(b, ok, backed(f, base, LLVMBuildAdd(b, at, lower_imm(l->i64, bytes - 1), "")), "");
	lower_weigh(l, LLVMBuildCondBr(b, ok, there, gone), false);
	LLVMPositionBuilderAtEnd(b, there);
	base = at_bytes(l, base, lower_imm(l->i64, (int64_t)mapfmt_arena_pages(arena_of(f)->max_entries)));
	return at_bytes(l, base, at);
}

static void load(struct lower_func *f, const struct bpfi *in, LLVMValueRef p)
{
	LLVMValueRef v = LLVMBuildLoad2(f->l->b, lower_size(f->l, in->code), p, "");

	LLVMSetAlignment(v, 1);
	if (BPFI_MODE(in->code) == BPFI_MEMSX)
		v = LLVMBuildSExt(f->l->b, v, f->l->i64, "");
	reg_set(f, in->dst, v);
}

static void store(struct lower_func *f, const struct bpfi *in, LLVMValueRef p)
{
	LLVMTypeRef w = lower_size(f->l, in->code);
	bool imm = BPFI_CLASS(in->code) == BPFI_ST;

	LLVMSetAlignment(LLVMBuildStore(f->l->b, imm ? lower_imm(w, in->imm) : reg_get_w(f, in->src, w), p), 1);
}

void lower_arena(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	struct lower *l = f->l;
	LLVMBasicBlockRef gone = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	bool is_load = BPFI_CLASS(in->code) == BPFI_LDX, atomic = !is_load && BPFI_MODE(in->code) == BPFI_ATOMIC;
	unsigned r = is_load || (atomic && in->imm == BPFI_ATOMIC_LOAD) ? in->src : in->dst;
	LLVMValueRef p = look_up(f, r, in->off, LLVMGetIntTypeWidth(lower_size(l, in->code)) / 8, gone);

	if (is_load)
		load(f, in, p);
	else if (atomic)
		lower_atomic(f, in, p);
	else
		store(f, in, p);
	LLVMBuildBr(l->b, done);
	LLVMPositionBuilderAtEnd(l->b, gone);
	if (is_load)
		reg_set(f, in->dst, lower_imm(l->i64, 0));
	LLVMBuildBr(l->b, done);
	LLVMPositionBuilderAtEnd(l->b, done);
}

void lower_cast(struct lower_func *f, const struct bpfi *in)
{
	struct lower *l = f->l;
	LLVMValueRef low = low_half(l, reg_get(f, in->src)), high;

	if (in->imm == BPFI_CAST_KERN || arena_of(f)->flags & MAP_F_NO_USER_CONV) {
		reg_set(f, in->dst, low);
		return;
	}
	high = user_start(l, arena_of(f), lower_map_base(l, (size_t)f->p->facts->arena));
	high = LLVMBuildAnd(l->b, high, lower_imm(l->i64, -(1ll << 32)), "");
	reg_set(f, in->dst,
		LLVMBuildSelect(l->b, LLVMBuildICmp(l->b, LLVMIntEQ, low, lower_imm(l->i64, 0), ""), low,
				LLVMBuildOr(l->b, high, low, ""), ""));
}

void lower_arena_variable(struct lower_func *f, const struct bpfi *in)
{
	struct lower *l = f->l;
	LLVMValueRef start = user_start(l, &l->u->map[in->imm], lower_map_base(l, (size_t)in->imm));

	reg_set(f, in->dst, LLVMBuildAdd(l->b, start, lower_imm(l->i64, (uint32_t)in[1].imm), ""));
}

void lower_arena_ends(struct lower_func *f, const struct bpfi *in)
{
	struct lower *l = f->l;
	uint64_t bytes = in->off == OBJFMT_MAP_USER_END ? (uint64_t)arena_of(f)->max_entries * MAPFMT_ARENA_PAGE : 0;
	LLVMValueRef start = user_start(l, arena_of(f), lower_map_base(l, (size_t)f->p->facts->arena));

	reg_set(f, in->dst, LLVMBuildAdd(l->b, start, lower_imm(l->i64, (int64_t)bytes), ""));
}
