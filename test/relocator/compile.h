/* SPDX-License-Identifier: MIT
 *
 * Objects for the tests: BPF C compiled with clang-19 while the test runs. */
#pragma once
#include <string>

#include "relocator.h"

/* Compiles test/relocator/<name>.bpf.c; `flags` are added to clang's.  Returns the path
 * of the object; "" when clang-19 is missing or refuses. */
std::string compile_bpf(const std::string &name, const std::string &flags = "-mcpu=v3");
/* The same for source text. */
std::string compile_text(const std::string &text, const std::string &flags = "-mcpu=v3");

bool have_clang();
#define NEED_CLANG()                                                              \
	do {                                                                      \
		if (!have_clang())                                                \
			GTEST_SKIP() << "clang-19 is not installed";              \
	} while (0)

/* relocate() with its messages kept. */
struct Relocated {
	struct unit *u = nullptr;
	struct diags dg = {};
	int err = 0;
	std::string text;	/* what was reported */

	explicit Relocated(const std::string &path, const struct relocate_opts *opts = nullptr);
	Relocated(const Relocated &) = delete;
	~Relocated() { unit_free(u); }
	const struct unit_prog *prog(const std::string &name) const;
	const struct unit_map *map(const std::string &name) const;
	/* The 8 bytes at `off` of a global data map, zero extended. */
	uint64_t data(const std::string &map_name, size_t off, size_t bytes) const;
};
