// SPDX-License-Identifier: MIT
// An object of XDP or raw_tp programs, each run once here and once in the kernel (BPF_PROG_TEST_RUN), both
// with maps that are empty.
#ifndef TEST_COMPILER_BOTH_H
#define TEST_COMPILER_BOTH_H

#include <cstdint>
#include <string>
#include <vector>

enum { BOTH_LATER = 600 };	// ms: whatever was to happen a little later has happened
enum { BOTH_OUT = 64 };		// elements of the array `out`, 8 bytes each

// What is written to the user ring buffer `samples`, if there is one, before the program runs.
struct both_ring {
	uint64_t producer = 0;
	std::vector<uint8_t> data;	// from the first byte on
};

struct ran {
	bool ok = false;
	std::string why;
	uint64_t consumer = 0;		// how far the user ring buffer was read
	std::vector<uint64_t> out;	// what the program left in the array `out`
};

// Names of the programs of an object; empty with a message on stderr when it is refused.
std::vector<std::string> both_programs(const std::string &object);
// In a child, optimised at `level`.  ms: how long after the program `out` is looked at.
ran both_here(const std::string &object, const std::string &prog, unsigned level, const both_ring *ring = nullptr,
	      unsigned ms = 0);
ran both_kernel(const std::string &object, const std::string &prog, const both_ring *ring = nullptr, unsigned ms = 0);
bool both_kernel_usable();
// The whole test of a program: it leaves the same in the kernel and here, whatever the level.
void both_compare(const std::string &object, const std::string &prog);

#endif
