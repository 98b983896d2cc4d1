/* SPDX-License-Identifier: MIT
 *
 * peer_ubpf.c - ubpf's JIT (https://github.com/iovisor/ubpf), bounds checks included, as it comes. */
#include <stdio.h>
#include <ubpf.h>

#include "peer.h"

micro_fn *peer_compile(const void *insns, size_t bytes)
{
	struct ubpf_vm *vm = ubpf_create();
	char *error = NULL;
	ubpf_jit_fn fn = vm && !ubpf_load(vm, insns, (uint32_t)bytes, &error) ? ubpf_compile(vm, &error) : NULL;

	if (!fn)
		fprintf(stderr, "ubpf: %s\n", error ? error : "out of memory");
	return (micro_fn *)fn;
}
