/* SPDX-License-Identifier: MIT */
#include "decode_x86_64.h"

#include <Zydis/Zydis.h>

static bool in(ZydisRegister r, ZydisRegister first, ZydisRegister last)
{
	return r >= first && r <= last;
}

static bool is_vector(ZydisRegister r)
{
	return in(r, ZYDIS_REGISTER_XMM0, ZYDIS_REGISTER_ZMM31) ||
	       in(r, ZYDIS_REGISTER_K0, ZYDIS_REGISTER_K7) ||
	       in(r, ZYDIS_REGISTER_TMM0, ZYDIS_REGISTER_TMM7) || r == ZYDIS_REGISTER_MXCSR;
}

static bool is_x87(ZydisRegister r)
{
	return in(r, ZYDIS_REGISTER_ST0, ZYDIS_REGISTER_ST7) ||
	       in(r, ZYDIS_REGISTER_MM0, ZYDIS_REGISTER_MM7) ||
	       r == ZYDIS_REGISTER_X87CONTROL || r == ZYDIS_REGISTER_X87STATUS ||
	       r == ZYDIS_REGISTER_X87TAG;
}

/* Bit of the 64-bit register that r is part of; 0 when it is none of the sixteen. */
static uint16_t gpr_bit(ZydisRegister r)
{
	ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	if (!in(wide, ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_R15))
		return 0;
	return (uint16_t)(1u << (wide - ZYDIS_REGISTER_RAX));
}

static void see_memory(const ZydisDecodedInstruction *ins, const ZydisDecodedOperand *op,
		       uint64_t vaddr, struct dec_insn *out)
{
	const ZydisDecodedOperandMem *m = &op->mem;
	bool writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;

	out->regs_read |= gpr_bit(m->base) | gpr_bit(m->index);
	if (is_vector(m->index))
		out->bits |= DEC_VECTOR;
	if (m->type == ZYDIS_MEMOP_TYPE_AGEN)
		writes = false;
	else if (m->segment == ZYDIS_REGISTER_FS) {
		out->bits |= writes ? DEC_FS_WRITE : 0;
		out->bits |= op->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? DEC_FS_READ : 0;
		out->fs_const = m->base == ZYDIS_REGISTER_NONE && m->index == ZYDIS_REGISTER_NONE;
		out->fs_disp = m->disp.value;
	} else if (m->segment == ZYDIS_REGISTER_GS) {
		out->bits |= DEC_GS;
	}
	if (m->base == ZYDIS_REGISTER_RIP) {
		out->has_mem = true;
		out->mem_vaddr = vaddr + ins->length + (uint64_t)m->disp.value;
	}
	if (op->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT) {
		uint16_t base = gpr_bit(m->base), index = gpr_bit(m->index);

		out->has_ea = true;
		out->ea_base = base ? (uint8_t)__builtin_ctz(base) : DEC_NO_REG;
		out->ea_index = index ? (uint8_t)__builtin_ctz(index) : DEC_NO_REG;
		out->ea_disp = m->disp.value;
	}
	if (ins->mnemonic == ZYDIS_MNEMONIC_XCHG && m->type == ZYDIS_MEMOP_TYPE_MEM)
		out->bits |= DEC_ATOMIC;
}

static void see_register(const ZydisDecodedOperand *op, struct dec_insn *out)
{
	ZydisRegister r = op->reg.value;

	if (is_vector(r))
		out->bits |= DEC_VECTOR;
	if (is_x87(r))
		out->bits |= DEC_X87;
	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ) {
		out->regs_read |= gpr_bit(r);
		if (op->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
			out->regs_named |= gpr_bit(r);
	}
	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		out->regs_written |= gpr_bit(r);
	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
		if (r == ZYDIS_REGISTER_FS)
			out->bits |= DEC_FS_WRITE;
		if (r == ZYDIS_REGISTER_GS)
			out->bits |= DEC_GS;
	}
}

static uint32_t category_bits(const ZydisDecodedInstruction *ins)
{
	switch (ins->meta.category) {
	case ZYDIS_CATEGORY_CALL: return DEC_CALL;
	case ZYDIS_CATEGORY_UNCOND_BR: return DEC_JMP;
	case ZYDIS_CATEGORY_COND_BR: return DEC_COND;
	case ZYDIS_CATEGORY_RET: return DEC_RET;
	case ZYDIS_CATEGORY_SYSCALL: return DEC_SYSCALL;
	case ZYDIS_CATEGORY_INTERRUPT: return DEC_TRAP;
	case ZYDIS_CATEGORY_NOP:
	case ZYDIS_CATEGORY_WIDENOP: return DEC_NOP;
	case ZYDIS_CATEGORY_XSAVE:
	case ZYDIS_CATEGORY_XSAVEOPT: return DEC_STATE;
	case ZYDIS_CATEGORY_X87_ALU:
	case ZYDIS_CATEGORY_MMX: return DEC_X87;
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP: return DEC_PRIVILEGED;
	default: return 0;
	}
}

static uint32_t mnemonic_bits(const ZydisDecodedInstruction *ins, const ZydisDecodedOperand *op)
{
	switch (ins->mnemonic) {
	case ZYDIS_MNEMONIC_LEA: return DEC_LEA;
	case ZYDIS_MNEMONIC_SUB: return DEC_SUB;
	case ZYDIS_MNEMONIC_MOV:
		return ins->operand_width == 64 && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		       op[1].type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_bit(op[0].reg.value) &&
		       gpr_bit(op[1].reg.value) ? DEC_COPY : 0;
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT: return DEC_TRAP;
	case ZYDIS_MNEMONIC_ENDBR64: return DEC_NOP;
	case ZYDIS_MNEMONIC_VZEROALL:
	case ZYDIS_MNEMONIC_VZEROUPPER: return DEC_STATE | DEC_VECTOR;
	case ZYDIS_MNEMONIC_FXSAVE:
	case ZYDIS_MNEMONIC_FXSAVE64:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
	case ZYDIS_MNEMONIC_EMMS:
	case ZYDIS_MNEMONIC_FNSAVE:
	case ZYDIS_MNEMONIC_FRSTOR:
	case ZYDIS_MNEMONIC_FNINIT: return DEC_STATE;
	case ZYDIS_MNEMONIC_WRFSBASE: return DEC_FS_WRITE;
	case ZYDIS_MNEMONIC_WRGSBASE: return DEC_GS;
	default: return 0;
	}
}

bool dec_x86_64(const uint8_t *p, size_t n, uint64_t vaddr, struct dec_insn *out)
{
	ZydisDecoder d;
	ZydisDecodedInstruction ins;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

	*out = (struct dec_insn){ 0 };
	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, p, n, &ins, op)))
		return false;
	out->len = ins.length;
	out->bits = category_bits(&ins) | mnemonic_bits(&ins, op);
	if (ins.attributes & ZYDIS_ATTRIB_HAS_LOCK)
		out->bits |= DEC_ATOMIC;
	if (ins.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED)
		out->bits |= DEC_PRIVILEGED;
	if (out->bits & DEC_NOP)	/* a long nop's memory operand is never touched */
		return true;
	for (unsigned i = 0; i < ins.operand_count; i++) {
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			see_memory(&ins, &op[i], vaddr, out);
		else if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
			see_register(&op[i], out);
		else if (op[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !op[i].imm.is_relative)
			out->imm = op[i].imm.value.s;
		else if (op[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op[i].imm.is_relative &&
			 out->bits & (DEC_CALL | DEC_JMP | DEC_COND)) {
			out->has_target = true;
			out->target_vaddr = vaddr + ins.length + op[i].imm.value.u;
		}
	}
	if (ins.mnemonic == ZYDIS_MNEMONIC_PUSH && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    gpr_bit(op[0].reg.value))
		out->bits |= DEC_PUSH;
	return true;
}
