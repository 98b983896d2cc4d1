/* SPDX-License-Identifier: MIT
 *
 * unwind_table.h - the target's unwind data as a table for stacks (unwindfmt.h). */
#ifndef BPFTIME_LINKER_PATCH_UNWIND_TABLE_H
#define BPFTIME_LINKER_PATCH_UNWIND_TABLE_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Before lnk_layout: when a hook object asks for stacks, makes the table and tells the linker its
 * size; plan->unwind_bytes is set. */
void unwind_make(struct plan *p);

/* After plan_emit: the addresses that the table holds. */
void unwind_place(struct plan *p);

/* The rule of one place; what no rule can say is UNWIND_UNKNOWN.  *pc: expressions may ask for it. */
struct unwind_rule;
struct cfi_row;
struct unwind_rule unwind_rule_of(const struct cfi_row *row, uint64_t pc);

#ifdef __cplusplus
}
#endif
#endif
