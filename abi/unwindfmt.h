/* SPDX-License-Identifier: MIT
 *
 * unwindfmt.h - how to get from a frame to its caller's, without looking at .eh_frame: a table that the
 * patcher makes of the target's unwind data and that a payload whose programs ask for stacks brings
 * along (bpftime_rt1_unwind).  As in the kernel's ORC, a rule has what a stack trace needs and no more.
 *
 *     struct unwind_table
 *     uint32_t           first[n_block + 1]   rows of block b: first[b] up to first[b + 1]
 *     struct unwind_row  row[n_row]           by address; block b is the 64 KiB from base + (b << 16)
 *     struct unwind_site site[n_site]         by address: hooked places that are no function's entry
 *     struct unwind_rule rule[n_rule]
 *
 * A row holds up to the next one.  Return addresses are looked up, so code in which no call returns
 * has no rows of its own: at any other address the table says nothing of use. */
#ifndef BPFTIME_ABI_UNWINDFMT_H
#define BPFTIME_ABI_UNWINDFMT_H

#include <stdint.h>

enum { UNWIND_VERSION = 1, UNWIND_BLOCK_BITS = 16, UNWIND_RULES_MAX = 1 << 16 };

struct unwind_table {
	uint16_t version, size;	/* 0: there is no table */
	int32_t  base_rel;	/* self-relative, as in objfmt.h: start of block 0 */
	int32_t  tramp_rel;	/* trampolines: a call that returns there is followed by 8 bytes and the */
	uint32_t tramp_bytes;	/* return address of the function that was called through */
	int32_t  stubs_rel;	/* stubs of return slots and the slots themselves (rt.h); 0: none */
	int32_t  slots_rel;
	uint32_t n_block, n_row, n_site, n_rule;
};
struct unwind_row {
	uint16_t off;		/* in the block */
	uint16_t rule;
};
struct unwind_site {
	uint32_t off;		/* from block 0 */
	uint32_t rule;
};

/* The CFA is the stack pointer behind the return address. */
enum unwind_cfa {
	UNWIND_UNKNOWN,		/* nothing that can be said here */
	UNWIND_STOP,		/* nobody called it */
	UNWIND_SIGNAL,		/* the kernel called it: rsp points at a struct ucontext */
	UNWIND_RSP,		/* rsp + off */
	UNWIND_RBP,		/* rbp + off */
	UNWIND_AT_RSP,		/* *(rsp + off) + add */
	UNWIND_AT_RBP,		/* *(rbp + off) + add */
};
enum unwind_bp {
	UNWIND_BP_SAME,		/* the caller's rbp is in rbp */
	UNWIND_BP_AT_CFA,	/* *(CFA + bp_off) */
	UNWIND_BP_AT_BP,	/* *(rbp + bp_off) */
};
struct unwind_rule {
	uint8_t  cfa, bp;	/* enum unwind_cfa, enum unwind_bp */
	uint16_t reserved;
	int32_t  off, add, bp_off;
};

#endif
