/* SPDX-License-Identifier: MIT
 *
 * func.c - the function that a program is attached to: its arguments, its result, and whether it
 * runs at all. */
#include "hooks.h"
#include "rt_helpers.h"

enum { IN_REGISTERS = 6 };	/* arguments that a C call passes there */

/* Kernel: get_func_arg(), of fentry programs, which know the function's type.  Here an argument
 * is what a C call passes in a general register. */
RT_FAST uint64_t bpftime_h_get_func_arg(void *ctx, uint64_t n, void *value)
{
	const struct bpftime_frame_x86_64 *f = ctx;
	uint64_t *to = value;

	switch ((uint32_t)n) {
	case 0: *to = f->di; return 0;
	case 1: *to = f->si; return 0;
	case 2: *to = f->dx; return 0;
	case 3: *to = f->cx; return 0;
	case 4: *to = f->r8; return 0;
	case 5: *to = f->r9; return 0;
	}
	return (uint64_t)-(int64_t)RT_EINVAL;
}

RT_FAST uint64_t bpftime_h_get_func_arg_cnt(void *ctx)
{
	(void)ctx;
	return IN_REGISTERS;
}

/* Kernel: get_func_ret(), of fexit programs. */
RT_FAST uint64_t bpftime_h_get_func_ret(void *ctx, void *value)
{
	*(uint64_t *)value = ((const struct bpftime_frame_x86_64 *)ctx)->ax;
	return 0;
}

/* Kernel: bpf_override_return(), of kprobes.  The entry hands the two words on (hooks.h). */
RT_FAST uint64_t bpftime_h_override_return(void *ctx, uint64_t value)
{
	struct bpftime_frame_x86_64 *f = ctx;

	f->out_value = value;
	f->out_set = 1;
	return 0;
}
