/* SPDX-License-Identifier: MIT
 *
 * stacks.c - memory that trampolines in Go functions switch to; they do all the rest
 * (linker/patch/go_stack_x86_64.c). */
#include "rt.h"

__attribute__((visibility("hidden"), aligned(64))) struct rt_stack bpftime_rt1_stacks[RT_STACKS];
