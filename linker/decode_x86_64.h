/* SPDX-License-Identifier: MIT
 *
 * decode_x86_64.h - one x86-64 instruction at a time: how long it is, where it goes, what
 * it touches.  Hides the decoder library (Zydis); whoever needs operands in full
 * (patch/insn_x86_64.c) asks the library itself. */
#ifndef BPFTIME_LINKER_DECODE_X86_64_H
#define BPFTIME_LINKER_DECODE_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dec_bits {
	DEC_VECTOR = 1 << 0,	/* touches xmm, ymm, zmm, k or MXCSR */
	DEC_X87 = 1 << 1,	/* touches x87 or MMX state */
	DEC_FS_READ = 1 << 2,	/* loads through fs: */
	DEC_FS_WRITE = 1 << 3,	/* stores through fs:, or changes the fs base */
	DEC_GS = 1 << 4,	/* the same, of gs */
	DEC_ATOMIC = 1 << 5,	/* locked, also xchg with memory */
	DEC_PUSH = 1 << 6,	/* of a general register */
	DEC_CALL = 1 << 7,
	DEC_JMP = 1 << 8,	/* unconditional */
	DEC_COND = 1 << 9,	/* jcc, loop, jrcxz */
	DEC_RET = 1 << 10,
	DEC_TRAP = 1 << 11,	/* int3, ud2, hlt */
	DEC_SYSCALL = 1 << 12,
	DEC_PRIVILEGED = 1 << 13,	/* faults in user mode, or talks to devices */
	DEC_NOP = 1 << 14,	/* of any length, endbr64 included */
	DEC_STATE = 1 << 15,	/* xsave and its like, vzeroupper: state as a whole */
	DEC_LEA = 1 << 16,
	DEC_COPY = 1 << 17,	/* mov of a 64-bit register to another */
	DEC_SUB = 1 << 18,
};

enum { DEC_NO_REG = 16 };

struct dec_insn {
	uint8_t  len;
	uint32_t bits;		/* enum dec_bits */
	bool     has_target;	/* direct call, jmp or jcc */
	uint64_t target_vaddr;
	bool     has_mem;	/* RIP-relative operand */
	uint64_t mem_vaddr;
	bool     fs_const;	/* the fs: operand has no register in its address */
	int64_t  fs_disp;	/* and this displacement */
	uint16_t regs_read, regs_written;	/* general registers by number, implied ones too */
	uint16_t regs_named;	/* read by an operand that is written out, other than in an address */
	bool     has_ea;	/* such an operand is memory, or an address that is computed (lea) */
	uint8_t  ea_base, ea_index;	/* its registers' numbers, DEC_NO_REG: none */
	int64_t  ea_disp;
	int64_t  imm;		/* the last immediate operand, sign-extended; 0: none */
};

/* Decodes the instruction at p (n bytes readable) as if it were at vaddr.  false: not an
 * instruction, or not all of it is there. */
bool dec_x86_64(const uint8_t *p, size_t n, uint64_t vaddr, struct dec_insn *out);

#ifdef __cplusplus
}
#endif
#endif
