/* SPDX-License-Identifier: MIT */
#include <stdio.h>

long work(long a, long b);
long twice(long a);

int main(void)
{
	long sum = 0;

	for (long i = 0; i < 50; i++)
		sum += work(i, i) ^ twice(i);
	printf("%ld\n", sum);
	return 0;
}
