// SPDX-License-Identifier: MIT
// A generated program in front of both verifiers.
#pragma once

#include <string>

#include "diag.h"
#include "gen.h"
#include "verify.h"

struct our_verdict {
	bool accepted;
	std::string code, text;
	int64_t insn;
	uint64_t processed;
};

// plain: with no more precision than the kernel has (verify.h).
our_verdict verify(const gen_prog &p, bool plain);
// The program as a line of test/data's form.
std::string as_record(const gen_prog &p, const std::string &name, const std::string &verdict);
// Its instructions, one a line.
std::string listing(const gen_prog &p);
