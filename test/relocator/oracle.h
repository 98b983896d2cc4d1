/* SPDX-License-Identifier: MIT
 *
 * What libbpf makes of the same object: the instructions, maps and first contents that
 * it hands to bpf().  Where the kernel allows it they go to the kernel, which then has to
 * accept the program; else, and on request, to a stand-in that accepts anything. */
#pragma once
#include <string>

#include "compile.h"

/* Loads the object with libbpf and compares programs (slot by slot, map fds resolved to
 * maps), maps and first contents of data with the unit.  "" when they agree, else where
 * they do not. */
std::string differs_from_libbpf(const Relocated &r, const std::string &path,
				const char *btf_path = nullptr, bool stand_in = false);

/* Why libbpf does not relocate the object; "" when it does. */
std::string libbpf_refuses(const std::string &path, const char *btf_path = nullptr);

#define EXPECT_SAME_AS_LIBBPF(r_, path_, ...)                                     \
	do {                                                                      \
		ASSERT_EQ((r_).err, 0) << (r_).text;                              \
		EXPECT_EQ(differs_from_libbpf(r_, path_, ##__VA_ARGS__), "");     \
	} while (0)
