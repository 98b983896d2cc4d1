// SPDX-License-Identifier: MIT
// Calls both() of walked.c through functions of libraries that come and go: with -DSIZE such a library.
#ifdef SIZE
#include <string.h>

int frame(int (*f)(int), int k)
{
	char room[SIZE];

	memset(room, k, sizeof(room));
	__asm__ volatile("" ::"r"(room) : "memory");
	return f(k) + room[3];
}
#else
#include <dlfcn.h>
#define main unused
#include "walked.c"
#undef main

int main(int n, char **arg)
{
	int k = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 0; i < 12; i++) {
		void *h = dlopen(arg[1 + i % (n - 1)], RTLD_NOW);
		int (*frame)(int (*)(int), int) = (int (*)(int (*)(int), int))dlsym(h, "frame");

		printf("at %p\n", (void *)frame);
		k += frame(both, i);
		dlclose(h);
	}
	return k == 12345;
}
#endif
