// SPDX-License-Identifier: MIT
// Patches real binaries with the hooks of hooks.S and runs them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "plan.h"

namespace e2e {

enum Hook {
	COUNT, COUNT_RET, SUM_DI, PACKED_RET, PACKED, FRAME, FRAME_RET, COUNT_MORE, COUNT_CLEAN,
	DECIDE, BUSY, BUSY_RET, SWAP, FRAME_MORE, FRAME_PART
};

struct Want {
	Hook hook;
	std::string symbol;	// as on the command line, or "@0x.."
	uint64_t off = 0;
};

struct Patched {
	std::string path;	// of the patched file; empty on error
	std::string error, json, text;
	size_t patched = 0, refused = 0;
	uint64_t tramp_vaddr = 0, tramp_bytes = 0;
	std::vector<uint8_t> tramp;	// the bytes of all trampolines, as they are in the file
	std::vector<uint64_t> at;	// where each site's is among them
	std::vector<double> ns;		// each site's estimate
	std::vector<std::string> reasons;	// of refused sites
	std::vector<std::string> tactics;
};

// Patches `binary` into a scratch file that lives until the test program ends.
Patched patch(const std::string &binary, const std::vector<Want> &wants,
	      const plan_opts &opts = {});

struct Result {
	int status = -1;	// as of waitpid
	std::string out;	// stdout and stderr
	uint64_t cell[512] = {};	// the first page: what the hooks left
	uint64_t misses = 0;

	uint64_t count(Hook h) const
	{
		static const unsigned at[] = {0, 1, 3, 5, 9, 128, 256, 2, 16, 17, 18, 21, 24, 384, 29};
		return cell[at[h]];
	}
};

// path: the file to run as argv[0]; "": argv[0] itself.  off, older: attach points that are disabled, or enabled as
// tools did that stored a 1.
Result run(const std::vector<std::string> &argv, const std::string &path = "", uint64_t off = 0, uint64_t older = 0);

// Both run `args` behind the program; out and status must be equal.
Result run_same(const std::string &original, const Patched &p,
	     const std::vector<std::string> &args = {});

std::string target(const std::string &name);	// of TEST_TARGETS

}
