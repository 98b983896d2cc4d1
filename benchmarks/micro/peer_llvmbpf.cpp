// SPDX-License-Identifier: MIT
//
// peer_llvmbpf.cpp - llvmbpf, the JIT of bpftime (https://github.com/eunomia-bpf/llvmbpf).
#include <cstdio>
#include <llvmbpf.hpp>

#include "peer.h"

uint64_t (*peer_compile(const void *insns, size_t bytes))(uint8_t *, uint64_t)
{
	auto *vm = new bpftime::llvmbpf_vm;

	if (!vm->load_code(insns, bytes))
		if (auto fn = vm->compile())
			return reinterpret_cast<uint64_t (*)(uint8_t *, uint64_t)>(*fn);
	fprintf(stderr, "llvmbpf: %s\n", vm->get_error_message().c_str());
	return nullptr;
}
