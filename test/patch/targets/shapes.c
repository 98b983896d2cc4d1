/* SPDX-License-Identifier: MIT
 *
 * Calls every function of shapes.S with several values in all registers and prints a line
 * a call: which registers came back how.  Addresses do not appear in it. */
#include <stdint.h>
#include <stdio.h>

void run_shape(void *fn, uint64_t regs[16]);

#define SHAPE(name_) void name_(void);
#include "shapes.def"
#undef SHAPE

static const struct {
	const char *name;
	void (*fn)(void);
} shape[] = {
#define SHAPE(name_) { #name_, name_ },
#include "shapes.def"
#undef SHAPE
};

enum { RCX = 1, RDI = 6, FLAGS = 15 };

int main(void)
{
	static const uint64_t di[] = { 0, 1, 2, 3, 0x123456789abcdef0, -7ull };

	for (unsigned i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		for (unsigned k = 0; k < 12; k++) {
			uint64_t r[16];

			for (unsigned j = 0; j < FLAGS; j++)
				r[j] = 0x1111111111111111ull * (j + 1) + k;
			r[RDI] = shape[i].fn == again_ ? k : di[k % 6];
			r[RCX] = k % 3;
			r[FLAGS] = 0x202 | (k & 1 ? 0x8d5 : 0);
			run_shape((void *)shape[i].fn, r);
			printf("%s %u:", shape[i].name, k);
			for (unsigned j = 0; j < FLAGS; j++)
				printf(" %llx", (unsigned long long)r[j]);
			printf(" f%llx\n", (unsigned long long)(r[FLAGS] & 0x400));
		}
	}
	return 0;
}
