/* SPDX-License-Identifier: MIT
 *
 * guard.h - loads from addresses that a program was told, inlined into hook objects.  Each has a
 * row in the table of guarded code (fault.h): a fault between its two ends goes on behind it, and
 * the word that says so is still 1. */
#ifndef BPFTIME_RUNTIME_GUARD_H
#define BPFTIME_RUNTIME_GUARD_H

#include "rt_base.h"

enum { RT_GUARD_MAX = 64 };	/* bytes: more are not inlined */

#define RT_GUARDED(load_)                                                                 \
	"movl	$1, %k[bad]\n"                                                             \
	"1:	" load_ "\n"                                                               \
	"2:	xorl	%k[bad], %k[bad]\n"                                                \
	"3:\n"                                                                             \
	"	.pushsection bpftime_guarded, \"a\", @progbits\n"                          \
	"	.balign	4\n"                                                               \
	"	.long	1b - ., 2b - ., 3b - .\n"                                          \
	"	.popsection\n"

/* One load of type_ from from_ into *to_; the value is 1 when there is nothing. */
#define RT_GUARDED_LOAD(insn_, type_, to_, from_)                                         \
	({ uint64_t v_; uint32_t bad_;                                                     \
	   __asm__ volatile(RT_GUARDED(insn_) : [v] "=&r"(v_), [bad] "=&r"(bad_)           \
			    : [from] "r"(from_) : "cc", "memory");                         \
	   type_ w_ = (type_)v_;                                                           \
	   __builtin_memcpy((to_), &w_, sizeof(w_));                                       \
	   bad_; })

RT_INLINE uint32_t rt_guarded_load16(void *to, uint64_t from)
{
	uint64_t v[2];
	uint32_t bad;

	__asm__ volatile(RT_GUARDED("movq (%[from]), %[a]; movq 8(%[from]), %[b]")
			 : [a] "=&r"(v[0]), [b] "=&r"(v[1]), [bad] "=&r"(bad)
			 : [from] "r"(from) : "cc", "memory");
	__builtin_memcpy(to, v, sizeof(v));
	return bad;
}

/* A constant number of bytes, at most RT_GUARD_MAX: 0, or 1 when not all of them are there; then `to`
 * holds anything. */
RT_INLINE uint32_t rt_guarded_copy(void *to, uint64_t from, uint64_t bytes)
{
	uint8_t *out = to;
	uint64_t i = 0;
	uint32_t bad = 0;

#pragma GCC unroll 4
	for (int k = 0; k < RT_GUARD_MAX / 16; k++)
		if (i + 16 <= bytes) {
			bad |= rt_guarded_load16(out + i, from + i);
			i += 16;
		}
	if (bytes & 8) {
		bad |= RT_GUARDED_LOAD("movq (%[from]), %[v]", uint64_t, out + i, from + i);
		i += 8;
	}
	if (bytes & 4) {
		bad |= RT_GUARDED_LOAD("movl (%[from]), %k[v]", uint32_t, out + i, from + i);
		i += 4;
	}
	if (bytes & 2) {
		bad |= RT_GUARDED_LOAD("movzwl (%[from]), %k[v]", uint16_t, out + i, from + i);
		i += 2;
	}
	if (bytes & 1)
		bad |= RT_GUARDED_LOAD("movzbl (%[from]), %k[v]", uint8_t, out + i, from + i);
	return bad;
}

#endif
