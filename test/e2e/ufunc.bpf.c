/* SPDX-License-Identifier: MIT
 *
 * ufunc - work() calls functions of its program. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../bpf_maps.h"

#define __ufunc __attribute__((section(".ufuncs")))

extern int of_bytes(signed char a, unsigned short b, int c, unsigned int d, long e) __ufunc;
extern signed char negative(void) __ufunc;
extern unsigned short large(unsigned long v) __ufunc;
extern void nothing(const char *s) __ufunc;
extern char *text(void) __ufunc;
extern long again(long v) __ufunc;
extern long labs(long v) __ufunc;

COUNTER(calls);
COUNTER(wrong);
COUNTER(imported);

SEC("uprobe/work")
int on_work(struct pt_regs *ctx)
{
	long v = of_bytes(-3, 65535, 10, 0xffffffff, -8);
	char *s = text();

	if (!s)			/* inside of again(): no function is called from there */
		return 0;
	count_by(&calls, 1);
	if (v != -3 + 65535 - 10 - 1 - 4 || negative() != -5 || large(0x12345678) != 0x5678)
		count_by(&wrong, 1);
	nothing(s);
	again(PT_REGS_PARM1(ctx));
	count_by(&imported, labs(-7));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
