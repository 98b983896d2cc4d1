// SPDX-License-Identifier: MIT
// Programs made by hand, for what no compiler writes and for the facts that the compiler gets.
#pragma once

#include <vector>

#include "isa.h"
#include "verify.h"

// Codes that made.cpp provokes.
extern const std::vector<const char *> made_codes;

struct made {
	struct arena *a;
	struct unit u = {};
	struct unit_prog p = {};
	struct vfy_opts opts = {};
	struct vfy_result res = {};
	struct diags dg = {};
	std::vector<bpfi> insn;
	std::vector<struct unit_map> maps;
	struct unit_func func = {};

	made(enum prog_type type, std::vector<bpfi> code);
	~made();
	made(const made &) = delete;
	int verify();
};
