/* SPDX-License-Identifier: MIT */
#include "runtime_bitcode.h"

extern const unsigned char bpftime_rt_bitcode[], bpftime_rt_bitcode_end[];

struct bytes runtime_bitcode(const char *target)
{
	struct bytes none = { NULL, 0 };

	if (strcmp(target, "x86_64"))
		return none;
	return (struct bytes){ bpftime_rt_bitcode,
			       (size_t)(bpftime_rt_bitcode_end - bpftime_rt_bitcode) };
}
