/* SPDX-License-Identifier: MIT
 *
 * one_thread - is what the runtime takes for glibc's word that there is one thread that word?  A static program's is
 * not looked for. */
#include <stddef.h>
#include <stdio.h>
#include <sys/single_threaded.h>

#include "loader.h"

int main(void)
{
	const void *want = LINKED_STATICALLY ? NULL : &__libc_single_threaded, *have = rt_libc_find().single;

	if (have != want)
		printf("%p, not %p\n", have, want);
	return have != want;
}
