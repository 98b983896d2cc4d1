/* SPDX-License-Identifier: MIT */
#include "tnum.h"

struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum sum = tnum_const(0);

	/* One row of the long multiplication for each bit of a: added, not added, or
	 * either. */
	for (; a.value | a.mask; a = tnum_rsh(a, 1), b = tnum_lsh(b, 1)) {
		if (a.value & 1)
			sum = tnum_add(sum, b);
		else if (a.mask & 1)
			sum = tnum_join(sum, tnum_add(sum, b));
	}
	return sum;
}
