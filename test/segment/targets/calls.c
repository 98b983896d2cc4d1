/* SPDX-License-Identifier: MIT
 * Calls imports through the PLT, some also by address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	int (*print)(const char *) = puts;
	void (*release)(void *) = free;
	char *copy = strdup(argv[0]);

	print(argc > 100 ? getenv("HOME") : "calls");
	puts(copy);
	release(copy);
	return 0;
}
