/* SPDX-License-Identifier: MIT
 *
 * value.c - copies of values of maps that no compiler knows. */
#include "spin.h"

void rt_value_in(const struct bpftime_map *m, void *to, const void *from)
{
	rt_value_in_here(m, to, from);
}

void rt_value_out(const struct bpftime_map *m, void *to, const void *from)
{
	rt_value_out_here(m, to, from);
}
