// SPDX-License-Identifier: MIT
#include "exempt.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

std::vector<exemption> read_exemptions(const char *path)
{
	std::vector<exemption> table;
	std::ifstream in(path);
	std::string line;
	while (std::getline(in, line)) {
		size_t bar = line.find(" | "), second = bar == line.npos ? bar : line.find(" | ", bar + 3);
		if (line.empty() || line[0] == '#')
			continue;
		if (second == line.npos) {
			fprintf(stderr, "%s: not 'message | when | reason': %s\n", path, line.c_str());
			return {};
		}
		std::string when = line.substr(bar + 3, second - bar - 3);
		uint64_t seed = when.rfind("seed ", 0) == 0 ? strtoull(when.c_str() + 5, nullptr, 10) : 0;
		table.push_back({line.substr(0, bar), when == "better", seed, line.substr(second + 3)});
	}
	return table;
}

const exemption *exempt(const std::vector<exemption> &table, const std::string &kernel_says, bool refused_plain,
			uint64_t seed)
{
	for (auto &e : table)
		if (kernel_says.find(e.message) != std::string::npos && (refused_plain || !e.known_better) &&
		    (!e.seed || e.seed == seed))
			return &e;
	return nullptr;
}
