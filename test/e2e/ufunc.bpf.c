/* SPDX-License-Identifier: MIT
 *
 * ufunc - work() calls functions of its program. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __ufunc __attribute__((section(".ufuncs")))

extern int of_bytes(signed char a, unsigned short b, int c, unsigned int d, long e) __ufunc;
extern signed char negative(void) __ufunc;
extern unsigned short large(unsigned long v) __ufunc;
extern void nothing(const char *s) __ufunc;
extern char *text(void) __ufunc;
extern long again(long v) __ufunc;
extern long labs(long v) __ufunc;

#define COUNT(name_)                                                              \
	struct {                                                                  \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                 \
		__uint(max_entries, 1);                                           \
		__type(key, __u32);                                               \
		__type(value, __u64);                                             \
	} name_ SEC(".maps")
COUNT(calls);
COUNT(wrong);
COUNT(imported);

static void add(void *map, __u64 by)
{
	__u32 zero = 0;
	__u64 *v = bpf_map_lookup_elem(map, &zero);

	if (v)
		__sync_fetch_and_add(v, by);
}

SEC("uprobe/work")
int on_work(struct pt_regs *ctx)
{
	long v = of_bytes(-3, 65535, 10, 0xffffffff, -8);
	char *s = text();

	if (!s)			/* inside of again(): no function is called from there */
		return 0;
	add(&calls, 1);
	if (v != -3 + 65535 - 10 - 1 - 4 || negative() != -5 || large(0x12345678) != 0x5678)
		add(&wrong, 1);
	nothing(s);
	again(PT_REGS_PARM1(ctx));
	add(&imported, labs(-7));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
