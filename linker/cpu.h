/* SPDX-License-Identifier: MIT
 *
 * cpu.h - what the payload linker has to know of a CPU.  A CPU is a row of cpu.c and its
 * files reloc_<cpu>.c, check_<cpu>.c and body_<cpu>.c; nothing else of the linker names one. */
#ifndef BPFTIME_LINKER_CPU_H
#define BPFTIME_LINKER_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A kind of relocation, before any address is known. */
struct reloc_desc {
	const char *name;	/* "R_X86_64_PC32" */
	const char *refused;	/* why allocated sections must not hold it; NULL: supported */
	uint8_t     bytes;	/* size of the field */
	uint8_t     before;	/* bytes in front of the field that are read or rewritten */
	bool        rel32;	/* the field becomes S + A - P, 32 bits, nothing else changes:
				 * the only kind that the tables of objfmt.h use */
};

/* One relocation with all addresses known. */
struct reloc_in {
	uint32_t type;
	uint8_t *field;		/* desc->before bytes precede it, desc->bytes are in it */
	uint64_t off;		/* of the field in its section */
	uint64_t p_vaddr;	/* of the field */
	uint64_t s_vaddr;	/* of the symbol */
	int64_t  addend;
	bool     absent;	/* an undefined weak symbol: its address is 0 wherever we run */
	bool     code;		/* the section is executable */
};

/* How much of a function's likely path costs what; see check_<cpu>.c. */
struct code_cost {
	uint32_t insns, saved_regs, atomics;
	bool     keeps_all;	/* every general register, also those preserve_most gives up */
};

struct lnk_cpu {
	uint16_t    machine;	/* EM_* */
	const char *name;
	/* NULL: no such kind. */
	const struct reloc_desc *(*reloc)(uint32_t type);
	/* Writes the field.  NULL, or why it cannot be done; *range when it is only too far. */
	const char *(*apply)(const struct reloc_in *in, bool *range);
	/* NULL, or what code of a payload does that it must not, at *off.  runtime: code of the
	 * archive, which may also use the thread block. */
	const char *(*check)(const uint8_t *p, size_t n, bool runtime, uint64_t *off);
	/* Walks the likely path from p + off. */
	struct code_cost (*cost)(const uint8_t *p, size_t n, uint64_t off);
	/* The body of the entry that the n bytes at p are, for copies of it; step: room for CODE_BODY_MAX.
	 * outcome: the entry returns something (hooks.h).  false: it has none that could stand elsewhere. */
	bool (*body)(const uint8_t *p, size_t n, bool outcome, struct code_step *step, struct code_body *out);
};

/* NULL when the linker does not know the machine. */
const struct lnk_cpu *lnk_cpu(uint16_t machine);

extern const struct lnk_cpu lnk_cpu_x86_64;

#ifdef __cplusplus
}
#endif
#endif
