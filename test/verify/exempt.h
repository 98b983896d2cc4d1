// SPDX-License-Identifier: MIT
// Kernel rejections that are not about safety: a table with reasons (oracle_exemptions.txt).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "oracle.h"

// A program that is accepted here and refused by the kernel.
struct finding {
	const gen_prog &p;
	std::string says;	// the kernel's message
	int64_t at;		// the instruction that it is about, -1: the program as a whole
	our_verdict ours;
	// What is said when what `plain` names (enum vfy_plain) is not known.
	std::function<our_verdict(uint32_t plain)> without;
};

// The program that is in front of both now.
finding find(const gen_prog &p, const std::string &log);

// When a row may excuse one.  See oracle_exemptions.txt.
enum when { WHEN_WITHOUT, WHEN_LOOPS, WHEN_UNCALLED, WHEN_ALWAYS, WHEN_SEED };

struct exemption {
	std::string message;	// part of what the kernel says; "*": anything
	enum when when;
	uint64_t arg;		// WHEN_WITHOUT: enum vfy_plain; WHEN_SEED: only this program
	std::string code;	// WHEN_WITHOUT: not "": wherever it is refused by that code
	std::string reason;
};

// What rows may name as known better here (enum vfy_plain).
struct piece {
	const char *name;
	uint32_t plain;
};
const std::vector<piece> &knowledge();

std::vector<exemption> read_exemptions(const char *path);
// The row that excuses it, or NULL.
const exemption *exempt(const std::vector<exemption> &table, const finding &f);
