// SPDX-License-Identifier: MIT
// The kernel on this machine as the oracle.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gen.h"

class kernel_oracle {
public:
	kernel_oracle();
	~kernel_oracle();
	bool usable() const { return ok; }
	// A program fd, or -errno.  With `log` the last lines of the verifier's log.
	int load(const gen_prog &p, std::string *log) const;
	int map_fd(size_t i) const { return maps[i]; }

private:
	int make_btf();

	bool ok;
	int btf_fd = -1;		// types of functions and of values with a lock
	uint32_t btf_global = 0, btf_static = 0, btf_u32 = 0, btf_u64 = 0, btf_locked = 0;
	std::vector<int> maps, kfuncs;	// fds; ids in the kernel's BTF
	// The kernel ties a prog_array to the kind of the first program that names it.
	int progs[PROG_TYPE_COUNT];
};

// What the kernel says, without numbers that vary: the message of a rejection.
std::string last_line(const std::string &log);
// The instruction that it looked at last, -1: none.
int64_t last_insn(const std::string &log);
