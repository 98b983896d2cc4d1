/* SPDX-License-Identifier: MIT
 *
 * A function with a piece elsewhere, work.cold, which half of its ten calls go through. */
#include <stdio.h>
#include <stdlib.h>

__attribute__((cold, noinline)) static int rare(int v)
{
	printf("rare %d\n", v);
	return v;
}

__attribute__((noinline)) int work(int v)
{
	int was = rand();

	if (v % 2)
		v += rare(v) + rare(was);
	return v + was;
}

int main(void)
{
	int sum = 0;

	for (int i = 0; i < 10; i++)
		sum += work(i);
	return sum == 12345;
}
