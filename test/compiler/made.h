/* SPDX-License-Identifier: MIT
 *
 * made.h - BPF C text to hook object, for tests. */
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "../relocator/compile.h"
#include "compiler.h"
#include "objfile.h"
#include "objfmt.h"

/* What every text begins with. */
extern const char *const bpf_head;

struct Made {
	struct arena *a = arena_new();
	Relocated rel;
	std::vector<const vfy_result *> facts;
	struct compile_opts opts = {};
	struct bytes obj = {};
	struct diags dg = {};
	int err = 0;

	explicit Made(const std::string &path, bool verify = true, const char *target = nullptr);
	Made(const Made &) = delete;
	~Made() { arena_free(a); }

	int compile(struct bytes *out);
	std::string ir();
	obj_file read();	/* the object, as the payload linker reads it */
	const obj_sec *section(const obj_file &f, const std::string &name);
	template <typename T> T row(const obj_file &f, const std::string &sec, size_t i = 0)
	{
		const obj_sec *s = section(f, sec);
		T v = {};
		EXPECT_TRUE(s && s->bytes >= (i + 1) * sizeof(T)) << sec;
		if (s && s->bytes >= (i + 1) * sizeof(T))
			memcpy(&v, s->data + i * sizeof(T), sizeof(T));
		return v;
	}
	std::string write() const;	/* the object as a file, to be unlinked; its path */
	/* Instructions of the function `name`, as text, without those after its return. */
	std::vector<std::string> code(const std::string &name);
};
