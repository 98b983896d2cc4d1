/* SPDX-License-Identifier: MIT
 *
 * verify.h - is this program safe to run inside somebody's process?
 *
 * An abstract interpreter over one relocated program.  It accepts nothing that can read
 * or write outside its objects, loop for ever or leak a reference; it accepts what the
 * kernel accepts; it explains a rejection.  The verdict depends on the program alone. */
#ifndef BPFTIME_COMPILER_VERIFY_H
#define BPFTIME_COMPILER_VERIFY_H

#include "diag.h"
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VERIFIER_VERSION = 1 };

enum mem_kind {	/* what a load, store or atomic touches, the same on every path */
	MEM_UNKNOWN,	/* not reached, or different kinds on different paths */
	MEM_STACK, MEM_CTX, MEM_MAP_VALUE, MEM_PACKET, MEM_RECORD, MEM_OTHER,
	MEM_ARENA, MEM_MAP,
	MEM_ANYWHERE,	/* on some path it is read through an address that nobody vouches for */
};

/* What holds at an instruction on every path that reaches it. */
struct vfy_insn {
	bool     reached;
	uint8_t  mem;		/* enum mem_kind */
	bool     fixed_off;	/* mem_off is the one byte offset within that object */
	int32_t  mem_off;	/* from the object's start; stack: from r10, negative */
	int32_t  map;		/* calls with a MAP argument, and map values: index in the unit; -1: more than one */
	int32_t  func;		/* calls with a FUNC argument: first slot of the function; -1: more than one */
	int32_t  inner;		/* calls with a MAP argument that was found in a map of maps: index of
				 * the template; -1: none, or more than one */
	bool     halves;	/* arithmetic on an address in an arena: of its lower half */
	/* Conditional jumps: only one way was ever taken? */
	bool     never_taken, always_taken;
};

struct vfy_result {
	struct vfy_insn *insn;		/* n_insn of the program */
	uint32_t ctx_mask;		/* 8-byte fields of the frame (hooks.h) that are read, by the
					 * program or for its helpers; kprobe programs only */
	uint32_t ctx_bytes;		/* end of the last byte that the program reads of its context */
	bool     ctx_escapes;		/* the frame's address leaves: helper, subprogram, stored, variable offset */
	bool     by_chance;		/* a number is made of an address, or of stack that was never
					 * written: results may differ from run to run */
	int32_t  arena;			/* index of the arena that the program names, -1: none */
	uint32_t stack_bytes;		/* deepest combined frame use */
	uint64_t insns_processed;
	uint64_t usec;
};

/* What is known here and not by kernel 6.18, each to be taken away. */
enum vfy_plain {
	PLAIN_DIVISION = 1,		/* the ranges of quotients and remainders */
	PLAIN_CONTRADICTION = 2,	/* that a path ends where ranges contradict each other */
	PLAIN_SELF = 4,			/* that a number equals itself */
	PLAIN_DEPTH = 8,		/* that code which is never executed needs no stack */
	PLAIN_ITERATOR = 16,		/* that a number + the address of an iterator's ends with it */
	PLAIN_SLOT = 32,		/* that a pointer in the stack is one more unknown number */
	PLAIN_SHIFT = 64,		/* that halves are shifted by the lower half of a number */
	PLAIN_KEY = 128,		/* that a stored word is the lower half of the number it is from */
	PLAIN_TURN = 256,		/* that a turn leaves a number as it was, although it was copied */
	PLAIN_BITS = 512,		/* that a number some bits of which are 0 keeps its range */
};

struct vfy_opts {
	bool     log;		/* explain every instruction on dg->out */
	uint32_t plain;		/* enum vfy_plain: what kernel 6.18 does not know either; for tests */
	bool     chance;	/* be exact about vfy_result.by_chance: compares more when pruning */
	uint32_t time_limit_ms;	/* 0: 60000; over it -DIAG_E004 */
};

/* Verifies one program of the unit.  Returns 0 with *out in `a`, or a negative
 * diagnostic after one diag() whose insn is the offending slot (and diag_more() lines
 * that explain it).  Writes nothing but *out. */
int vfy_verify(struct arena *a, const struct unit *u, const struct unit_prog *p,
	       const struct vfy_opts *opts, struct vfy_result *out, struct diags *dg);

/* One instruction in the notation of bpftool and clang, with the unit's names. */
void vfy_insn_text(const struct unit *u, const struct unit_prog *p, uint32_t insn, char *out,
		   size_t n);

#ifdef __cplusplus
}
#endif
#endif
