/* SPDX-License-Identifier: MIT
 *
 * Calls every function of shapes.S with the trap flag set and unwinds at every single
 * instruction.  Prints the addresses, relative to the program, from which the way back to
 * main was not found. */
#define _GNU_SOURCE
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

void run_shape(void *fn, uint64_t regs[16]);

#define SHAPE(name_) void name_(void);
#include "shapes.def"
#undef SHAPE

static void (*const shape[])(void) = {
#define SHAPE(name_) name_,
#include "shapes.def"
#undef SHAPE
};

enum { LOST = 1 << 16 };
static uint64_t base, lost[LOST];
static unsigned long steps, n_lost;
static int found;

int main(void);

static _Unwind_Reason_Code see(struct _Unwind_Context *c, void *arg)
{
	uint64_t pc = _Unwind_GetIP(c), shape_pc = (uint64_t)run_shape;

	(void)arg;
	if (pc > shape_pc && pc < shape_pc + 300)
		found |= 1;
	if (found && pc > (uint64_t)main && pc < (uint64_t)main + 600)
		found |= 2;
	return found == 3 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void trap(int sig, siginfo_t *si, void *ctx)
{
	uint64_t pc = (uint64_t)((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)si;
	steps++;
	if (pc >= (uint64_t)run_shape && pc < (uint64_t)run_shape + 300)
		return;	/* its own pushes are not described */
	found = 0;
	_Unwind_Backtrace(see, NULL);
	if (found != 3 && n_lost < LOST)
		lost[n_lost++] = pc - base;
}

static int set_base(struct dl_phdr_info *i, size_t n, void *arg)
{
	(void)n;
	(void)arg;
	base = i->dlpi_addr;
	return 1;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	uint64_t r[16];

	dl_iterate_phdr(set_base, NULL);
	_Unwind_Backtrace(see, NULL);	/* libgcc is loaded now */
	sigaction(SIGTRAP, &sa, NULL);
	for (unsigned round = 0; round < 2; round++)	/* once through the cold paths */
		for (unsigned i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
			memset(r, 0, sizeof(r));
			r[6] = r[1] = 3;
			r[15] = 0x302;	/* TF */
			run_shape((void *)shape[i], r);
			__asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
		}
	for (unsigned long i = 0; i < n_lost; i++)
		printf("lost 0x%llx\n", (unsigned long long)lost[i]);
	printf("steps %lu\n", steps);
	return 0;
}
