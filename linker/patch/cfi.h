/* SPDX-License-Identifier: MIT
 *
 * cfi.h - call frame information: what the target says about a place in its code, and what
 * trampolines say about themselves (DWARF 5, 6.4; LSB core 10.6; x86-64 psABI 3.7). */
#ifndef BPFTIME_LINKER_PATCH_CFI_H
#define BPFTIME_LINKER_PATCH_CFI_H

#include "emit_x86_64.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CFI_RBP = 6, CFI_RSP = 7, CFI_RA = 16, CFI_REGS = 17 };	/* DWARF numbers */

enum cfi_kind {
	CFI_SAME,	/* unchanged, or nobody cares */
	CFI_UNDEFINED,
	CFI_OFFSET,	/* at CFA + off */
	CFI_VAL_OFFSET,	/* is CFA + off */
	CFI_REGISTER,	/* in register reg; of the CFA: is reg + off */
	CFI_EXPR,	/* at the result of an expression; of the CFA: is the result */
	CFI_VAL_EXPR,
};

struct cfi_rule {
	uint8_t kind, reg;
	int64_t off;
	struct bytes expr;	/* borrowed */
};

/* How to unwind from one place. */
struct cfi_row {
	struct cfi_rule cfa;
	struct cfi_rule reg[CFI_REGS];
	bool signal;		/* what the kernel calls a handler from */
};

/* At a function's first instruction: CFA = rsp + 8, return address on top of the stack. */
struct cfi_row cfi_entry_row(void);
/* Is the return address on top of the stack? */
bool cfi_row_is_entry(const struct cfi_row *row);
/* Is it deeper in the stack, as in a piece of a function that is jumped to? */
bool cfi_row_is_inside(const struct cfi_row *row);
/* The row when n more bytes were pushed. */
struct cfi_row cfi_pushed(struct cfi_row row, int64_t n);

/* What the image's own .eh_frame says about `vaddr`; false when it says nothing, or
 * something this does not understand. */
bool cfi_row_at(const struct image *im, uint64_t vaddr, struct cfi_row *out);

/* The rows of the function that holds `vaddr`, each with the range where it holds.  false as
 * above; some rows may have been seen then. */
typedef void cfi_see_row(void *arg, uint64_t from, uint64_t to, const struct cfi_row *row);
bool cfi_rows(const struct image *im, uint64_t vaddr, cfi_see_row *see, void *arg);

/* Landing pads of the function that the FDE describes, one after the other. */
void cfi_landing_pads(const struct image *im, const struct image_fde *fde,
		      void (*see)(void *arg, uint64_t vaddr), void *arg);

/* ---- writing: one .eh_frame, CIE first ---- */

struct cfi_out {
	struct arena *arena;
	struct code c;
	struct cfi_entry *entry;	/* the FDEs so far */
	size_t   n_entry, cap_entry;
	struct cfi_row now;
	size_t   fde;		/* offset of the open FDE's length field */
	uint64_t pc, at;	/* its start; where `now` holds from */
};

void cfi_cie(struct cfi_out *o);
/* FDEs begin with the entry row. */
void cfi_begin(struct cfi_out *o, uint64_t pc);
/* From pc on, `row` holds. */
void cfi_set(struct cfi_out *o, uint64_t pc, const struct cfi_row *row);
/* pc_end: one past the code. */
void cfi_end(struct cfi_out *o, uint64_t pc_end);

#ifdef __cplusplus
}
#endif
#endif
