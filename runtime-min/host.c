/* SPDX-License-Identifier: MIT
 *
 * host.c - calls of functions of the program that a payload is in (docs/ufunc.md).
 *
 * A thread that is inside of one makes no further ones: the function may be hooked itself, or call
 * what is.  Who is inside stands in the page that fork() wipes. */
#include "lock.h"
#include "objfmt.h"

enum { CPUID_XSAVE = 0xd, OSXSAVE = 1 << 27, FXSAVE_BYTES = 512 };

__attribute__((visibility("hidden")))
uint64_t rt_host_call(uint64_t fn, const uint64_t arg[5], uint64_t state_bytes);

static uint32_t state_bytes;	/* 0: not asked yet */

static void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

/* Of what the kernel has enabled. */
static uint32_t ask_state_bytes(void)
{
	uint32_t r[4], n = FXSAVE_BYTES;

	cpuid(1, r);
	if (r[2] & OSXSAVE) {
		cpuid(CPUID_XSAVE, r);
		n = r[1];
	}
	rt_store(&state_bytes, n);
	return n;
}

/* A place among those who are inside; NULL: there already, or no place is free. */
static uint64_t *enter(uint64_t me)
{
	uint64_t *in = bpftime_rt1_self.inside;

	if (!rt_self_wiped())
		return NULL;
	for (uint32_t i = 0; i < RT_SELF_INSIDE; i++)
		if (rt_load(&in[i]) == me)
			return NULL;
	for (uint32_t i = 0; i < RT_SELF_INSIDE; i++) {
		uint64_t was = rt_load(&in[i]);

		if (was && (i || !rt_owner_dead(was, me)))	/* one at a time is looked at */
			continue;
		if (rt_cas(&in[i], &was, me))
			return &in[i];
	}
	return NULL;
}

/* a: five arguments. */
uint64_t rt_host(uint64_t row, uint64_t a)
{
	const struct objfmt_extern *e = (const struct objfmt_extern *)row;
	uint64_t fn = (uint64_t)&e->target_rel + (uint64_t)(int64_t)e->target_rel, result;
	uint64_t me = rt_me(), *place;
	uint32_t bytes = rt_load(&state_bytes);

	if (!e->target_rel)
		return 0;
	if (e->bits & OBJFMT_EXTERN_GOT)
		fn = rt_load((uint64_t *)fn);
	place = fn ? enter(me) : NULL;
	if (!place) {
		rt_busy();
		return 0;
	}
	result = rt_host_call(fn, (const uint64_t *)a, bytes ? bytes : ask_state_bytes());
	rt_store_release(place, 0);
	return result;
}
