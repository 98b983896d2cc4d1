/* SPDX-License-Identifier: MIT
 *
 * unwind.h - from a hooked place to its callers.
 *
 *     unwind.c          the walk: one frame after the other, whatever says how
 *     unwind_table.c    what the patcher said about the target (unwindfmt.h)
 *     unwind_cfi.c      what .eh_frame of a loaded file says (modules.h finds it)
 *
 * The stack is somebody's data, and may be damaged: it is read fault-safe, the walk ends at
 * what cannot be, and after a bounded number of frames. */
#ifndef BPFTIME_RUNTIME_UNWIND_H
#define BPFTIME_RUNTIME_UNWIND_H

#include "rt_base.h"
#include "unwindfmt.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

extern const struct unwind_table bpftime_rt1_unwind;	/* made by the payload linker */

/* Where a frame is. */
struct rt_place {
	uint64_t ip, sp, bp;
	bool exact;		/* ip is where it is, not where it returns to */
	bool first;		/* it is the hooked place */
};

/* The rule for the frame at p; false: the table does not know. */
bool rt_unwind_table(const struct rt_place *p, struct unwind_rule *out);
/* The rule for the code at pc in a module, as its .eh_frame has it; false: nothing that can be followed. */
struct rt_module;
bool rt_unwind_cfi(const struct rt_module *m, uint64_t pc, struct unwind_rule *out);
/* Does a call that was made by a trampoline return to ip? */
bool rt_unwind_in_trampoline(uint64_t ip);
/* The return address that a return hook's stub, which was read at sp, stands for; any other as it is. */
uint64_t rt_unwind_unhooked(uint64_t ra, uint64_t sp);

/* Return addresses of the frame behind ctx (struct bpftime_frame_<cpu>), innermost first: the
 * site, then its callers.  Returns how many, at most max. */
uint32_t rt_stack_walk(const void *ctx, uint64_t *ip, uint32_t max);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
