/* SPDX-License-Identifier: MIT
 *
 * count.c - the hook object that is spliced when none is given: counts calls and, built
 * with -DLATENCY, how long they take.
 *
 * A hook object as bpftime-aot makes them, except that a C compiler suffices: tables in
 * assembly, entries that keep every register.  linker/builtin.c puts the target's build id
 * in its stamp, so that the maps lie in count-<build id>/.  The SEC() names say that the
 * programs go wherever --uprobe and --uretprobe ask for (attach.c). */
#include <stdint.h>

#include "hooks.h"
#include "rt_base.h"

#ifdef LATENCY
#define N_MAPS "2"
#define N_HOOKS "3"
#else
#define N_MAPS "1"
#define N_HOOKS "1"
#endif

_Static_assert(HOOK_uprobe == 0 && HOOK_uretprobe == 1 && ENTRY_NATURAL == 0 &&
	       ENTRY_PACKED == 1 && CTX_SP == 19, "written as numbers below");

__asm__(
	".include \"objfmt.inc\"\n"

	".section .bpftime.object, \"a\", @progbits\n"
	"object: objfmt_object " N_MAPS ", maps, " N_HOOKS ", hooks, stamp, name\n"

	".section .bpftime.maps, \"a\", @progbits\n"
	"maps: objfmt_map 2, array, 4, 8, 1, 0, 0, s_calls, object, 0, calls, 4096\n"
#ifdef LATENCY
	"objfmt_map 2, array, 4, 8, 64, 0, 0, s_latency, object, 0, latency, 4096\n"
#endif

	".section .bpftime.hooks, \"a\", @progbits\n"
	"hooks: objfmt_hook 0, 0, 0, count_calls, 0, s_count, s_uprobe, 0, 0xc0\n"
#ifdef LATENCY
	"objfmt_hook 0, 1, (1 << 19), count_enter, 0, s_enter, s_beside, 0, 0xc1\n"
	"objfmt_hook 1, 1, (1 << 19), count_leave, 0, s_leave, s_uretprobe, 0, 0xc2\n"
#endif

	".section .bpftime.stamp, \"a\", @progbits\n"
	"stamp: objfmt_stamp 1, 0, \"x86_64-linux-gnu\", \"built in\"\n"

	".section .bpftime.str, \"a\", @progbits\n"
	"name: .asciz \"count\"\n"
	"s_calls: .asciz \"calls\"\n"
	"s_count: .asciz \"count\"\n"
	"s_uprobe: .asciz \"uprobe/@uprobe\"\n"
#ifdef LATENCY
	"s_latency: .asciz \"latency\"\n"
	"s_enter: .asciz \"enter\"\n"
	"s_leave: .asciz \"leave\"\n"
	"s_beside: .asciz \"uprobe/@uretprobe\"\n"
	"s_uretprobe: .asciz \"uretprobe/@uretprobe\"\n"
#endif

	".section .bpftime.room.calls, \"aw\", @nobits\n"
	".balign 4096\n"
	"calls: .zero 4096\n"
#ifdef LATENCY
	".section .bpftime.room.latency, \"aw\", @nobits\n"
	".balign 4096\n"
	".hidden latency\n"
	".globl latency\n"
	"latency: .zero 4096\n"
#endif

	/* void count_calls(void), preserve_most */
	".section .text.count_calls, \"ax\", @progbits\n"
	".type count_calls, @function\n"
	"count_calls:\n"
	"	lock incq calls(%rip)\n"
	"	ret\n"
	".size count_calls, . - count_calls\n"

#ifdef LATENCY
	/* void f(uint64_t sp), preserve_most: keeps what a C function may change, and aligns
	 * the stack for it. */
	".macro KEEP_ALL name, function\n"
	".type \\name, @function\n"
	"\\name:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	push %rax\n"
	"	push %rcx\n"
	"	push %rdx\n"
	"	push %rsi\n"
	"	push %rdi\n"
	"	push %r8\n"
	"	push %r9\n"
	"	push %r10\n"
	"	and $-16, %rsp\n"
	"	call \\function\n"
	"	lea -64(%rbp), %rsp\n"
	"	pop %r10\n"
	"	pop %r9\n"
	"	pop %r8\n"
	"	pop %rdi\n"
	"	pop %rsi\n"
	"	pop %rdx\n"
	"	pop %rcx\n"
	"	pop %rax\n"
	"	pop %rbp\n"
	"	ret\n"
	".size \\name, . - \\name\n"
	".endm\n"
	".section .text.latency, \"ax\", @progbits\n"
	"KEEP_ALL count_enter, on_enter\n"
	"KEEP_ALL count_leave, on_leave\n"
#endif
	".text\n");

#ifdef LATENCY

/* When calls in progress began, by the place of their return address: recursion, threads
 * and coroutines are told apart by it.  Not a map: another process's stacks lie at the
 * same addresses.
 *
 * An entry belongs to the frame whose key it holds, and a frame to one thread.  One that
 * was left by longjmp stays until the same place is used again or its entry is wanted by
 * another; a call whose entry was taken is not recorded. */
enum { N_STARTS = 512, N_PROBES = 8, N_SLOTS = 64 };
static struct start {
	uint64_t key, ns;
} starts[N_STARTS];

extern __attribute__((visibility("hidden"))) uint64_t latency[N_SLOTS];

__attribute__((visibility("hidden"))) void on_enter(uint64_t sp);
__attribute__((visibility("hidden"))) void on_leave(uint64_t sp);

/* The hook sees the stack pointer with the return address on it at entry and without it
 * at the return: 16k + 8 and 16k + 16 by the ABI. */
static uint64_t key_of(uint64_t sp)
{
	return (sp + 15) & ~15ull;
}

static struct start *probe(uint64_t key, uint64_t i)
{
	return &starts[(((key * 0x9e3779b97f4a7c15) >> 40) + i) & (N_STARTS - 1)];
}

void on_enter(uint64_t sp)
{
	uint64_t key = key_of(sp), was;
	struct start *s = NULL;

	for (uint64_t i = 0; i < N_PROBES && !s; i++) {
		was = rt_load(&probe(key, i)->key);
		if (was == key || (!was && rt_cas(&probe(key, i)->key, &was, key)))
			s = probe(key, i);
	}
	if (!s) {
		s = probe(key, 0);
		was = rt_load(&s->key);
		if (!rt_cas(&s->key, &was, key))
			return;
	}
	rt_store(&s->ns, bpftime_rt1_ktime_get_ns());
}

void on_leave(uint64_t sp)
{
	uint64_t now = bpftime_rt1_ktime_get_ns(), key = key_of(sp), began, ns;

	for (uint64_t i = 0; i < N_PROBES; i++) {
		struct start *s = probe(key, i);
		uint64_t was = rt_load_acquire(&s->key);

		if (was != key)
			continue;
		began = rt_load(&s->ns);
		if (!rt_cas(&s->key, &was, 0))
			return;	/* taken meanwhile: began may be another's */
		ns = now - began;
		rt_add(&latency[ns ? 63 - __builtin_clzll(ns) : 0], 1);
		return;
	}
}
#endif
