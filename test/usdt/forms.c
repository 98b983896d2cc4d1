// SPDX-License-Identifier: MIT
// Each form an argument of a probe may have, with a value that its checker knows.  The first
// argument is the number of the form.  What <sys/sdt.h> would need luck for is written out.
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include <stdio.h>
#include <stdlib.h>

#define SEMAPHORE(name_) \
	__extension__ unsigned short name_ __attribute__((section(".probes"), unused, used))
SEMAPHORE(forms_plain_semaphore);
SEMAPHORE(forms_guarded_semaphore);
SEMAPHORE(forms_twelve_semaphore);
SEMAPHORE(forms_real_semaphore);
SEMAPHORE(forms_none_semaphore);

long exported = 0x1122334455667788;
long table[8] = { 10, 11, 12, 13, 14, 15, 16, 17 };
static _Thread_local long in_thread = 99;

/* A note by hand: args is what the assembler would have written. */
#define NOTE(name_, args_)                                            \
	"990: nop\n"                                                  \
	".pushsection .note.stapsdt,\"?\",\"note\"\n"                 \
	".balign 4\n .4byte 992f-991f, 994f-993f, 3\n"                \
	"991: .asciz \"stapsdt\"\n992: .balign 4\n"                   \
	"993: .8byte 990b, _.stapsdt.base, 0\n"                       \
	".asciz \"forms\"\n .asciz \"" name_ "\"\n .asciz \"" args_ "\"\n" \
	"994: .balign 4\n .popsection\n"
#define AROUND "nop\n nop\n nop\n nop\n"

__attribute__((noinline)) static void by_hand(long *stack)
{
	__asm__ volatile("mov $0x1234, %%eax\n mov $-5, %%rcx\n" NOTE("regs",
			 "-4@$1 1@%%al -1@%%cl -8@%%rcx 2@%%ax 4@%%eax 8@%%rax") AROUND
			 ::: "rax", "rcx");
	__asm__ volatile("mov %0, %%rbx\n mov $2, %%edx\n" NOTE("sib",
			 "-4@$2 8@(%%rbx) 8@8(%%rbx) 8@(%%rbx,%%rdx,8) 8@8(%%rbx,%%rdx,8) 8@-16(%%rbx,%%rdx,8)") AROUND
			 :: "r"(table) : "rbx", "rdx");
	__asm__ volatile(NOTE("symbols", "-4@$3 8@exported(%%rip) 8@table+16(%%rip) 8@24+table(%%rip) "
			 "4@exported+4(%%rip) -2@exported(%%rip)") AROUND ::);
	__asm__ volatile("movq %0, %%xmm3\n movq %1, %%xmm12\n" NOTE("vector",
			 "-4@$4 8f@%%xmm3 4f@%%xmm12 8@%%r12 4@%%r13d 2@%%r14w 1@%%r15b") AROUND
			 :: "r"(0x400921fb54442d18), "r"(0x3fc00000l) : "xmm3", "xmm12");
	__asm__ volatile("mov %0, %%r9\n" NOTE("thread", "-4@$5 8@%%fs:0 8@%%fs:(%%r9)") AROUND
			 :: "r"((long)&in_thread - (long)__builtin_thread_pointer()) : "r9");
	__asm__ volatile("mov %0, %%rbx\n mov %1, %%rsi\n" NOTE("constants",
			 "-4@$6 -4@$-9 8@$9223372036854775807 -8@$-1 4@$-1 1@$255 -1@$255 8@(%%rsi)") AROUND
			 :: "r"(stack), "r"(8l) : "rbx", "rsi");	/* address 8: an error */
	__asm__ volatile("mov $0x1234, %%eax\n mov $0x99aa, %%ebx\n" NOTE("high",
			 "-4@$12 1@%%ah -1@%%bh 8@$0x10") AROUND ::: "rax", "rbx");
#ifndef __PIC__		/* addresses that are fixed */
	__asm__ volatile("mov $2, %%edx\n" NOTE("fixed",
			 "-4@$11 8@table(,%%rdx,8) 8@table+8(,%%rdx,8) 8@exported 8@$table 8@$table+8") AROUND
			 ::: "rdx");
#endif
}

__attribute__((noinline)) static void guarded(int i)
{
	if (__builtin_expect(forms_guarded_semaphore, 0))
		STAP_PROBE2(forms, guarded, 8, i);
}

int main(int argc, char **argv)
{
	volatile char c = -3;
	volatile unsigned char uc = 253;
	volatile short s = -300;
	volatile int x = -70000;
	volatile unsigned u = 4000000000u;
	volatile long l = -5000000000l;
	double d = argc > 5 ? 0 : 2.5;
	long stack[4] = { 1, 2, 3, 4 };
	int calls = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 0; i < calls; i++) {
		if (forms_plain_semaphore)
			STAP_PROBE8(forms, plain, 7, c, uc, s, x, u, l, &stack[i % 4]);
		by_hand(stack);
		guarded(i);
		STAP_PROBE12(forms, twelve, 9, i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7, i + 8,
			     i + 9, i + 10);
		__asm__ volatile(AROUND);
		STAP_PROBE2(forms, real, 10, d);
		STAP_PROBE(forms, none);	/* too near to the one before */
	}
	printf("%d %d %d\n", forms_plain_semaphore, forms_guarded_semaphore, stack[0] == 1);
	return 0;
}
