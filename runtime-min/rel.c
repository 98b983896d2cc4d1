/* SPDX-License-Identifier: MIT */
#include "rel.h"

void *rt_rel(const int32_t *field)
{
	return BPFTIME_REL(void, *field);
}
