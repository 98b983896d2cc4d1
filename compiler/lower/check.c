/* SPDX-License-Identifier: MIT
 *
 * The structure that lowering relies on, for verified and unverified programs alike:
 * known instructions, jumps that stay inside their function and do not enter an
 * ld_imm64, functions that do not run off their end, indexes that exist.  Leaders and
 * function bounds are set on the way. */
#include "lower.h"

static struct loc at(const struct lower_prog *p, uint32_t i)
{
	const struct unit *u = p->l->u;

	return at_insn(u->path, p->prog->name, i, unit_src(u, p->prog, i));
}

static bool known_alu(const struct bpfi *in, bool verified)
{
	bool alu64 = BPFI_CLASS(in->code) == BPFI_ALU64, x = BPFI_SRC(in->code) == BPFI_X;

	if (bpfi_is_cast(in))
		return verified && (in->imm == BPFI_CAST_KERN || in->imm == BPFI_CAST_USER);
	switch (BPFI_OP(in->code)) {
	case BPFI_END:
		return (in->imm == 16 || in->imm == 32 || in->imm == 64) && !(alu64 && x);
	case BPFI_MOV:
		return !in->off || (x && (in->off == 8 || in->off == 16 || (in->off == 32 && alu64)));
	case BPFI_DIV:
	case BPFI_MOD:
		return in->off == 0 || in->off == 1;
	default:
		return BPFI_OP(in->code) <= BPFI_END;
	}
}

static bool known_jmp(const struct bpfi *in)
{
	if (in->code == BPFI_JMP_CALL || in->code == BPFI_JMP_CALLX ||
	    in->code == BPFI_JMP_EXIT || in->code == BPFI_JMP_JA || in->code == BPFI_JMP_GOTOL ||
	    in->code == BPFI_MAY_GOTO)
		return true;
	switch (BPFI_OP(in->code)) {
#define JMP(name_, code_, text_) case (code_): return true;
#include "isa.def"
	default: return false;
	}
}

static bool known_atomic(const struct bpfi *in)
{
	bool word = BPFI_SIZE(in->code) == BPFI_W || BPFI_SIZE(in->code) == BPFI_DW;

	switch (in->imm) {
	case BPFI_ATOMIC_LOAD:
	case BPFI_ATOMIC_STORE:
		return true;
	case BPFI_ATOMIC_ADD: case BPFI_ATOMIC_ADD | BPFI_FETCH:
	case BPFI_ATOMIC_OR:  case BPFI_ATOMIC_OR | BPFI_FETCH:
	case BPFI_ATOMIC_AND: case BPFI_ATOMIC_AND | BPFI_FETCH:
	case BPFI_ATOMIC_XOR: case BPFI_ATOMIC_XOR | BPFI_FETCH:
	case BPFI_ATOMIC_XCHG: case BPFI_ATOMIC_CMPXCHG:
		return word;
	default:
		return false;
	}
}

static bool known_mem(const struct bpfi *in)
{
	uint8_t mode = BPFI_MODE(in->code);

	switch (BPFI_CLASS(in->code)) {
	case BPFI_LDX:
		return mode == BPFI_MEM || (mode == BPFI_MEMSX && BPFI_SIZE(in->code) != BPFI_DW);
	case BPFI_STX:
		return mode == BPFI_MEM || (mode == BPFI_ATOMIC && known_atomic(in));
	default:
		return mode == BPFI_MEM;
	}
}

static bool known_ld_imm64(struct lower_prog *p, uint32_t i)
{
	const struct bpfi *in = &p->prog->insn[i];
	const struct lower_func *f;
	const struct unit *u = p->l->u;

	if (in->code != BPFI_LD_IMM64 || i + 1 >= p->prog->n_insn || in[1].code)
		return false;
	switch (in->src) {
	case BPFI_LD_CONST:
		return true;
	case BPFI_LD_MAP:
	case BPFI_LD_MAP_VALUE:
		return in->imm >= 0 && (size_t)in->imm < u->n_map;
	case BPFI_LD_FUNC:
		f = lower_func_at(p, (int64_t)i + 1 + in->imm);
		return f && f->callback;
	default:
		return false;
	}
}

static int check_insn(struct lower_prog *p, uint32_t i)
{
	const struct bpfi *in = &p->prog->insn[i];
	bool dead = p->facts && !p->facts->insn[i].reached, known = false;

	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU: case BPFI_ALU64:
		known = dead || known_alu(in, p->facts);
		if (!known && bpfi_is_cast(in) && !p->facts)
			return diag(p->l->dg, DIAG_C008, at(p, i), "addresses in an arena");
		break;
	case BPFI_JMP: case BPFI_JMP32:
		known = known_jmp(in);
		break;
	case BPFI_LD:
		if (BPFI_MODE(in->code) == BPFI_ABS || BPFI_MODE(in->code) == BPFI_IND)
			return diag(p->l->dg, DIAG_C004, at(p, i), "%s",
				    BPFI_MODE(in->code) == BPFI_ABS ? "LD_ABS" : "LD_IND");
		known = known_ld_imm64(p, i);
		break;
	default:
		known = dead || known_mem(in);
	}
	if (!known || in->dst >= N_REGS || in->src >= N_REGS)
		return diag(p->l->dg, DIAG_C001, at(p, i), "0x%02x dst %u src %u off %d imm %d",
			    in->code, in->dst, in->src, in->off, in->imm);
	return 0;
}

int64_t lower_target(const struct bpfi *in, uint32_t i)
{
	return (int64_t)i + 1 + (in->code == BPFI_JMP_GOTOL ? in->imm : in->off);
}

/* Marks where blocks start.  `second` has the second slots of ld_imm64. */
static int check_flow(struct lower_prog *p, const struct lower_func *f, uint32_t i,
		      const uint8_t *second)
{
	const struct bpfi *in = &p->prog->insn[i];
	uint8_t class = BPFI_CLASS(in->code);
	bool jmp = class == BPFI_JMP || class == BPFI_JMP32;
	bool leaves = in->code == BPFI_JMP_EXIT || in->code == BPFI_JMP_JA ||
		      in->code == BPFI_JMP_GOTOL;
	uint32_t next = i + 1 + (in->code == BPFI_LD_IMM64);
	int64_t to;

	if (!leaves && next >= f->end)
		return diag(p->l->dg, DIAG_C002, at(p, i), "the function runs off its end");
	if (!jmp)
		return 0;
	if (BPFI_OP(in->code) == BPFI_OP(BPFI_JMP_CALL)) {
		to = (int64_t)i + 1 + in->imm;
		if (in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_LOCAL &&
		    (!to || !lower_func_at(p, to)))		/* 0: main takes a context, not r1 to r5 */
			return diag(p->l->dg, DIAG_C002, at(p, i), "call to slot %lld",
				    (long long)to);
		return 0;
	}
	if (next < f->end)
		p->leader[next] = 1;
	if (in->code == BPFI_JMP_EXIT)
		return 0;
	to = lower_target(in, i);
	if (to < f->start || to >= f->end || second[to])
		return diag(p->l->dg, DIAG_C002, at(p, i), "jump to slot %lld", (long long)to);
	p->leader[to] = 1;
	return 0;
}

int lower_check(struct lower_prog *p)
{
	uint8_t *second = arena_alloc(p->l->a, p->prog->n_insn + 1);
	int r;

	for (uint32_t i = 0; i < p->prog->n_insn; i++) {
		if ((r = check_insn(p, i)) < 0)
			return r;
		if (p->prog->insn[i].code == BPFI_LD_IMM64)
			second[++i] = 1;
	}
	for (size_t n = 0; n < p->prog->n_func; n++) {
		struct lower_func *f = &p->func[n];

		if (second[f->start] || f->end <= f->start || (n == 0 && f->start))
			return diag(p->l->dg, DIAG_C002, at(p, f->start), "a function starts here");
		p->leader[f->start] = 1;
		for (uint32_t i = f->start; i < f->end; i++)
			if (!second[i] && (r = check_flow(p, f, i, second)) < 0)
				return r;
	}
	return 0;
}
