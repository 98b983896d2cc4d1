// SPDX-License-Identifier: MIT
// Random BPF programs that are often nearly right: built from blocks that programs are made
// of (look up, check, bound, access, spill, call, loop), wired with random branches, and
// sometimes mutated.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "helpers.h"
#include "isa.h"

struct gen_map {
	const char *name;
	uint32_t type, key, value, max, flags;
	std::string init;	// frozen, with these contents
	bool lock = false;	// a struct bpf_spin_lock at GEN_LOCK_OFF
	int inner = -1;		// a map of maps: of maps like that one
};

// The maps every program may use, by index.
extern const std::vector<gen_map> gen_maps;
enum {
	GEN_HASH, GEN_ARRAY, GEN_ARRAY1, GEN_RODATA, GEN_RINGBUF, GEN_PROGS,
	GEN_LOCK_HASH, GEN_LOCK_ARRAY,		// values with a lock
	GEN_IN_A, GEN_IN_B,			// two maps ...
	GEN_OUTER_ARRAY, GEN_OUTER_HASH,	// ... that are in these two by GEN_A and GEN_B
	GEN_USER_RING,
	GEN_MAPS
};
enum { GEN_LOCK_OFF = 8, GEN_A = 0, GEN_B = 2 };

// The kernel functions that programs call, by index.
extern const std::vector<const char *> gen_kfuncs;
enum {
	GEN_ITER_NEW, GEN_ITER_NEXT, GEN_ITER_DESTROY, GEN_BITS_NEW, GEN_BITS_NEXT, GEN_BITS_DESTROY,
	GEN_DYNPTR_ADJUST, GEN_DYNPTR_CLONE, GEN_DYNPTR_COPY, GEN_DYNPTR_IS_NULL, GEN_DYNPTR_IS_RDONLY,
	GEN_DYNPTR_MEMSET, GEN_DYNPTR_SIZE, GEN_DYNPTR_SLICE, GEN_DYNPTR_SLICE_RDWR,
	GEN_STRCASECMP, GEN_STRCHR, GEN_STRCHRNUL, GEN_STRCMP, GEN_STRCSPN, GEN_STRLEN, GEN_STRNCHR, GEN_STRNLEN,
	GEN_STRNSTR, GEN_STRRCHR, GEN_STRSPN, GEN_STRSTR, GEN_READ_DYNPTR, GEN_READ_STR_DYNPTR,
	GEN_RDONLY_CAST,
};

struct gen_prog {
	enum prog_type type;
	std::vector<bpfi> insn;
	uint64_t seed;
	bool mutated = false;
	bool by_order = false;	// the result may depend on the order of a hash map's elements
};

gen_prog generate(uint64_t seed);

// Where its functions start, in order: 0, and what calls and addresses of functions lead to; and
// those of the latter kind alone.
std::vector<uint32_t> function_starts(const gen_prog &p);
std::vector<uint32_t> callback_starts(const gen_prog &p);
