/* SPDX-License-Identifier: MIT */
long work(long a, long b);
long twice(long a);

__attribute__((noinline)) long work(long a, long b)
{
	__asm__ volatile("" ::: "memory");
	return a * 31 + b;
}

long twice(long a)
{
	return work(a, 1) + work(a, 2);
}
