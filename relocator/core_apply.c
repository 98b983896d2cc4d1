/* SPDX-License-Identifier: MIT */
#include "core.h"

static uint32_t bytes_of(uint8_t code)
{
	static const uint8_t bytes[] = { [BPFI_W >> 3] = 4, [BPFI_H >> 3] = 2, [BPFI_B >> 3] = 1,
					 [BPFI_DW >> 3] = 8 };

	return bytes[BPFI_SIZE(code) >> 3];
}

static const char *apply_alu(struct bpfi *in, const struct core_value *v)
{
	bool wide = BPFI_CLASS(in->code) == BPFI_ALU64;

	if (BPFI_SRC(in->code) != BPFI_K)
		return "an instruction without an immediate";
	if (v->validate && (uint64_t)(int64_t)in->imm != v->orig)
		return "the instruction does not hold the local value";
	if ((int64_t)v->now != (int32_t)v->now && (wide || v->now > UINT32_MAX))
		return "a value that does not fit the instruction";
	in->imm = (int32_t)v->now;
	return NULL;
}

static const char *resize(struct bpfi *in, const struct core_value *v)
{
	uint8_t size;

	if (bytes_of(in->code) != v->orig_bytes)
		return "a load of another size than the field";
	switch (v->now_bytes) {
	case 1: size = BPFI_B; break;
	case 2: size = BPFI_H; break;
	case 4: size = BPFI_W; break;
	case 8: size = BPFI_DW; break;
	default: return "a field of a size that no load has";
	}
	in->code = (uint8_t)(BPFI_MODE(in->code) | size | BPFI_CLASS(in->code));
	return NULL;
}

static const char *apply_mem(struct bpfi *in, const struct core_value *v, bool *poison)
{
	if (v->validate && (uint64_t)(int64_t)in->off != v->orig)
		return "the instruction does not hold the local value";
	if (v->now > INT16_MAX)
		return "an offset that does not fit the instruction";
	if (v->bad_size) {
		*poison = true;
		return NULL;
	}
	in->off = (int16_t)v->now;
	return v->orig_bytes == v->now_bytes ? NULL : resize(in, v);
}

static const char *apply_ld_imm64(struct bpfi *in, uint32_t n, const struct core_value *v)
{
	uint64_t imm;

	if (in[0].code != BPFI_LD_IMM64 || n < 2 || in[0].src || in[0].off || in[1].code ||
	    in[1].dst || in[1].src || in[1].off)
		return "not a load of a constant";
	imm = (uint32_t)in[0].imm | (uint64_t)(uint32_t)in[1].imm << 32;
	if (v->validate && imm != v->orig)
		return "the instruction does not hold the local value";
	in[0].imm = (int32_t)v->now;
	in[1].imm = (int32_t)(v->now >> 32);
	return NULL;
}

const char *core_apply(struct bpfi *in, uint32_t n, const struct core_value *v, bool *poison)
{
	*poison = v->poison;
	if (v->poison)
		return NULL;
	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		return apply_alu(in, v);
	case BPFI_LDX:
	case BPFI_ST:
	case BPFI_STX:
		return apply_mem(in, v, poison);
	case BPFI_LD:
		return apply_ld_imm64(in, n, v);
	default:
		return "an instruction that holds no such value";
	}
}
