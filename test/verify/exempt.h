// SPDX-License-Identifier: MIT
// What the kernel refuses for reasons that do not hold here: oracle_exemptions.txt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct exemption {
	std::string message;	// part of what the kernel says
	bool known_better;	// only where the kernel knows less of the numbers (vfy_opts.plain)
	uint64_t seed;		// only for that program; 0: any
	std::string reason;
};

// Empty, with a line on stderr, when the table cannot be read.
std::vector<exemption> read_exemptions(const char *path);
// The row for what the kernel says, or nullptr: then the rejection is about safety.
// refused_plain: with the kernel's knowledge of numbers we refuse it as well.
const exemption *exempt(const std::vector<exemption> &table, const std::string &kernel_says, bool refused_plain,
			uint64_t seed);
