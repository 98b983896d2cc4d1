/* SPDX-License-Identifier: MIT
 *
 * Loads, stores and ld_imm64.
 *
 * Accesses claim no more alignment than the verifier insists on (map values may be
 * misaligned) and are plain: like the kernel's, they race with other threads and processes
 * without tearing words the CPU does not tear.  Programs that need more use atomics. */
#include "lower.h"
#include "maps.h"

LLVMTypeRef lower_size(struct lower *l, uint8_t code)
{
	switch (BPFI_SIZE(code)) {
	case BPFI_B: return l->i8;
	case BPFI_H: return l->i16;
	case BPFI_W: return l->i32;
	default:     return l->i64;
	}
}

LLVMValueRef lower_ptr_at(struct lower_func *f, unsigned r, int off)
{
	LLVMValueRef o = lower_imm(f->l->i64, off);

	return LLVMBuildGEP2(f->l->b, f->l->i8, reg_ptr(f, r), &o, 1, "");
}

/* What is certain about the address of the access at slot i. */
static unsigned alignment(const struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	const struct vfy_insn *fact = f->p->facts ? &f->p->facts->insn[i] : NULL;
	unsigned bytes = LLVMGetIntTypeWidth(lower_size(f->l, in->code)) / 8;

	if (fact && (fact->mem == MEM_STACK || fact->mem == MEM_CTX))
		return bytes;
	if (fact && fact->mem == MEM_MAP_VALUE && fact->fixed_off && fact->mem_off % (int)bytes == 0)
		return bytes;
	return 1;
}

static bool is_xdp_ctx(const struct lower_prog *p, uint32_t i)
{
	return p->prog->type == PROG_XDP && p->facts && p->facts->insn[i].mem == MEM_CTX;
}

bool lower_is_packet_ptr(const struct lower_prog *p, uint32_t i)
{
	return is_xdp_ctx(p, i) && p->prog->insn[i].off < XDP_MD_INGRESS_IFINDEX;
}

/* A field of struct xdp_md, where struct bpftime_xdp has it.  The base register is the
 * context itself: the verifier allows no arithmetic on it. */
static void load_xdp(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	int behind = in->off - XDP_MD_INGRESS_IFINDEX;
	LLVMValueRef p;

	if (lower_is_packet_ptr(f->p, i)) {
		p = lower_ptr_at(f, in->src, in->off * 2);
		reg_set_ptr(f, in->dst, LLVMBuildLoad2(f->l->b, f->l->ptr, p, ""));
	} else {
		p = lower_ptr_at(f, in->src,
				 (int)offsetof(struct bpftime_xdp, ingress_ifindex) + behind);
		reg_set(f, in->dst, LLVMBuildLoad2(f->l->b, lower_size(f->l, in->code), p, ""));
	}
}

static void load(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	LLVMTypeRef w = lower_size(f->l, in->code);
	LLVMValueRef v = LLVMBuildLoad2(f->l->b, w, lower_ptr_at(f, in->src, in->off), "");

	LLVMSetAlignment(v, alignment(f, i));
	if (BPFI_MODE(in->code) == BPFI_MEMSX)
		v = LLVMBuildSExt(f->l->b, v, f->l->i64, "");
	reg_set(f, in->dst, v);
}

static void store(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	LLVMTypeRef w = lower_size(f->l, in->code);
	bool imm = BPFI_CLASS(in->code) == BPFI_ST;
	LLVMValueRef v;

	if (imm)
		v = lower_imm(w, in->imm);
	else if (w == f->l->i64 && kind_has_twin(f->now.reg[in->src]))
		v = reg_ptr(f, in->src);	/* a spilled address stays one */
	else
		v = reg_get_w(f, in->src, w);
	v = LLVMBuildStore(f->l->b, v, lower_ptr_at(f, in->dst, in->off));
	LLVMSetAlignment(v, alignment(f, i));
}

static void ld_imm64(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	struct lower *l = f->l;
	const struct lower_func *to;
	const struct lower_map *m;
	LLVMValueRef off;

	switch (in->src) {
	case BPFI_LD_MAP:
		reg_set_ptr(f, in->dst, l->map[in->imm].desc);
		return;
	case BPFI_LD_MAP_VALUE:
		if (l->u->map[in->imm].type == MAP_TYPE_arena) {
			lower_arena_variable(f, in);
			return;
		}
		m = &l->map[in->imm];
		off = lower_imm(l->i64, (uint32_t)in[1].imm);
		reg_set_ptr(f, in->dst,
			    LLVMBuildGEP2(l->b, l->i8,
					  m->constant ? m->constant : lower_map_base(l, (size_t)in->imm),
					  &off, 1, ""));
		return;
	case BPFI_LD_FUNC:
		to = lower_func_at(f->p, (int64_t)i + 1 + in->imm);
		reg_set(f, in->dst, lower_imm(l->i64, LOWER_FUNC_ID(to - f->p->func)));
		return;
	default:
		reg_set(f, in->dst, lower_imm(l->i64, (int64_t)((uint64_t)(uint32_t)in[1].imm << 32 |
								(uint32_t)in->imm)));
	}
}

/* Memory that may not be there, which is then zeros. */
static int load_anywhere(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	struct lower *l = f->l;
	LLVMTypeRef w = lower_size(l, in->code), type = LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->i64, l->i64 }, 2, 0);
	LLVMValueRef fn = lower_runtime(l, "bpftime_h_load_anywhere", type), arg[2], v;

	if (!fn)
		return diag(l->dg, DIAG_C003, at_insn(l->u->path, f->p->prog->name, i, unit_src(l->u, f->p->prog, i)),
			    "rdonly_cast: not in the runtime for %s", l->target);
	arg[0] = LLVMBuildAdd(l->b, reg_get(f, in->src), lower_imm(l->i64, in->off), "");
	arg[1] = lower_imm(l->i64, LLVMGetIntTypeWidth(w) / 8);
	v = LLVMBuildTrunc(l->b, LLVMBuildCall2(l->b, type, fn, arg, 2, ""), w, "");
	if (BPFI_MODE(in->code) == BPFI_MEMSX)
		v = LLVMBuildSExt(l->b, v, l->i64, "");
	reg_set(f, in->dst, v);
	return 0;
}

int lower_mem(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];

	if (BPFI_CLASS(in->code) == BPFI_LDX && f->p->facts && f->p->facts->insn[i].mem == MEM_ANYWHERE)
		return load_anywhere(f, i);
	if (BPFI_CLASS(in->code) == BPFI_LDX && f->p->facts && f->p->facts->insn[i].mem == MEM_MAP &&
	    in->off >= OBJFMT_MAP_USER_START) {
		lower_arena_ends(f, in);
		return 0;
	}
	if (BPFI_CLASS(in->code) != BPFI_LD && f->p->facts && f->p->facts->insn[i].mem == MEM_ARENA) {
		lower_arena(f, i);
		return 0;
	}
	if (BPFI_CLASS(in->code) == BPFI_LD)
		ld_imm64(f, i);
	else if (is_xdp_ctx(f->p, i))
		load_xdp(f, i);
	else if (BPFI_CLASS(in->code) == BPFI_LDX)
		load(f, i);
	else if (BPFI_MODE(in->code) == BPFI_ATOMIC)
		lower_atomic(f, in, lower_ptr_at(f, in->imm == BPFI_ATOMIC_LOAD ? in->src : in->dst, in->off));
	else
		store(f, i);
	return 0;
}
