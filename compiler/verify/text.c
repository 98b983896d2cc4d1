/* SPDX-License-Identifier: MIT
 *
 * text.c - instructions as text, in the notation of bpftool and clang. */
#include "vfy.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const size_name[4] = { "u32", "u16", "u8", "u64" };
static const char *const size_signed[4] = { "s32", "s16", "s8", "s64" };

static const char *alu_sign(unsigned op)
{
	switch (op) {
#define ALU(name_, code_, text_) case code_: return text_;
#include "isa.def"
	}
	return "?";
}

static const char *jump_sign(unsigned op)
{
	switch (op) {
#define JMP(name_, code_, text_) case code_: return text_;
#include "isa.def"
	}
	return "?";
}

static const char *atomic_sign(int32_t imm)
{
	switch (imm & ~BPFI_FETCH) {
#define ATOMIC(name_, imm_, text_) case (imm_) & ~BPFI_FETCH: return text_;
#include "isa.def"
	}
	return "?";
}

static void alu_text(const struct bpfi *in, char *out, size_t n)
{
	bool wide = BPFI_CLASS(in->code) == BPFI_ALU64;
	unsigned op = BPFI_OP(in->code);
	char w = wide ? 'r' : 'w';

	if (op == BPFI_END)
		snprintf(out, n, "r%u = %s%d r%u", in->dst,
			 wide ? "bswap" : BPFI_SRC(in->code) ? "be" : "le", in->imm, in->dst);
	else if (op == BPFI_NEG)
		snprintf(out, n, "%c%u = -%c%u", w, in->dst, w, in->dst);
	else if (bpfi_is_cast(in))
		snprintf(out, n, "r%u = addr_space_cast(r%u, %d, %d)", in->dst, in->src, in->imm >> 16 & 0xffff,
			 in->imm & 0xffff);
	else if (op == BPFI_MOV && BPFI_SRC(in->code) == BPFI_X && in->off)
		snprintf(out, n, "%c%u = (s%d)%c%u", w, in->dst, in->off, w, in->src);
	else if (BPFI_SRC(in->code) == BPFI_X)
		snprintf(out, n, "%c%u %s%s %c%u", w, in->dst, in->off == 1 ? "s" : "",
			 alu_sign(op), w, in->src);
	else
		snprintf(out, n, "%c%u %s%s %d", w, in->dst, in->off == 1 ? "s" : "", alu_sign(op),
			 in->imm);
}

static void memory_text(const struct bpfi *in, char *out, size_t n)
{
	unsigned size = BPFI_SIZE(in->code) >> 3;
	const char *type = BPFI_MODE(in->code) == BPFI_MEMSX ? size_signed[size] : size_name[size];

	switch (BPFI_CLASS(in->code)) {
	case BPFI_LDX:
		snprintf(out, n, "r%u = *(%s *)(r%u %+d)", in->dst, type, in->src, in->off);
		break;
	case BPFI_ST:
		snprintf(out, n, "*(%s *)(r%u %+d) = %d", type, in->dst, in->off, in->imm);
		break;
	default:
		if (BPFI_MODE(in->code) == BPFI_MEM)
			snprintf(out, n, "*(%s *)(r%u %+d) = r%u", type, in->dst, in->off, in->src);
		else
			snprintf(out, n, "lock *(%s *)(r%u %+d) %s r%u%s", type, in->dst, in->off,
				 atomic_sign(in->imm), in->src, in->imm & BPFI_FETCH ? " (fetch)" : "");
	}
}

static void load_imm_text(const struct unit *u, const struct bpfi *in, char *out, size_t n)
{
	uint64_t imm = (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm;
	bool map = (uint32_t)in->imm < u->n_map;

	if (in->src == BPFI_LD_MAP && map)
		snprintf(out, n, "r%u = map %s", in->dst, u->map[in->imm].name);
	else if (in->src == BPFI_LD_MAP_VALUE && map)
		snprintf(out, n, "r%u = value of %s %+d", in->dst, u->map[in->imm].name,
			 in[1].imm);
	else if (in->src == BPFI_LD_FUNC)
		snprintf(out, n, "r%u = function pc%+d", in->dst, in->imm);
	else
		snprintf(out, n, "r%u = %#" PRIx64 " ll", in->dst, imm);
}

static void call_text(const struct unit *u, const struct bpfi *in, char *out, size_t n)
{
	const struct helper_proto *h = helper_proto(in->imm);

	if (in->src == BPFI_CALL_LOCAL)
		snprintf(out, n, "call pc%+d", in->imm);
	else if (in->src == BPFI_CALL_KFUNC)
		snprintf(out, n, "call %s", in->imm >= 0 && (size_t)in->imm < u->n_kfunc
						    ? u->kfunc[in->imm] : "unknown kfunc");
	else if (in->src == BPFI_CALL_EXTERN && (uint32_t)in->imm < u->n_ext)
		snprintf(out, n, "call %s", u->ext[in->imm].proto.name);
	else if (h)
		snprintf(out, n, "call bpf_%s#%d", h->name, in->imm);
	else
		snprintf(out, n, "call unknown#%d", in->imm);
}

static void jump_text(const struct unit *u, const struct bpfi *in, char *out, size_t n)
{
	char w = BPFI_CLASS(in->code) == BPFI_JMP ? 'r' : 'w';

	if (in->code == BPFI_JMP_CALL)
		call_text(u, in, out, n);
	else if (in->code == BPFI_JMP_EXIT)
		snprintf(out, n, "exit");
	else if (in->code == BPFI_JMP_JA)
		snprintf(out, n, "goto pc%+d", in->off);
	else if (in->code == BPFI_JMP_GOTOL)
		snprintf(out, n, "gotol pc%+d", in->imm);
	else if (in->code == BPFI_MAY_GOTO)
		snprintf(out, n, "may_goto pc%+d", in->off);
	else if (BPFI_SRC(in->code) == BPFI_X)
		snprintf(out, n, "if %c%u %s %c%u goto pc%+d", w, in->dst,
			 jump_sign(BPFI_OP(in->code)), w, in->src, in->off);
	else
		snprintf(out, n, "if %c%u %s %d goto pc%+d", w, in->dst,
			 jump_sign(BPFI_OP(in->code)), in->imm, in->off);
}

void vfy_insn_text(const struct unit *u, const struct unit_prog *p, uint32_t insn, char *out,
		   size_t n)
{
	const struct bpfi *in = &p->insn[insn];

	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		alu_text(in, out, n);
		break;
	case BPFI_LD:
		if (in->code == BPFI_LD_IMM64 && insn + 1 < p->n_insn)
			load_imm_text(u, in, out, n);
		else
			snprintf(out, n, "r0 = *(%s *)packet[%s%d]",
				 size_name[BPFI_SIZE(in->code) >> 3],
				 BPFI_MODE(in->code) == BPFI_IND ? "src + " : "", in->imm);
		break;
	case BPFI_JMP:
	case BPFI_JMP32:
		jump_text(u, in, out, n);
		break;
	default:
		memory_text(in, out, n);
	}
}
