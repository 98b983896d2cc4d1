/* SPDX-License-Identifier: MIT
 *
 * bench_first: calls bench_work() twice and prints, in nanoseconds,
 *
 *     from BENCH_T0 (CLOCK_MONOTONIC before exec) to main   the first call   the second   resident KiB */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

long bench_work(long a);
__attribute__((noinline)) long bench_work(long a)
{
	__asm__ volatile("" : "+r"(a) : : "memory");
	return a * 3 + 1;
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (f && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(void)
{
	uint64_t main_at = now_ns(), first, second, end;
	const char *t0 = getenv("BENCH_T0");

	first = now_ns();
	bench_work(1);
	second = now_ns();
	bench_work(2);
	end = now_ns();
	printf("%llu %llu %llu %ld\n", (unsigned long long)(t0 ? main_at - strtoull(t0, NULL, 10) : 0),
	       (unsigned long long)(second - first), (unsigned long long)(end - second), resident_kib());
	return 0;
}
