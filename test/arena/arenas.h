// SPDX-License-Identifier: MIT
// Programs with an arena, run here and in the kernel (as BPF_PROG_TYPE_SYSCALL, by BPF_PROG_TEST_RUN).
#ifndef TEST_ARENA_ARENAS_H
#define TEST_ARENA_ARENAS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "relocator.h"
#include "unit.h"

enum { ARENA_OUT = 64, ARENA_PAGE = 4096 };	// elements of the array `out`, 8 bytes each

struct arena_ran {
	bool ok = false;
	std::string why;
	uint64_t r0 = 0;
	std::vector<uint64_t> out;			// what the programs left in `out`
	std::map<uint32_t, std::string> page;		// pages that are there and not all zero
};

// NULL, with a message, when it is refused.
struct unit *arena_unit(const std::string &object);
std::vector<std::string> arena_programs(const std::string &object);

// The programs of an object, one after the other, over one arena.
class ArenaHere {
public:
	// progs: only these are compiled; none: all.
	explicit ArenaHere(const std::string &object, unsigned level = 3, const std::vector<std::string> &progs = {});
	ArenaHere(struct unit *u, unsigned level, const std::vector<std::string> &progs);	// u is taken
	~ArenaHere();
	ArenaHere(const ArenaHere &) = delete;
	// In this process.  false: there is no such program.
	bool run(const std::string &prog, uint64_t *r0);
	const struct bpftime_map *map(const std::string &name) const;
	void *base(const std::string &name) const;
	std::vector<uint64_t> out() const;
	std::map<uint32_t, std::string> pages() const;
	bool ok = false;

private:
	struct state;
	state *s;
};

class ArenaKernel {
public:
	explicit ArenaKernel(const std::string &object);
	explicit ArenaKernel(struct unit *u);	// u is taken
	~ArenaKernel();
	ArenaKernel(const ArenaKernel &) = delete;
	bool run(const std::string &prog, uint64_t *r0, std::string *why);
	// A descriptor or -errno; runnable: as a program for BPF_PROG_TEST_RUN, else as the user probe that it is.
	int load(const std::string &prog, bool runnable, std::string *log);
	// An element of an array; 0 or -errno.
	int store(const std::string &map, uint32_t index, uint64_t v);
	int load(const std::string &map, uint32_t index, void *value) const;
	std::vector<uint64_t> out() const;
	std::map<uint32_t, std::string> pages() const;
	// Can this page be read?  Only with BPF_F_SEGV_ON_FAULT is that a question.
	bool is_there(uint32_t page) const;
	bool ok = false;
	std::string why;
	uint8_t *arena = nullptr;
	uint32_t n_pages = 0;

private:
	struct unit *u;
	std::vector<int> fd;
	std::map<std::string, int> prog_fd;
};

bool arena_kernel_usable();
// All programs of an object, or one, each in a child with an arena of its own.
arena_ran arena_here(const std::string &object, const std::vector<std::string> &progs, unsigned level);
arena_ran arena_kernel(const std::string &object, const std::vector<std::string> &progs);

#endif
