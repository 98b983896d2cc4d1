/* SPDX-License-Identifier: MIT */
#include <stdio.h>
int lib_add(int a, int b);
const char *lib_name(void);
int main(void)
{
	printf("%s %d\n", lib_name(), lib_add(20, 21));
	return 0;
}
