// SPDX-License-Identifier: MIT
#include "exempt.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

static bool read_when(const std::string &text, exemption *e)
{
	static const char *const names[] = {"dead", "plain", "loops", "uncalled", "always"};
	for (int i = 0; i <= WHEN_ALWAYS; i++)
		if (text == names[i]) {
			e->when = (enum when)i;
			return true;
		}
	e->when = WHEN_SEED;
	e->seed = text.rfind("seed ", 0) == 0 ? strtoull(text.c_str() + 5, nullptr, 10) : 0;
	return e->seed != 0;
}

std::vector<exemption> read_exemptions(const char *path)
{
	std::vector<exemption> table;
	std::ifstream in(path);
	std::string line;
	while (std::getline(in, line)) {
		size_t bar = line.find(" | "), second = bar == line.npos ? bar : line.find(" | ", bar + 3);
		exemption e = {};
		if (line.empty() || line[0] == '#')
			continue;
		if (second == line.npos || !read_when(line.substr(bar + 3, second - bar - 3), &e)) {
			fprintf(stderr, "%s: not 'message | when | reason': %s\n", path, line.c_str());
			return {};
		}
		e.message = line.substr(0, bar), e.reason = line.substr(second + 3);
		table.push_back(e);
	}
	return table;
}

// With the kernel's knowledge of numbers it is refused here too, and at the same place.
static bool refused_plain(const finding &f)
{
	return !f.plain.accepted && (f.at < 0 || f.plain.insn == f.at);
}

static bool reached(const finding &f, int64_t insn)
{
	return insn >= 0 && insn < (int64_t)f.ours.reached.size() && f.ours.reached[(size_t)insn];
}

static bool ends_by_itself(const gen_prog &p)
{
	for (auto &in : p.insn)
		if (in.code == BPFI_MAY_GOTO || (in.code == BPFI_LD_IMM64 && in.src == BPFI_LD_FUNC) ||
		    (in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_KFUNC && in.imm == GEN_ITER_NEXT))
			return true;
	return false;
}

static bool applies(const exemption &e, const finding &f)
{
	switch (e.when) {
	case WHEN_DEAD:
		return f.at >= 0 && !reached(f, f.at) && refused_plain(f);
	case WHEN_PLAIN:
		return refused_plain(f);
	case WHEN_LOOPS:
		return ends_by_itself(f.p);
	case WHEN_UNCALLED:
		for (uint32_t at : callback_starts(f.p))
			if (!reached(f, at))
				return true;
		return false;
	case WHEN_ALWAYS:
		return true;
	case WHEN_SEED:
		return e.seed == f.p.seed;
	}
	return false;
}

const exemption *exempt(const std::vector<exemption> &table, const finding &f)
{
	for (auto &e : table)
		if ((e.message == "*" || f.says.find(e.message) != std::string::npos) && applies(e, f))
			return &e;
	return nullptr;
}
