/* SPDX-License-Identifier: MIT
 *
 * mem.c - what the calls of memcpy and memset that a compiler makes of loops lead to in code for general registers
 * only: as in the Linux kernel (arch/x86/lib), which is compiled so.  A libc's use vector registers. */
#include <stddef.h>

void *memset(void *to, int c, size_t n)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *p = to;

	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
	return to;
}
