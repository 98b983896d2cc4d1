/* SPDX-License-Identifier: MIT
 *
 * bench_native FUNCTIONS.so NAME MEMORY REPEAT: calls NAME(memory, its size) as often as
 * that and prints what `bpftime-aot run --repeat` does: the last result and ns a call. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MEM_BYTES = 4096 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static _Alignas(4096) uint8_t mem[MEM_BYTES];
	uint64_t (*fn)(uint8_t *, uint64_t), r0;
	FILE *f = argc == 5 ? fopen(argv[3], "rb") : NULL;
	void *so = argc == 5 ? dlopen(argv[1], RTLD_NOW) : NULL;
	long n = argc == 5 ? atol(argv[4]) : 0;
	double from;

	if (!f || !so || n < 2 || fread(mem, 1, sizeof(mem), f) != sizeof(mem))
		return 2;
	*(void **)&fn = dlsym(so, argv[2]);
	if (!fn)
		return 2;
	r0 = fn(mem, sizeof(mem));
	from = now_ns();
	for (long i = 1; i < n; i++)
		r0 = fn(mem, sizeof(mem));
	return printf("0x%llx %.4f\n", (unsigned long long)r0,
		      (now_ns() - from) / (double)(n - 1)) < 0;
}
