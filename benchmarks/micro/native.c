/* SPDX-License-Identifier: MIT
 *
 * bench_native FUNCTIONS.so NAME MEMORY REPEAT: calls NAME(memory, its size) as often as that and prints what
 * `bpftime-aot run --repeat` does: the last result and ns a call.
 *
 * With -DPEER and one of peer_*.c: the same for what another BPF compiler makes of a program; FUNCTIONS.so is a file
 * with its instructions, NAME does not matter. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "peer.h"

enum { MEM_BYTES = 4096, CODE_BYTES = 65536 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#ifdef PEER
static micro_fn *function(const char *file, const char *name)
{
	static uint8_t code[CODE_BYTES];
	FILE *f = fopen(file, "rb");

	(void)name;
	return f ? peer_compile(code, fread(code, 1, sizeof(code), f)) : NULL;
}
#else
static micro_fn *function(const char *file, const char *name)
{
	void *so = dlopen(file, RTLD_NOW);
	micro_fn *fn = NULL;

	if (so)
		*(void **)&fn = dlsym(so, name);
	return fn;
}
#endif

int main(int argc, char **argv)
{
	static _Alignas(4096) uint8_t mem[MEM_BYTES];
	uint64_t r0;
	FILE *f = argc == 5 ? fopen(argv[3], "rb") : NULL;
	micro_fn *fn = argc == 5 ? function(argv[1], argv[2]) : NULL;
	long n = argc == 5 ? atol(argv[4]) : 0;
	double from;

	if (!f || !fn || n < 2 || fread(mem, 1, sizeof(mem), f) != sizeof(mem))
		return 2;
	r0 = fn(mem, sizeof(mem));
	from = now_ns();
	for (long i = 1; i < n; i++)
		r0 = fn(mem, sizeof(mem));
	return printf("0x%llx %.4f\n", (unsigned long long)r0,
		      (now_ns() - from) / (double)(n - 1)) < 0;
}
