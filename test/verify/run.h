// SPDX-License-Identifier: MIT
// Generated programs that both verifiers accept, executed: by the kernel through
// BPF_PROG_TEST_RUN, and as native code in a child of this process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel.h"

// What a run leaves behind.
struct run_result {
	bool ran = false;
	std::string why;		// when it did not
	uint32_t r0 = 0;
	std::string packet;		// XDP
	std::string maps;		// contents, in a fixed order
	bool operator==(const run_result &o) const
	{
		return ran == o.ran && r0 == o.r0 && packet == o.packet && maps == o.maps;
	}
};
std::string as_text(const run_result &r);

// The same program with the same result wherever and whenever it runs: calls that ask for
// time, chance or the world are replaced by numbers, the stack begins as zeros.
gen_prog repeatable(const gen_prog &p);
// Can it run on a packet without a device, and does its result depend on the packet alone?
bool runnable(const gen_prog &p);

// Collects programs, since starting the compiler for each would take long.
class run_batch {
public:
	explicit run_batch(const kernel_oracle &k);
	void add(const gen_prog &p) { progs.push_back(p); }
	size_t size() const { return progs.size(); }
	// Runs all on both sides.  False: some differ, or are not compiled; *text says which.
	bool compare(std::string *text);
	uint64_t compared = 0, differ = 0, not_compiled = 0;

private:
	std::vector<gen_prog> progs;
	std::vector<uint32_t> skb;	// what a socket filter finds in its context, by word
};
