/* SPDX-License-Identifier: MIT
 *
 * clock.c - bpf_ktime_get_*_ns and bpf_jiffies64: the vDSO's clock_gettime(), found
 * once, or the system call.
 *
 * The vDSO is kernel code, built without vector registers, and lies at one address from
 * exec to exec. */
#include "arch/x86_64/sys.h"
#include "elf64.h"
#include "mem.h"
#include "proc.h"
#include "rt_base.h"

enum {
	AT_SYSINFO_EHDR = 33, PT_LOAD = 1, PT_DYNAMIC = 2, DT_HASH = 4, DT_STRTAB = 5,
	DT_SYMTAB = 6, JIFFIES_BEFORE_S = 300,
	VDSO_MAX_SYMBOLS = 1024,
};

typedef int64_t clock_fn(int64_t clock, struct rt_timespec *ts);

/* NULL: not looked for yet; the system call when there is none. */
static clock_fn *clock_now;

static int64_t by_syscall(int64_t clock, struct rt_timespec *ts)
{
	return rt_sys2(SYS_clock_gettime, clock, ts);
}

static uint64_t vdso_address(void)
{
	uint64_t aux[RT_AUXV_WORDS], n = rt_auxv(aux);

	for (uint64_t i = 0; i + 2 <= n; i += 2)
		if (aux[i] == AT_SYSINFO_EHDR)
			return aux[i + 1];
	return 0;
}

static bool is_clock_gettime(const char *name)
{
	static const char want[] = "__vdso_clock_gettime";

	for (uint32_t i = 0; i < sizeof(want); i++)
		if (name[i] != want[i])
			return false;
	return true;
}

/* The kernel made this image: it is well-formed.  The number of symbols is in DT_HASH; a
 * vDSO without one is not searched. */
static clock_fn *find_in_vdso(const char *base)
{
	const struct rt_phdr *ph = (const void *)(base + RT_LOAD_AT(uint64_t, base, 32));
	uint16_t n_ph = RT_LOAD_AT(uint16_t, base, 56);
	const uint64_t *dyn = NULL;
	const char *slide = NULL, *str = NULL;
	const struct rt_sym *sym = NULL;
	const uint32_t *hash = NULL;

	for (uint16_t i = 0; i < n_ph; i++) {
		if (ph[i].type == PT_LOAD && !slide)
			slide = base + ph[i].offset - ph[i].vaddr;
		else if (ph[i].type == PT_DYNAMIC)
			dyn = (const void *)(base + ph[i].offset);
	}
	for (; slide && dyn && dyn[0]; dyn += 2) {
		if (dyn[0] == DT_STRTAB)
			str = slide + dyn[1];
		else if (dyn[0] == DT_SYMTAB)
			sym = (const void *)(slide + dyn[1]);
		else if (dyn[0] == DT_HASH)
			hash = (const void *)(slide + dyn[1]);
	}
	for (uint32_t i = 1; str && sym && hash && i < hash[1] && i < VDSO_MAX_SYMBOLS; i++)
		if (sym[i].shndx && is_clock_gettime(str + sym[i].name))
			return (clock_fn *)(slide + sym[i].value);
	return NULL;
}

static clock_fn *find_clock(void)
{
	uint64_t at = vdso_address();
	clock_fn *fn = at ? find_in_vdso((const char *)at) : NULL;

	fn = fn ? fn : by_syscall;
	rt_store_release(&clock_now, fn);
	return fn;
}

static uint64_t now(int64_t clock)
{
	clock_fn *fn = rt_load_acquire(&clock_now);
	struct rt_timespec ts;

	if (rt_unlikely(!fn))
		fn = find_clock();
	if (rt_unlikely(fn(clock, &ts)) && by_syscall(clock, &ts))
		return 0;
	return (uint64_t)ts.s * 1000000000u + (uint64_t)ts.ns;
}

uint64_t rt_ktime_get_ns(void)
{
	return now(CLOCK_MONOTONIC);
}

uint64_t rt_ktime_get_boot_ns(void)
{
	return now(CLOCK_BOOTTIME);
}

uint64_t rt_ktime_get_coarse_ns(void)
{
	return now(CLOCK_MONOTONIC_COARSE);
}

uint64_t rt_ktime_get_tai_ns(void)
{
	return now(CLOCK_TAI);
}

/* Kernel: jiffies_64, which starts 5 minutes before 2^32 and counts ticks of the monotonic clock;
 * the coarse clock's resolution is one tick. */
uint64_t rt_jiffies64(void)
{
	static uint32_t tick_ns;	/* 0: not asked yet */
	struct rt_timespec tick = { 0, 0 };
	uint32_t ns = rt_load(&tick_ns);

	if (rt_unlikely(!ns)) {
		if (rt_sys2(SYS_clock_getres, CLOCK_MONOTONIC_COARSE, &tick) || tick.s || tick.ns <= 0)
			return 0;
		ns = (uint32_t)tick.ns;
		rt_store(&tick_ns, ns);
	}
	return (uint32_t)(-JIFFIES_BEFORE_S * (1000000000 / (int32_t)ns)) + now(CLOCK_MONOTONIC_COARSE) / ns;
}
