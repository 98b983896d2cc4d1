/* SPDX-License-Identifier: MIT
 *
 * structure.c - is each instruction one of the set, with its unused fields zero?
 *
 * What a loader resolves (opcodes, loads and stores, ld_imm64, map references) is checked
 * for all instructions, dead or not; the rest by check_fields() when a path gets there. */
#include "mapfmt.h"
#include "vfy.h"

static int reserved(struct vfy *v, const char *what)
{
	return refuse(v, DIAG_V004, "%s", what);
}

static bool alu_known(const struct bpfi *in)
{
	unsigned op = BPFI_OP(in->code);

	switch (op) {
#define ALU(name_, code_, text_) case code_:
#include "isa.def"
		break;
	default:
		return false;
	}
	return op != BPFI_NEG || BPFI_SRC(in->code) == BPFI_K;
}

static bool jump_known(const struct bpfi *in)
{
	bool wide = BPFI_CLASS(in->code) == BPFI_JMP;

	switch (BPFI_OP(in->code)) {
#define JMP(name_, code_, text_) case code_:
#include "isa.def"
		return true;
	case 0x00:	/* ja, gotol */
		return BPFI_SRC(in->code) == BPFI_K;
	case 0x80:	/* call */
	case 0x90:	/* exit */
	case 0xe0:	/* may_goto */
		return wide && BPFI_SRC(in->code) == BPFI_K;
	default:
		return false;
	}
}

static bool opcode_known(const struct bpfi *in)
{
	unsigned size = BPFI_SIZE(in->code), mode = BPFI_MODE(in->code);

	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
		return alu_known(in);
	case BPFI_ALU64:
		return alu_known(in) &&
		       !(BPFI_OP(in->code) == BPFI_END && BPFI_SRC(in->code) == BPFI_X);
	case BPFI_JMP:
	case BPFI_JMP32:
		return jump_known(in);
	case BPFI_LD:
		return in->code == BPFI_LD_IMM64 ||
		       ((mode == BPFI_ABS || mode == BPFI_IND) && size != BPFI_DW);
	case BPFI_LDX:
		return mode == BPFI_MEM || (mode == BPFI_MEMSX && size != BPFI_DW);
	case BPFI_ST:
		return mode == BPFI_MEM;
	default:	/* BPFI_STX */
		return mode == BPFI_MEM || mode == BPFI_ATOMIC;
	}
}

/* A reference to a map, or into the first value of one, must lead somewhere. */
static int check_map_ref(struct vfy *v, const struct bpfi *in)
{
	uint32_t map = (uint32_t)in->imm, off = (uint32_t)in[1].imm;
	const struct unit_map *m;

	if (map >= v->u->n_map)
		return refuse(v, DIAG_V034, "there is no map #%u", map);
	m = &v->u->map[map];
	if (m->type == MAP_TYPE_arena && v->out->arena >= 0 && v->out->arena != (int32_t)map)
		return refuse(v, DIAG_V034, "a second arena, %s, besides %s", m->name, v->u->map[v->out->arena].name);
	if (m->type == MAP_TYPE_arena)
		v->out->arena = (int32_t)map;
	if (in->src == BPFI_LD_MAP)
		return off ? reserved(v, "ld_imm64 of a map: upper half") : 0;
	if (m->type == MAP_TYPE_arena)
		return off <= (uint64_t)m->max_entries * MAPFMT_ARENA_PAGE ? 0 :
			refuse(v, DIAG_V034, "offset %u is outside %s (%u pages)", off, m->name, m->max_entries);
	if (m->type != MAP_TYPE_array || m->max_entries != 1)
		return refuse(v, DIAG_V034, "%s is not an array with one entry: its value has no "
			      "fixed address", m->name);
	if (off >= m->value_size)
		return refuse(v, DIAG_V034, "offset %u is outside the value of %s (%u bytes)", off,
			      m->name, m->value_size);
	return 0;
}

static int check_ld_imm64(struct vfy *v, uint32_t i)
{
	const struct bpfi *in = &v->insn[i];

	if (i + 1 >= v->n_insn || in[1].code || in[1].dst || in[1].src || in[1].off)
		return reserved(v, "ld_imm64: second slot");
	v->aux[i + 1].bits |= INSN_SECOND;
	switch (in->src) {
	case BPFI_LD_CONST:
		return 0;
	case BPFI_LD_MAP:
	case BPFI_LD_MAP_VALUE:
		return check_map_ref(v, in);
	case BPFI_LD_FUNC:
		return in[1].imm ? reserved(v, "ld_imm64 of a function: upper half") : 0;
	default:
		return refuse(v, DIAG_V034, "ld_imm64 with src %u", in->src);
	}
}

int check_structure(struct vfy *v)
{
	int r = 0;

	for (uint32_t i = 0; i < v->n_insn && r >= 0; i++) {
		const struct bpfi *in = &v->insn[i];
		unsigned class = BPFI_CLASS(in->code);

		v->cur->pc = i;
		if (in->code == BPFI_JMP_CALLX)
			r = refuse(v, DIAG_V037, "the callee is a register");
		else if (!opcode_known(in))
			r = refuse(v, DIAG_V001, "%#04x", in->code);
		else if (class == BPFI_LDX && in->imm)
			r = reserved(v, "load: imm");
		else if (in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_KFUNC &&
			 (in->off || in->imm < 0 || (size_t)in->imm >= v->u->n_kfunc))
			r = refuse(v, DIAG_V036, "#%d of module %d", in->imm, in->off);
		else if (in->code == BPFI_LD_IMM64)
			r = check_ld_imm64(v, i++);
	}
	return r;
}

static int check_alu_fields(struct vfy *v, const struct bpfi *in)
{
	unsigned op = BPFI_OP(in->code), bits = BPFI_CLASS(in->code) == BPFI_ALU64 ? 64 : 32;
	bool reg = BPFI_SRC(in->code) == BPFI_X, divides = op == BPFI_DIV || op == BPFI_MOD;

	if (op == BPFI_END) {
		if (in->src || in->off || (in->imm != 16 && in->imm != 32 && in->imm != 64))
			return reserved(v, "byte swap");
	} else if (op == BPFI_NEG) {
		if (in->src || in->off || in->imm)
			return reserved(v, "negation");
	} else if (bpfi_is_cast(in)) {
		if (in->imm != BPFI_CAST_KERN && in->imm != BPFI_CAST_USER)
			return reserved(v, "addr_space_cast: imm");
		return 0;
	} else if (reg ? in->imm : in->src) {
		return reserved(v, reg ? "arithmetic with a register: imm"
				       : "arithmetic with a constant: src");
	} else if (op == BPFI_MOV && reg) {
		if (in->off && in->off != 8 && in->off != 16 && !(in->off == 32 && bits == 64))
			return reserved(v, "mov: off");
	} else if (in->off && !(divides && in->off == 1)) {
		return reserved(v, "arithmetic: off");
	}
	if (reg)
		return 0;
	if (divides && !in->imm)
		return refuse(v, DIAG_V017, "division by the constant 0");
	if ((op == BPFI_LSH || op == BPFI_RSH || op == BPFI_ARSH) &&
	    (uint32_t)in->imm >= bits)
		return refuse(v, DIAG_V017, "a shift by %d does not fit %u bits", in->imm, bits);
	return 0;
}

static int check_jump_fields(struct vfy *v, const struct bpfi *in)
{
	switch (in->code) {
	case BPFI_JMP_CALL:
		if (in->dst || in->off || in->src > BPFI_CALL_EXTERN ||
		    (in->src == BPFI_CALL_EXTERN && (uint32_t)in->imm >= v->u->n_ext))
			return reserved(v, "call");
		return 0;
	case BPFI_JMP_EXIT:
		return in->dst || in->src || in->off || in->imm ? reserved(v, "exit") : 0;
	case BPFI_JMP_JA:
		return in->dst || in->src || in->imm ? reserved(v, "ja") : 0;
	case BPFI_JMP_GOTOL:
		return in->dst || in->src || in->off ? reserved(v, "gotol") : 0;
	case BPFI_MAY_GOTO:
		return in->dst || in->src || in->imm ? reserved(v, "may_goto") : 0;
	}
	if (BPFI_SRC(in->code) == BPFI_X ? in->imm : in->src)
		return reserved(v, "conditional jump");
	return 0;
}

int check_fields(struct vfy *v, const struct bpfi *in)
{
	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		return check_alu_fields(v, in);
	case BPFI_JMP:
	case BPFI_JMP32:
		return check_jump_fields(v, in);
	case BPFI_ST:
		return in->src ? reserved(v, "store of a constant: src") : 0;
	case BPFI_STX:
		return BPFI_MODE(in->code) == BPFI_MEM && in->imm ? reserved(v, "store: imm") : 0;
	case BPFI_LD:
		if (in->code == BPFI_LD_IMM64)
			return in->off ? reserved(v, "ld_imm64: off") : 0;
		if (in->dst || in->off || (BPFI_MODE(in->code) == BPFI_ABS && in->src))
			return reserved(v, "packet load");
		return 0;
	default:
		return 0;
	}
}
