// SPDX-License-Identifier: MIT
#include "exempt.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "kernel.h"

const std::vector<piece> &knowledge()
{
	static const std::vector<piece> all = {
		{"division", PLAIN_DIVISION}, {"contradiction", PLAIN_CONTRADICTION}, {"self", PLAIN_SELF},
		{"depth", PLAIN_DEPTH}, {"iterator", PLAIN_ITERATOR}, {"slot", PLAIN_SLOT}, {"shift", PLAIN_SHIFT},
		{"key", PLAIN_KEY}, {"turn", PLAIN_TURN}, {"bits", PLAIN_BITS},
	};
	return all;
}

// "division", "slot V010", "loops", "seed 7"
static bool read_when(const std::string &text, exemption *e)
{
	size_t space = text.find(' ');
	std::string word = text.substr(0, space), arg = space == text.npos ? "" : text.substr(space + 1);
	for (auto &k : knowledge())
		if (word == k.name) {
			e->when = WHEN_WITHOUT, e->arg = k.plain, e->code = arg;
			return true;
		}
	e->when = word == "loops" ? WHEN_LOOPS : word == "uncalled" ? WHEN_UNCALLED : word == "always" ? WHEN_ALWAYS : WHEN_SEED;
	e->arg = strtoull(arg.c_str(), nullptr, 10);
	return e->when != WHEN_SEED || (word == "seed" && e->arg);
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

static bool reached(const finding &f, int64_t insn)
{
	return insn >= 0 && insn < (int64_t)f.ours.reached.size() && f.ours.reached[(size_t)insn];
}

// Without that knowledge it is refused here too: where the kernel refuses it, or, when that is
// never executed, anywhere.
static bool refused_without(const exemption &e, const finding &f)
{
	our_verdict v = f.without((uint32_t)e.arg);
	return !v.accepted && (f.at < 0 || v.insn == f.at || !reached(f, f.at) || (!e.code.empty() && v.code == e.code));
}

static bool ends_by_itself(const gen_prog &p)
{
	for (auto &in : p.insn)
		if (in.code == BPFI_MAY_GOTO || (in.code == BPFI_LD_IMM64 && in.src == BPFI_LD_FUNC) ||
		    (in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_KFUNC && (in.imm == GEN_ITER_NEXT || in.imm == GEN_BITS_NEXT)))
			return true;
	return false;
}

static bool applies(const exemption &e, const finding &f)
{
	switch (e.when) {
	case WHEN_WITHOUT:
		return refused_without(e, f);
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
		return e.arg == f.p.seed;
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

finding find(const gen_prog &p, const std::string &log)
{
	return {p, last_line(log), last_insn(log), verify(p), [&p](uint32_t plain) { return verify(p, plain); }};
}
