/* SPDX-License-Identifier: MIT
 *
 * Functions that programs of decide.bpf.c keep from running.  Prints what each returned and which
 * registers a call changed that it must not change; `lines`: one call a line of stdin. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone, used))

static unsigned long ran;	/* how many of the functions below ran */

KEEP long plain(long a) { ran++; return 2 * a; }
KEEP long frame(long a, long b, long c, long d, long e, long f) { ran++; return a + b + c + d + e + f; }
KEEP long packed(long a, long b, long c) { ran++; return a - b - c; }
KEEP long zero(long a) { ran++; return a + 1000; }
KEEP long replaced(long a) { ran++; return a + 1; }
KEEP long beside(long a) { ran++; return a + 2; }	/* needs nothing above its return address */
KEEP long beside_slot(long a, long b, long c, long d, long e, long f, long g, long h)
{
	ran++;
	return a + b + c + d + e + f + g + h;
}
KEEP long rivals(long a) { ran++; return a + 3; }
KEEP long tail(long a) { ran++; return a + 4; }
KEEP long kept(long a, long b, long c, double x, float y, long d, long e, long f, long g, long h, double z)
{
	ran++;
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + (long)(x + y + z);
}
KEEP double varied(int n, ...)
{
	double sum = 0;
	va_list ap;

	ran++;
	va_start(ap, n);
	for (int i = 0; i < n; i++)
		sum += va_arg(ap, double);
	va_end(ap);
	return sum;
}

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, N_REG };
static const char *const reg_name[N_REG] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					     "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };

/* Calls fn with every register from r and puts there what they are behind the call; rsp: how far
 * it moved. */
void call_with(void *fn, uint64_t r[N_REG]);
__asm__(".text; .type call_with, @function; call_with:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi; push %rdi\n"
	"mov %rsp, saved_sp(%rip); mov %rsi, saved_regs(%rip); mov %rsi, %r15\n"
	"mov 0(%r15), %rax; mov 8(%r15), %rcx; mov 16(%r15), %rdx; mov 24(%r15), %rbx\n"
	"mov 40(%r15), %rbp; mov 48(%r15), %rsi; mov 56(%r15), %rdi; mov 64(%r15), %r8\n"
	"mov 72(%r15), %r9; mov 80(%r15), %r10; mov 88(%r15), %r11; mov 96(%r15), %r12\n"
	"mov 104(%r15), %r13; mov 112(%r15), %r14; mov 120(%r15), %r15\n"
	"call *(%rsp)\n"
	"push %r15; mov saved_regs(%rip), %r15\n"
	"mov %rax, 0(%r15); mov %rcx, 8(%r15); mov %rdx, 16(%r15); mov %rbx, 24(%r15)\n"
	"mov %rbp, 40(%r15); mov %rsi, 48(%r15); mov %rdi, 56(%r15); mov %r8, 64(%r15)\n"
	"mov %r9, 72(%r15); mov %r10, 80(%r15); mov %r11, 88(%r15); mov %r12, 96(%r15)\n"
	"mov %r13, 104(%r15); mov %r14, 112(%r15); pop 120(%r15)\n"
	"mov %rsp, %rax; sub saved_sp(%rip), %rax; mov %rax, 32(%r15); mov saved_sp(%rip), %rsp\n"
	"pop %rdi; pop %rsi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	".size call_with, .-call_with\n"
	".local saved_sp, saved_regs; .comm saved_sp, 8, 8; .comm saved_regs, 8, 8\n");

/* A call that the program keeps from running: all but rax is as before. */
static void registers(const char *name, void *fn, long a)
{
	uint64_t r[N_REG], was[N_REG];
	unsigned long before = ran;

	for (int i = 0; i < N_REG; i++)
		r[i] = 0x1111111111111111u * (unsigned)i + 7;
	r[RDI] = (uint64_t)a;
	r[RSP] = 0;
	memcpy(was, r, sizeof(r));
	call_with(fn, r);
	printf("%s(%ld) = %ld, ran %lu, changed:", name, a, (long)r[RAX], ran - before);
	for (int i = 1; i < N_REG; i++)
		if (r[i] != was[i])
			printf(" %s", reg_name[i]);
	putchar('\n');
}

#define SHOW(call_)                                                          \
	do {                                                                 \
		unsigned long before_ = ran;                                 \
		long v_ = (call_);                                           \
		printf("%s = %ld, ran %lu\n", #call_, v_, ran - before_);    \
	} while (0)

int main(int argc, char **argv)
{
	char line[64];

	if (argc > 1 && !strcmp(argv[1], "lines")) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		while (fgets(line, sizeof(line), stdin))
			printf("%ld\n", replaced(41));
		return 0;
	}
	SHOW(plain(12));
	SHOW(plain(13));
	registers("plain", (void *)plain, 13);
	SHOW(frame(1, 2, 3, 4, 5, 6));
	SHOW(frame(7, 2, 3, 4, 5, 6));
	registers("frame", (void *)frame, 7);
	SHOW(packed(50, 2, 3));
	SHOW(packed(50, 2, 4));
	registers("packed", (void *)packed, 50);
	SHOW(zero(1));
	SHOW(zero(2));
	SHOW(replaced(41));
	registers("replaced", (void *)replaced, 5);
	SHOW(beside(1));
	SHOW(beside(2));
	registers("beside", (void *)beside, 2);
	SHOW(beside_slot(1, 2, 3, 4, 5, 6, 7, 8));
	SHOW(beside_slot(2, 2, 3, 4, 5, 6, 7, 8));
	SHOW(rivals(0));
	SHOW(rivals(1));
	SHOW(rivals(2));
	SHOW(tail(1));
	SHOW(tail(2));
	SHOW(kept(1, 2, 3, 4.5, 5.5, 4, 5, 6, 7, 8, 90));
	SHOW(kept(1, 2, 5, 4.5, 5.5, 4, 5, 6, 7, 8, 90));
	SHOW((long)varied(9, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.5));
	SHOW((long)(getpgid(-1) + getpgid(-1)));
	return 0;
}
