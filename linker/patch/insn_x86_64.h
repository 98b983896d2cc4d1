/* SPDX-License-Identifier: MIT
 *
 * insn_x86_64.h - instructions that have to run at another address.
 *
 * Wraps the decoder (Zydis): nothing else of the patcher includes it.  What cannot be moved
 * without the program noticing says why in insn.refuse. */
#ifndef BPFTIME_LINKER_PATCH_INSN_X86_64_H
#define BPFTIME_LINKER_PATCH_INSN_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emit_x86_64.h"

#ifdef __cplusplus
extern "C" {
#endif

enum insn_kind {
	INSN_PLAIN,	/* goes on to the next instruction */
	INSN_NOP,	/* of any length */
	INSN_ENDBR,
	INSN_JCC,	/* target; falls through */
	INSN_LOOP,	/* loop, loope, loopne, jrcxz, jecxz: target; falls through */
	INSN_XBEGIN,	/* target of an abort; falls through */
	INSN_JMP,	/* target */
	INSN_JMP_IND,
	INSN_CALL,	/* target */
	INSN_CALL_IND,
	INSN_RET,
	INSN_TRAP,	/* int3, ud2, hlt */
	INSN_SYSCALL,
};

/* The status flags, as in RFLAGS; DF is not one of them. */
enum { FLAGS_STATUS = 0x8d5, FLAG_DF = 0x400 };

struct insn {
	uint64_t vaddr;
	uint8_t  byte[15];
	uint8_t  len;
	uint8_t  kind;		/* enum insn_kind */
	uint8_t  cc;		/* INSN_JCC: condition; INSN_LOOP: opcode */
	uint8_t  addr32;	/* INSN_LOOP: counts in ecx */
	uint8_t  modrm_off;	/* 0: none */
	uint8_t  disp_off;	/* of the RIP-relative displacement, 0: none */
	uint16_t flags_read, flags_killed;	/* read; written whatever their value was */
	bool     rip_rel;
	bool     has_base;	/* memory operand disp(base), without index */
	uint8_t  base;		/* register number, 4: rsp */
	int32_t  disp;
	bool     rsp_base;	/* INSN_CALL_IND: the operand's address contains rsp */
	bool     is_lea, is_pop;
	bool     tight;		/* INSN_CALL: the copy uses no more stack than the call, but the flags */
	bool     imm32;		/* has a 32-bit immediate operand, imm */
	uint32_t imm;
	uint64_t target;	/* of a direct branch */
	uint64_t mem_vaddr;	/* of a RIP-relative operand */
	const char *refuse;	/* NULL: can be moved */
};

/* Decodes at p, of which n bytes are readable.  false: not an instruction. */
bool insn_decode(const uint8_t *p, size_t n, uint64_t vaddr, struct insn *out);

/* Does it never go on to the next instruction? */
static inline bool insn_ends(const struct insn *in)
{
	return in->kind == INSN_JMP || in->kind == INSN_JMP_IND || in->kind == INSN_RET ||
	       in->kind == INSN_TRAP;
}
static inline bool insn_has_target(const struct insn *in)
{
	return in->kind == INSN_JCC || in->kind == INSN_LOOP || in->kind == INSN_XBEGIN ||
	       in->kind == INSN_JMP || in->kind == INSN_CALL;
}

/* A call is moved as "push the address behind the original call; jmp", so that the
 * callee sees the return address that unwinders and the callee itself know.  The stack
 * pointer moves at these offsets of the copy: */
enum {
	CALL_AT_ROOM = 5,	/* -8 */
	CALL_AT_PUSH = 6,	/* -16 */
	CALL_AT_POP = 19,	/* -8 */
};

/* Writes n consecutive instructions, all without `refuse`, so that they do the same at
 * code_vaddr(c).  Branches to an instruction of the group other than the first go to its
 * copy; to the first they stay (it is the hooked one).  off[i] becomes the offset in c of
 * the copy of instruction i, off[n] the end.  When the last goes on, so must the caller. */
void insns_move(const struct insn *in, size_t n, struct code *c, size_t *off);

#ifdef __cplusplus
}
#endif
#endif
