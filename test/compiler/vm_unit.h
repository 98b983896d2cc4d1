/* SPDX-License-Identifier: MIT
 *
 * vm_unit.h - instructions to result, for tests. */
#pragma once
#include <vector>

#include "diag.h"
#include "isa.h"

/* Runs an unverified program over mem with ORC, or as a hook object loaded here.  Returns 0
 * and r0, or what the compiler said. */
int vm_run(std::vector<bpfi> code, void *mem, uint64_t bytes, bool jit, unsigned level,
	   uint64_t *r0, struct diags *dg);
