/* SPDX-License-Identifier: MIT
 *
 * isa.h - the BPF instruction set as this project reads it.
 *
 * Encodings are those of RFC 9669 and of the kernel's load-acquire and
 * store-release; the table of operations is isa.def.  Nothing here depends on
 * the kernel headers of the build machine, which may be older. */
#ifndef BPFTIME_ABI_ISA_H
#define BPFTIME_ABI_ISA_H

#include <stdint.h>

/* One 8-byte slot.  ld_imm64 takes two.  Fields are little endian on disk for
 * `-target bpf` objects; a reader refuses the other byte order. */
struct bpfi {
	uint8_t code;
	uint8_t dst : 4;
	uint8_t src : 4;
	int16_t off;
	int32_t imm;
};

enum bpfi_class {
	BPFI_LD = 0, BPFI_LDX = 1, BPFI_ST = 2, BPFI_STX = 3,
	BPFI_ALU = 4, BPFI_JMP = 5, BPFI_JMP32 = 6, BPFI_ALU64 = 7,
};
enum bpfi_size { BPFI_W = 0x00, BPFI_H = 0x08, BPFI_B = 0x10, BPFI_DW = 0x18 };
enum bpfi_mode {
	BPFI_IMM = 0x00, BPFI_ABS = 0x20, BPFI_IND = 0x40, BPFI_MEM = 0x60,
	BPFI_MEMSX = 0x80, BPFI_ATOMIC = 0xc0,
};
enum bpfi_src { BPFI_K = 0x00, BPFI_X = 0x08 };

#define BPFI_CLASS(code_) ((code_) & 0x07)
#define BPFI_SIZE(code_)  ((code_) & 0x18)
#define BPFI_MODE(code_)  ((code_) & 0xe0)
#define BPFI_OP(code_)    ((code_) & 0xf0)
#define BPFI_SRC(code_)   ((code_) & 0x08)

/* ALU and JMP operation codes, one enumerator a row. */
enum bpfi_op {
#define ALU(name_, code_, text_)  BPFI_##name_ = (code_),
#define JMP(name_, code_, text_)  BPFI_##name_ = (code_),
#include "isa.def"
};

enum {
	BPFI_LD_IMM64 = BPFI_LD | BPFI_DW | BPFI_IMM,
	BPFI_JMP_CALL = 0x85, BPFI_JMP_CALLX = 0x8d, BPFI_JMP_EXIT = 0x95,
	BPFI_JMP_JA = 0x05, BPFI_JMP_GOTOL = 0x06,
	BPFI_MAY_GOTO = 0xe5,
};

/* mov of a register with off BPFI_CAST: an address of an arena for programs becomes one for
 * processes or the other way round, by imm. */
enum { BPFI_CAST = 1, BPFI_CAST_KERN = 1, BPFI_CAST_USER = 1 << 16 };
static inline int bpfi_is_cast(const struct bpfi *in)
{
	return in->code == (BPFI_ALU64 | BPFI_MOV | BPFI_X) && in->off == BPFI_CAST;
}

/* imm of an atomic instruction */
enum bpfi_atomic {
#define ATOMIC(name_, imm_, text_) BPFI_ATOMIC_##name_ = (imm_),
#include "isa.def"
	BPFI_FETCH = 0x01,
};

/* src of ld_imm64, after relocation.  imm (and the second slot's imm) then hold: */
enum bpfi_pseudo_ld {
	BPFI_LD_CONST = 0,	/* low half | high half */
	BPFI_LD_MAP = 1,	/* map index in the unit | 0 */
	BPFI_LD_MAP_VALUE = 2,	/* map index in the unit | byte offset in the first value */
	BPFI_LD_FUNC = 4,	/* callee - (this + 1), in slots, as a call's imm | 0 */
};
/* src of call, after relocation */
enum bpfi_pseudo_call {
	BPFI_CALL_HELPER = 0,	/* imm: helper id */
	BPFI_CALL_LOCAL = 1,	/* imm: callee - (this + 1), in slots */
	BPFI_CALL_KFUNC = 2,	/* imm: index into the unit's kfuncs */
	BPFI_CALL_EXTERN = 3,	/* imm: index into the unit's externs; never in an object file */
};

/* An instruction whose CO-RE access has no answer becomes a call to this id,
 * as libbpf does it; only dead code may keep one. */
#define BPFI_POISON_HELPER 0x0bad2310

enum { BPFI_R10 = 10, BPFI_STACK_BYTES = 512, BPFI_MAX_FRAMES = 8 };

#endif
