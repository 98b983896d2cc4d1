/* SPDX-License-Identifier: MIT
 *
 * check_x86_64.c - what the code of a hook may touch, and what it costs.
 *
 * Trampolines save general registers only, so code that touches any other state would
 * change the target's.  A linear sweep suffices: compilers put no data into code here,
 * and what cannot be decoded is refused. */
#include "check_x86_64.h"

#include "decode_x86_64.h"

static const char *objection(const struct dec_insn *in, bool runtime)
{
	if (in->bits & (DEC_VECTOR | DEC_X87 | DEC_STATE))
		return "touches vector or x87 state, which hooks do not save";
	if (in->bits & DEC_PRIVILEGED)
		return "privileged instruction";
	if (runtime)
		return NULL;
	if (in->bits & DEC_FS_WRITE)
		return "stores through fs:, the target's thread data";
	/* fs:0 holds the thread block's own address; the stack protector's canary and a
	 * compiler's thread-local variables are at other constants. */
	if (in->bits & DEC_FS_READ && in->fs_const && in->fs_disp)
		return "reads a fixed place of the target's thread data";
	if (in->bits & DEC_GS)
		return "uses gs:";
	return NULL;
}

const char *x86_64_check(const uint8_t *p, size_t n, bool runtime, uint64_t *off)
{
	struct dec_insn in;
	const char *why;

	for (*off = 0; *off < n; *off += in.len) {
		if (!dec_x86_64(p + *off, n - *off, 0, &in))
			return "not an instruction";
		why = objection(&in, runtime);
		if (why)
			return why;
	}
	return NULL;
}

/* Proves that code from off on never writes r11: it sees every instruction of the rest of the
 * section, and nothing leads out.  A branch that waits for a relocation holds 0: it seems to
 * go to the next instruction. */
static bool keeps_r11(const uint8_t *p, size_t n, uint64_t off)
{
	struct dec_insn in;

	for (; off < n; off += in.len) {
		if (!dec_x86_64(p + off, n - off, off, &in) || in.regs_written >> 11 & 1)
			return false;
		if (in.bits & (DEC_CALL | DEC_SYSCALL))
			return false;
		if (in.bits & (DEC_JMP | DEC_COND) &&
		    (!in.has_target || in.target_vaddr >= n || in.target_vaddr == off + in.len))
			return false;
	}
	return true;
}

struct code_cost x86_64_cost(const uint8_t *p, size_t n, uint64_t off)
{
	struct code_cost c = { .keeps_all = keeps_r11(p, n, off) };
	struct dec_insn in;

	/* The likely path is the one that falls through: LLVM lays it out so. */
	while (off < n && c.insns < 4096 && dec_x86_64(p + off, n - off, off, &in)) {
		if (!(in.bits & DEC_NOP))
			c.insns++;
		c.saved_regs += !!(in.bits & DEC_PUSH);
		c.atomics += !!(in.bits & DEC_ATOMIC);
		if (in.bits & (DEC_RET | DEC_TRAP))
			break;
		off += in.len;
		if (in.bits & DEC_JMP) {
			if (!in.has_target || in.target_vaddr < off)
				break;	/* to elsewhere, or backwards: a loop */
			off = in.target_vaddr;
		}
	}
	return c;
}
