/* SPDX-License-Identifier: MIT
 *
 * syscall_sites.c - which system call an instruction makes, and which must not be touched. */
#include "syscall_sites.h"

#include <string.h>

#include "insn_x86_64.h"

enum {
	LOOK_BACK = 24,		/* instructions */
	NEXT_CALL = 16,		/* bytes between the munmap and the exit of a thread's end */
	NR_MUNMAP = 11, NR_RT_SIGRETURN = 15, NR_CLONE = 56, NR_VFORK = 58, NR_EXIT = 60,
	NR_CLONE3 = 435,
};

const int32_t syscall_leaving[] = { NR_RT_SIGRETURN, NR_CLONE, NR_VFORK, NR_CLONE3, SYSCALL_ANY };

bool syscall_leaves_stack(int32_t nr)
{
	for (const int32_t *n = syscall_leaving; *n != SYSCALL_ANY; n++)
		if (*n == nr)
			return true;
	return false;
}

bool syscall_parse(const char *name, int32_t *nr, bool *exit)
{
	static const struct {
		int32_t nr;
		const char *name;
	} table[] = {
#define SYSCALL(nr_, name_) { nr_, #name_ },
#include "syscalls_x86_64.def"
	};
	size_t n;

	*exit = !strncmp(name, "sys_exit", 8);
	if (!*exit && strncmp(name, "sys_enter", 9))
		return false;
	n = *exit ? 8 : 9;
	*nr = SYSCALL_ANY;
	if (!name[n])
		return true;
	for (size_t i = 0; name[n] == '_' && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].name, name + n + 1)) {
			*nr = table[i].nr;
			return true;
		}
	return false;
}

static bool decode(const struct image *im, const struct targets *t, uint64_t vaddr, struct insn *out)
{
	uint64_t end = targets_code_end(t, vaddr), n = end > vaddr ? end - vaddr : 0;
	const uint8_t *p = n ? image_at(im, vaddr, n < 15 ? n : 15) : NULL;

	return p && insn_decode(p, n < 15 ? n : 15, vaddr, out);
}

/* What an instruction does to eax. */
enum ax_use { AX_KEPT, AX_SET, AX_UNKNOWN };

/* The register that a one-byte opcode with ModRM writes, if it is one of the common ones that
 * write one register and nothing else; 0 (rax) for all others.  Bit 4: memory or none. */
static uint8_t written(uint8_t op, uint8_t rex, uint8_t modrm)
{
	uint8_t reg = (uint8_t)((modrm >> 3 & 7) | (rex & 4) << 1);
	uint8_t rm = modrm >> 6 == 3 ? (uint8_t)((modrm & 7) | (rex & 1) << 3) : 16;

	switch (op) {
	case 0x8b: case 0x8d: case 0x63: case 0x03: case 0x0b: case 0x23: case 0x2b: case 0x33:
		return reg;
	case 0x89: case 0x88: case 0x01: case 0x09: case 0x21: case 0x29: case 0x31:
	case 0xc7: case 0xc6:
		return rm;
	case 0x39: case 0x3b: case 0x38: case 0x3a: case 0x85: case 0x84:
		return 16;
	case 0x83: case 0x81:
		return (modrm >> 3 & 7) == 7 ? 16 : rm;	/* /7: cmp */
	default:
		return 0;
	}
}

static enum ax_use use_of(const struct insn *in, uint32_t *value)
{
	uint8_t rex = 0, op;
	unsigned at = 0;

	if (in->kind == INSN_NOP || in->kind == INSN_JCC || in->kind == INSN_ENDBR)
		return AX_KEPT;
	if (in->kind != INSN_PLAIN)
		return AX_UNKNOWN;
	while (at < in->len && (in->byte[at] == 0x64 || in->byte[at] == 0x66))
		at++;
	if (at < in->len && (in->byte[at] & 0xf0) == 0x40)
		rex = in->byte[at++];
	op = in->byte[at];
	if ((op & 0xf8) == 0xb8) {	/* mov $imm, reg */
		*value = in->imm;
		return ((op & 7) | (rex & 1) << 3) ? AX_KEPT : in->imm32 ? AX_SET : AX_UNKNOWN;
	}
	if ((op & 0xf8) == 0x50)	/* push */
		return AX_KEPT;
	if (!in->modrm_off)
		return AX_UNKNOWN;
	if (op == 0xc7 && in->byte[in->modrm_off] == 0xc0 && !(rex & 1) && in->imm32) {
		*value = in->imm;
		return AX_SET;
	}
	if ((op == 0x31 || op == 0x33) && in->byte[in->modrm_off] == 0xc0 && !(rex & 5)) {
		*value = 0;
		return AX_SET;
	}
	return written(op, rex, in->byte[in->modrm_off]) ? AX_KEPT : AX_UNKNOWN;
}

int32_t syscall_number(const struct image *im, const struct targets *t, uint64_t vaddr)
{
	uint64_t at = vaddr;

	for (unsigned i = 0; i < LOOK_BACK; i++) {
		uint64_t before = targets_previous(t, at);
		struct insn in;
		uint32_t value;

		if (!before || targets_in(t, at, at + 1) || !decode(im, t, before, &in) ||
		    before + in.len != at)
			return SYSCALL_ANY;
		switch (use_of(&in, &value)) {
		case AX_SET: return value <= INT32_MAX ? (int32_t)value : SYSCALL_ANY;
		case AX_KEPT: at = before; break;
		default: return SYSCALL_ANY;
		}
	}
	return SYSCALL_ANY;
}

/* musl's cancellation points: a handler compares the program counter with the ends of this
 * code,  mov %r11, 8(%rsp); syscall; ret. */
static bool in_musl_cancel(const struct image *im, uint64_t vaddr)
{
	static const uint8_t code[] = { 0x4c, 0x89, 0x5c, 0x24, 0x08, 0x0f, 0x05, 0xc3 };
	const uint8_t *p = image_at(im, vaddr - 5, sizeof(code));

	return p && !memcmp(p, code, sizeof(code));
}

/* __restore_rt, wherever the decode has come to: mov $15, %rax; syscall. */
static bool is_sigreturn(const struct image *im, uint64_t vaddr)
{
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, NR_RT_SIGRETURN, 0, 0, 0, 0x0f, 0x05 };
	const uint8_t *p = image_at(im, vaddr - 7, sizeof(code));

	return p && !memcmp(p, code, sizeof(code));
}

/* munmap of the own stack, then exit: no stack is left between them (musl's __unmapself). */
static bool without_stack(const struct image *im, const struct targets *t, uint64_t vaddr, int32_t nr)
{
	size_t n;
	const uint64_t *all = targets_syscalls(t, &n);

	for (size_t i = 0; i < n; i++) {
		if (nr == NR_MUNMAP && all[i] > vaddr && all[i] - vaddr <= NEXT_CALL &&
		    syscall_number(im, t, all[i]) == NR_EXIT)
			return true;
		if (nr == NR_EXIT && all[i] < vaddr && vaddr - all[i] <= NEXT_CALL &&
		    syscall_number(im, t, all[i]) == NR_MUNMAP)
			return true;
	}
	return false;
}

const char *syscall_refused(const struct image *im, const struct targets *t, uint64_t vaddr,
			    int32_t nr)
{
	if (nr == NR_RT_SIGRETURN || is_sigreturn(im, vaddr))
		return "the return from a signal handler, which unwinders know by its bytes";
	if (in_musl_cancel(im, vaddr))
		return "a cancellation point, which its handler knows by its address";
	if (without_stack(im, t, vaddr, nr))
		return "a thread's last calls, made without a stack";
	return NULL;
}
