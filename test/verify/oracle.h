// SPDX-License-Identifier: MIT
// A generated program in front of both verifiers.
#pragma once

#include <string>
#include <vector>

#include "diag.h"
#include "gen.h"
#include "verify.h"

struct our_verdict {
	bool accepted;
	std::string code, text;
	int64_t insn;
	uint64_t processed;
	bool by_chance;			// verify.h
	std::vector<bool> reached;	// instructions that some path gets to
};

// plain: without knowledge that the kernel has not (enum vfy_plain).  types: what bpf_rdonly_cast knows.
our_verdict verify(const gen_prog &p, uint32_t plain = 0, bool chance = false, struct btf *types = nullptr);
// A unit of these programs over gen_maps; all of it lives in `a`.
struct unit *as_unit(struct arena *a, const std::vector<gen_prog> &progs);
std::string unit_prog_name(size_t i);
// The program as a line of test/data's form.
std::string as_record(const gen_prog &p, const std::string &name, const std::string &verdict);
// "0f05c3"
std::string bytes_text(const void *p, size_t n);
// Its instructions, one a line.
std::string listing(const gen_prog &p);
