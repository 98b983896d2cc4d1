/* SPDX-License-Identifier: MIT
 *
 * What libbpf and the kernel make of the same object: loaded with bpf(), so it needs
 * root.  The instructions are those that libbpf hands to the kernel. */
#pragma once
#include <string>

#include "compile.h"

/* Loads the object with libbpf and compares programs (slot by slot, map fds resolved to
 * maps), maps and first contents of data with the unit.  "" when they agree, else where
 * they do not; "skip: ..." when this process may not use bpf(). */
std::string differs_from_libbpf(const Relocated &r, const std::string &path,
				const char *btf_path = nullptr);

#define EXPECT_SAME_AS_LIBBPF(r_, path_, ...)                                     \
	do {                                                                      \
		ASSERT_EQ((r_).err, 0) << (r_).text;                              \
		std::string d_ = differs_from_libbpf(r_, path_, ##__VA_ARGS__);   \
		if (d_.rfind("skip: ", 0) == 0)                                   \
			GTEST_SKIP() << d_.substr(6);                             \
		EXPECT_EQ(d_, "");                                                \
	} while (0)
