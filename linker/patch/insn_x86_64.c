/* SPDX-License-Identifier: MIT */
#include "insn_x86_64.h"

#include <Zydis/Zydis.h>

/* Flags that are written only under a condition stay as they were otherwise: shifts by cl
 * or by 0, and repeated string instructions with rcx == 0. */
static bool flags_conditional(const ZydisDecodedInstruction *z)
{
	if (z->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
		return true;
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_SHL: case ZYDIS_MNEMONIC_SHR: case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_SHLD: case ZYDIS_MNEMONIC_SHRD:
	case ZYDIS_MNEMONIC_ROL: case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL: case ZYDIS_MNEMONIC_RCR:
		return true;
	default:
		return false;
	}
}

static void see_flags(const ZydisDecodedInstruction *z, struct insn *in)
{
	const ZydisAccessedFlags *f = z->cpu_flags;

	if (!f)
		return;
	in->flags_read = f->tested & FLAGS_STATUS;
	if (!flags_conditional(z))
		in->flags_killed = (f->modified | f->set_0 | f->set_1 | f->undefined) & FLAGS_STATUS;
	if (z->mnemonic == ZYDIS_MNEMONIC_STD)
		in->flags_read |= FLAG_DF;
	if (z->mnemonic == ZYDIS_MNEMONIC_PUSHF || z->mnemonic == ZYDIS_MNEMONIC_PUSHFQ)
		in->flags_read |= FLAGS_STATUS;
}

static uint8_t branch_kind(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_LOOP: case ZYDIS_MNEMONIC_LOOPE: case ZYDIS_MNEMONIC_LOOPNE:
	case ZYDIS_MNEMONIC_JRCXZ: case ZYDIS_MNEMONIC_JECXZ: case ZYDIS_MNEMONIC_JCXZ:
		return INSN_LOOP;
	case ZYDIS_MNEMONIC_XBEGIN:
		return INSN_XBEGIN;
	case ZYDIS_MNEMONIC_ENDBR64:
		return INSN_ENDBR;
	case ZYDIS_MNEMONIC_INT3: case ZYDIS_MNEMONIC_UD0: case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2: case ZYDIS_MNEMONIC_HLT:
		return INSN_TRAP;
	case ZYDIS_MNEMONIC_SYSCALL: case ZYDIS_MNEMONIC_SYSENTER: case ZYDIS_MNEMONIC_INT:
		return INSN_SYSCALL;
	default:
		break;
	}
	switch (z->meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return z->raw.imm[0].is_relative ? INSN_CALL : INSN_CALL_IND;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return z->raw.imm[0].is_relative ? INSN_JMP : INSN_JMP_IND;
	case ZYDIS_CATEGORY_COND_BR:
		return INSN_JCC;
	case ZYDIS_CATEGORY_RET:
		return INSN_RET;
	case ZYDIS_CATEGORY_NOP: case ZYDIS_CATEGORY_WIDENOP:
		return INSN_NOP;
	default:
		return INSN_PLAIN;
	}
}

static bool is_far(const ZydisDecodedInstruction *z)
{
	return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
	       (z->meta.category == ZYDIS_CATEGORY_RET && z->mnemonic != ZYDIS_MNEMONIC_RET);
}

static const char *refuse_move(const struct insn *in, const ZydisDecodedInstruction *z)
{
	bool o16 = z->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE;

	if (is_far(z))
		return "a far transfer";
	if (in->kind == INSN_SYSCALL)
		return "a system call, which tells the program its address";
	if (in->kind == INSN_TRAP && z->mnemonic != ZYDIS_MNEMONIC_INT3 &&
	    z->mnemonic != ZYDIS_MNEMONIC_HLT)
		return "a trap, which handlers know by its address";
	if (insn_has_target(in) && o16 && !(z->attributes & ZYDIS_ATTRIB_HAS_REX && z->raw.rex.W))
		return "a branch with an operand-size prefix, on which processors disagree";
	if (in->rip_rel && z->address_width == 32)
		return "an EIP-relative operand";
	/* The copy reads the operand behind the push of the return address. */
	if (in->kind == INSN_CALL_IND && z->raw.modrm.mod == 3 && z->raw.modrm.rm == 4 && !z->raw.rex.B)
		return "a call through the stack pointer";
	return NULL;
}

static void see_branch(const ZydisDecodedInstruction *z, struct insn *in)
{
	in->kind = branch_kind(z);
	if (insn_has_target(in))
		in->target = in->vaddr + in->len + z->raw.imm[0].value.u;
	if (in->kind == INSN_JCC)
		in->cc = z->opcode & 15;
	if (in->kind == INSN_LOOP) {
		in->cc = z->opcode;
		in->addr32 = z->address_width == 32;
	}
}

/* disp(base): not those of VEX and the like, whose register bits lie elsewhere. */
static void see_memory(const ZydisDecodedInstruction *z, struct insn *in)
{
	uint8_t mod = z->raw.modrm.mod, rm = z->raw.modrm.rm;
	uint8_t b = (uint8_t)(z->raw.rex.B << 3), x = (uint8_t)(z->raw.rex.X << 3);

	in->rsp_base = mod != 3 && rm == 4 && z->raw.sib.base == 4 && !b;
	if (mod == 3 || z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || (rm == 5 && !mod))
		return;
	if (rm == 4) {
		in->has_base = (z->raw.sib.index | x) == 4 && (z->raw.sib.base != 5 || mod);
		in->base = z->raw.sib.base | b;
	} else {
		in->has_base = true;
		in->base = rm | b;
	}
	in->disp = (int32_t)z->raw.disp.value;
}

bool insn_decode(const uint8_t *p, size_t n, uint64_t vaddr, struct insn *out)
{
	ZydisDecoder d;
	ZydisDecodedInstruction z;

	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, NULL, p, n, &z)))
		return false;
	*out = (struct insn){ .vaddr = vaddr, .len = z.length };
	memcpy(out->byte, p, z.length);
	if (z.attributes & ZYDIS_ATTRIB_HAS_MODRM) {
		out->modrm_off = z.raw.modrm.offset;
		out->rip_rel = z.raw.modrm.mod == 0 && z.raw.modrm.rm == 5 && z.raw.disp.size == 32;
		see_memory(&z, out);
	}
	see_branch(&z, out);
	if (out->kind == INSN_NOP || out->kind == INSN_ENDBR)
		out->rip_rel = false;	/* a long nop's operand is never touched */
	if (out->rip_rel) {
		out->disp_off = z.raw.disp.offset;
		out->mem_vaddr = vaddr + z.length + (uint64_t)z.raw.disp.value;
	}
	out->is_lea = z.mnemonic == ZYDIS_MNEMONIC_LEA;
	out->is_pop = z.mnemonic == ZYDIS_MNEMONIC_POP;
	if (!insn_has_target(out) && z.raw.imm[0].size == 32) {
		out->imm32 = true;
		out->imm = (uint32_t)z.raw.imm[0].value.u;
	}
	see_flags(&z, out);
	out->refuse = refuse_move(out, &z);
	return true;
}

static const uint8_t lea_room[] = { 0x48, 0x8d, 0x64, 0x24, 0xf8 };	/* lea -8(%rsp), %rsp */

/* Pushes `ra`; flags and registers stay.  Below the stack pointer is free at a call. */
static void put_push_address(struct code *c, uint64_t ra)
{
	put(c, lea_room, sizeof(lea_room));
	PUT(c, 0x50);				/* push %rax */
	PUT(c, 0x48, 0x8d, 0x05);		/* lea ra(%rip), %rax */
	put_rel32(c, ra, 0);
	PUT(c, 0x48, 0x89, 0x44, 0x24, 0x08);	/* mov %rax, 8(%rsp) */
	PUT(c, 0x58);				/* pop %rax */
}

/* The same in the 8 bytes that the call itself takes; the flags are lost. */
static void put_push_tight(struct code *c, uint64_t ra)
{
	PUT(c, 0xe8, 0, 0, 0, 0);		/* call here */
	PUT(c, 0x48, 0x81, 0x04, 0x24);		/* here: addq $ra - here, (%rsp) */
	put_rel32(c, ra + 8, 0);
}

/* jmp *operand of a call *operand, behind the push of the return address. */
static void put_call_operand(struct code *c, const struct insn *in)
{
	const uint8_t *m = in->byte + in->modrm_off;
	uint8_t modrm = (uint8_t)((m[0] & 0xc7) | 4 << 3);	/* /2 -> /4 */
	uint8_t mod = m[0] >> 6;
	int32_t disp = 0;

	put(c, in->byte, in->modrm_off);
	if (in->rip_rel) {
		PUT(c, modrm);
		put_rel32(c, in->mem_vaddr, 0);
		return;
	}
	if (!in->rsp_base) {
		PUT(c, modrm);
		put(c, m + 1, (size_t)(in->byte + in->len - (m + 1)));
		return;
	}
	if (mod == 1)
		disp = (int8_t)m[2];
	else if (mod == 2)
		memcpy(&disp, m + 2, 4);
	PUT(c, (uint8_t)((modrm & 0x3f) | 0x80), m[1]);
	put32(c, (uint32_t)disp + 8);
}

static void put_loop(struct code *c, const struct insn *in, uint64_t target)
{
	if (in->addr32)
		PUT(c, 0x67);
	PUT(c, in->cc, 2);	/* loop .taken */
	PUT(c, 0xeb, 5);	/* jmp .not */
	put_jmp(c, target);	/* .taken: */
}

static void put_insn(struct code *c, const struct insn *in, uint64_t target)
{
	switch (in->kind) {
	case INSN_JCC: put_jcc(c, in->cc, target); return;
	case INSN_JMP: put_jmp(c, target); return;
	case INSN_LOOP: put_loop(c, in, target); return;
	case INSN_XBEGIN:
		PUT(c, 0xc7, 0xf8);
		put_rel32(c, target, 0);
		return;
	case INSN_CALL:
		if (in->tight)
			put_push_tight(c, in->vaddr + in->len);
		else
			put_push_address(c, in->vaddr + in->len);
		put_jmp(c, target);
		return;
	case INSN_CALL_IND:
		put_push_address(c, in->vaddr + in->len);
		put_call_operand(c, in);
		return;
	default:
		break;
	}
	if (in->rip_rel) {
		put(c, in->byte, in->disp_off);
		put_rel32(c, in->mem_vaddr, in->len - in->disp_off - 4u);
		put(c, in->byte + in->disp_off + 4, in->len - in->disp_off - 4u);
		return;
	}
	put(c, in->byte, in->len);
}

/* Where a branch to `target` goes: into the copies, or where it went before. */
static uint64_t retarget(const struct insn *in, size_t n, const struct code *c,
			 const size_t *off, uint64_t target)
{
	for (size_t i = 1; i < n; i++)
		if (in[i].vaddr == target)
			return c->vaddr + off[i];
	return target;
}

void insns_move(const struct insn *in, size_t n, struct code *c, size_t *off)
{
	struct code dry = { .n = c->n, .vaddr = c->vaddr };

	for (size_t i = 0; i < n; i++) {
		off[i] = dry.n;
		put_insn(&dry, &in[i], in[i].target);
	}
	off[n] = dry.n;
	for (size_t i = 0; i < n; i++) {
		bool in_group = insn_has_target(&in[i]) && in[i].kind != INSN_CALL;

		put_insn(c, &in[i], in_group ? retarget(in, n, c, off, in[i].target) : in[i].target);
	}
}
