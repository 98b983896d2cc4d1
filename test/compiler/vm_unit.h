/* SPDX-License-Identifier: MIT
 *
 * vm_unit.h - instructions to result, for tests. */
#pragma once
#include <vector>

#include "diag.h"
#include "isa.h"

/* How to run it: with ORC, or as a hook object loaded here; with the verifier's facts, or
 * without. */
struct vm_how {
	bool jit, verified;
	unsigned level;
};

/* Runs a program over mem.  Returns 0 and r0, or what verifier or compiler said. */
int vm_run(std::vector<bpfi> code, void *mem, uint64_t bytes, vm_how how, uint64_t *r0,
	   struct diags *dg);
