/* SPDX-License-Identifier: MIT
 *
 * host.c - a call of a function of the program that the payload is in (abi/objfmt.h: objfmt_extern). */
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_host(const struct objfmt_extern *row, uint64_t a, uint64_t b, uint64_t c,
				uint64_t d, uint64_t e)
{
	uint64_t arg[5] = { a, b, c, d, e };

	return bpftime_rt1_host((uint64_t)row, (uint64_t)arg);
}
