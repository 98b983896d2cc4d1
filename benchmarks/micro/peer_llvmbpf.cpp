// SPDX-License-Identifier: MIT
//
// peer_llvmbpf.cpp - llvmbpf, the JIT of bpftime (https://github.com/eunomia-bpf/llvmbpf).
#include <cstdio>
#include <llvmbpf.hpp>

#include "peer.h"

micro_fn *peer_compile(const void *insns, size_t bytes)
{
	auto *vm = new bpftime::llvmbpf_vm;

	if (!vm->load_code(insns, bytes))
		if (auto fn = vm->compile())
			return reinterpret_cast<micro_fn *>(*fn);
	fprintf(stderr, "llvmbpf: %s\n", vm->get_error_message().c_str());
	return nullptr;
}
