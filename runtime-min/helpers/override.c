/* SPDX-License-Identifier: MIT
 *
 * override.c - what a program says about the function that it is attached to. */
#include "hooks.h"
#include "rt_helpers.h"

/* Kernel: bpf_override_return(), of kprobes.  The entry hands the two words on (hooks.h). */
RT_FAST uint64_t bpftime_h_override_return(void *ctx, uint64_t value)
{
	struct bpftime_frame_x86_64 *f = ctx;

	f->out_value = value;
	f->out_set = 1;
	return 0;
}
