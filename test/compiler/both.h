// SPDX-License-Identifier: MIT
// An object of XDP programs, each run once here and once in the kernel (BPF_PROG_TEST_RUN), both
// with maps that are empty.
#ifndef TEST_COMPILER_BOTH_H
#define TEST_COMPILER_BOTH_H

#include <cstdint>
#include <string>
#include <vector>

enum { BOTH_OUT = 64 };		// elements of the array `out`, 8 bytes each

struct ran {
	bool ok = false;
	std::string why;
	std::vector<uint64_t> out;	// what the program left in the array `out`
};

// Names of the programs of an object; empty with a message on stderr when it is refused.
std::vector<std::string> both_programs(const std::string &object);
// In a child, optimised at `level`.
ran both_here(const std::string &object, const std::string &prog, unsigned level);
ran both_kernel(const std::string &object, const std::string &prog);
bool both_kernel_usable();

#endif
