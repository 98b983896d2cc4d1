/* SPDX-License-Identifier: MIT
 *
 * mem.c - copies and comparisons of sizes that only a map tells. */
#include "mem.h"

void rt_copy_in_long(void *to, const void *from, uint64_t bytes)
{
	rt_copy_in_here(to, from, bytes);
}

void rt_copy_words_long(void *to, const void *from, uint64_t bytes)
{
	rt_copy_words_here(to, from, bytes);
}

bool rt_equal_long(const void *in, const void *bytes_of, uint32_t bytes)
{
	return rt_equal_here(in, bytes_of, bytes);
}
