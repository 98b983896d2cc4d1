// SPDX-License-Identifier: MIT
//
// stacks.h - programs are built, patched with a hook that takes stacks, and run; what came out is
// compared with the stacks that the program printed itself.
#pragma once
#include "e2e.h"

#include <vector>

using Stack = std::vector<uint64_t>;

inline std::string compile_walked(const Scratch &s, const std::string &how, std::string &out)
{
	out = s / "walked";
	Output r = shell(how + " -O2 -o " + out + " " STACKS_SOURCE);
	return r.status ? r.text : "";
}

inline Output patch_stacks(const std::string &binary, const std::string &args, const std::string &out)
{
	return shell(bin + "bpftime-patch --binary " + binary + " " + args + " " STACKS_HOOK " -o " + out);
}

// Lines "stack ADDRESS ...", without the zero that unwinders say last.
inline std::vector<Stack> printed(const std::string &text)
{
	std::vector<Stack> all;
	std::istringstream lines(text);
	for (std::string line; std::getline(lines, line);) {
		std::istringstream words(line);
		std::string word;
		Stack one;
		words >> word;
		if (word != "stack")
			continue;
		for (uint64_t ip; words >> std::hex >> ip;)
			if (ip)
				one.push_back(ip);
		all.push_back(one);
	}
	return all;
}

// A map of stacks.bpf.c, as far as it is filled; func: only stacks of that one.
inline std::vector<Stack> taken(const std::string &dir, const std::string &map = "stacks", uint64_t func = 0)
{
	std::vector<Stack> all;
	Output r = shell(bin + "bpftime-ctl dump " + map + " --dir " + dir + " --json");
	static const std::regex element("\"func\":([0-9]+),\"bytes\":(-?[0-9]+),\"ip\":\\[([0-9,]*)\\]");
	for (std::sregex_iterator i(r.text.begin(), r.text.end(), element), end; i != end; ++i) {
		long bytes = atol((*i)[2].str().c_str());
		std::istringstream list((*i)[3].str());
		Stack one;
		std::string word;
		if (!bytes)
			break;
		while ((long)one.size() < bytes / 8 && std::getline(list, word, ','))
			one.push_back(strtoull(word.c_str(), nullptr, 10));
		if (!func || func == strtoull((*i)[1].str().c_str(), nullptr, 10))
			all.push_back(one);
	}
	return all;
}

inline std::string hex(const Stack &s)
{
	std::ostringstream o;
	for (uint64_t ip : s)
		o << " " << std::hex << ip;
	return o.str();
}
inline Stack from(const Stack &s, size_t n)
{
	return s.size() < n ? Stack() : Stack(s.begin() + (long)n, s.end());
}
