/* SPDX-License-Identifier: MIT */
#include "stub.h"

#include <string.h>

#include "emit_x86_64.h"

enum {
	RED_ZONE = 128, SPINS = 1 << 21,
	NR_RESTART = 219,
	/* include/linux/errno.h of the kernel: what a call that is to be restarted has returned */
	K_ERESTARTSYS = 512, K_ERESTARTNOINTR = 513, K_ERESTARTNOHAND = 514, K_ERESTART_BLOCK = 516,
	/* Where what stands, checked by the test of its form */
	AT_LOWER = 13, AT_PUSH = 18, AT_POP = 23, AT_RAISE = 24, AT_REGS = 32, REG_BYTES = 10, N_REG = 9,
	AT_RAX = AT_REGS + (N_REG - 1) * REG_BYTES, AT_JMP = AT_REGS + N_REG * REG_BYTES, AT_TARGET = AT_JMP + 6,
};

static const uint8_t in_wait[] = { 2, 7, 9, 11 };	/* its instructions */

/* In the order in which they are loaded; rax, where the result is, last. */
static const struct {
	uint8_t nr;
	size_t  at;
} loaded[N_REG] = {
	{ 1, offsetof(struct user_regs_struct, rcx) }, { 2, offsetof(struct user_regs_struct, rdx) },
	{ 6, offsetof(struct user_regs_struct, rsi) }, { 7, offsetof(struct user_regs_struct, rdi) },
	{ 8, offsetof(struct user_regs_struct, r8) }, { 9, offsetof(struct user_regs_struct, r9) },
	{ 10, offsetof(struct user_regs_struct, r10) }, { 11, offsetof(struct user_regs_struct, r11) },
	{ 0, offsetof(struct user_regs_struct, rax) },
};

/* A call that was interrupted begins anew, as the kernel would have it where no signal is waiting. */
static void restart(struct user_regs_struct *u)
{
	if ((int64_t)u->orig_rax < 0)
		return;
	switch (-(int64_t)u->rax) {
	case K_ERESTARTSYS: case K_ERESTARTNOINTR: case K_ERESTARTNOHAND:
		u->rax = u->orig_rax;
		u->rip -= STUB_CALL_BYTES;
		break;
	case K_ERESTART_BLOCK:
		u->rax = NR_RESTART;
		u->rip -= STUB_CALL_BYTES;
		break;
	default:
		break;
	}
}

void stub_put(uint8_t out[STUB_BYTES], const struct user_regs_struct *was)
{
	struct code c = { out, 0, STUB_BYTES, 0, false };
	struct user_regs_struct u = *was;

	restart(&u);
	PUT(&c, 0x0f, 0x05);					/* syscall */
	PUT(&c, 0xb9);						/* mov $spins, %ecx */
	put32(&c, SPINS);
	PUT(&c, 0xf3, 0x90, 0xff, 0xc9, 0x75, 0xfa);		/* pause; dec %ecx; jnz */
	PUT(&c, 0x48, 0x8d, 0x64, 0x24, (uint8_t)-RED_ZONE);	/* lea -128(%rsp), %rsp */
	PUT(&c, 0x68);						/* push $flags */
	put32(&c, (uint32_t)u.eflags);
	PUT(&c, 0x9d);						/* popfq */
	PUT(&c, 0x48, 0x8d, 0xa4, 0x24);			/* lea 128(%rsp), %rsp */
	put32(&c, RED_ZONE);
	for (size_t i = 0; i < N_REG; i++) {
		uint64_t v;

		memcpy(&v, (const char *)&u + loaded[i].at, sizeof(v));
		PUT(&c, (uint8_t)(0x48 | (loaded[i].nr >= 8 ? 1 : 0)), (uint8_t)(0xb8 | (loaded[i].nr & 7)));
		put64(&c, v);
	}
	PUT(&c, 0xff, 0x25, 0, 0, 0, 0);			/* jmp *0(%rip) */
	put64(&c, u.rip);
}

bool stub_is(const uint8_t code[STUB_BYTES])
{
	struct user_regs_struct none = { .orig_rax = UINT64_MAX }, all;
	uint8_t a[STUB_BYTES], b[STUB_BYTES];
	bool same = true;

	memset(&all, 0xff, sizeof(all));
	stub_put(a, &none);
	stub_put(b, &all);
	for (size_t i = 0; i < STUB_BYTES; i++)
		same &= a[i] != b[i] || code[i] == a[i];
	return same;
}

bool stub_returned(uint64_t off)
{
	return off >= STUB_CALL_BYTES && off <= AT_RAX;
}

static bool is_start(uint64_t off)
{
	bool yes = !off || off == AT_LOWER || off == AT_PUSH || off == AT_POP || off == AT_RAISE || off == AT_JMP ||
		   (off >= AT_REGS && off < AT_JMP && (off - AT_REGS) % REG_BYTES == 0);

	for (size_t i = 0; i < sizeof(in_wait); i++)
		yes |= off == in_wait[i];
	return yes;
}

bool stub_finish(const uint8_t code[STUB_BYTES], uint64_t off, struct user_regs_struct *u)
{
	uint32_t flags;

	if (!is_start(off))
		return false;
	memcpy(&flags, code + AT_PUSH + 1, sizeof(flags));
	memcpy(&u->rip, code + AT_TARGET, sizeof(u->rip));
	for (size_t i = 0; i < N_REG; i++)
		memcpy((char *)u + loaded[i].at, code + AT_REGS + i * REG_BYTES + 2, sizeof(uint64_t));
	if (off >= AT_PUSH && off <= AT_RAISE)
		u->rsp += RED_ZONE + (off == AT_POP ? 8 : 0);
	u->eflags = flags;
	u->orig_rax = UINT64_MAX;
	return true;
}
