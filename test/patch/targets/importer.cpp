// SPDX-License-Identifier: MIT
// Calls imported functions: directly, through pointers, as a tail call, until they throw.
#include <cstdio>
#include <stdexcept>

extern "C" {
long lib_add(long, long);
long lib_many(long, long, long, long, long, long, long, long);
double lib_sum(int, ...);
long lib_throw(long);
long lib_callback(long (*)(long), long);
long lib_twice(long);
long lib_pick(long);
}

static long back(long n)
{
	return lib_throw(n) * 2;
}

__attribute__((noinline, noclone)) static long tail(long n)
{
	return lib_add(n, 3);
}

// With something in r11, twice: a lazy stub's first call changes it.
extern "C" long with_r11();
asm(".text\n"
    ".type with_r11, @function\n"
    "with_r11: movabs $0x1122334455667788, %r11\n"
    "jmp plain@PLT\n"
    ".size with_r11, . - with_r11\n");

struct Trace {
	~Trace() { printf("unwound\n"); }
};

int main()
{
	long (*volatile pointer)(long, long) = lib_add;
	long sum = 0;

	for (long i = 0; i < 10; i++)
		sum += lib_add(i, 1) + tail(i) + lib_twice(i);
	printf("%ld\n", sum);
	printf("%ld\n", pointer(1, 2));
	printf("%ld %a %ld\n", lib_many(1, 2, 3, 4, 5, 6, 7, 8), lib_sum(10, 1., 2., 3., 4., 5., 6., 7., 8., 9., 10.),
	       lib_pick(5));
	printf("%ld", with_r11());
	printf(" %ld\n", with_r11());
	for (long i = 0; i < 5; i++) {
		try {
			Trace t;
			printf("%ld\n", lib_throw(i));
		} catch (const std::exception &e) {
			printf("%s\n", e.what());
		}
		try {
			printf("%ld\n", lib_callback(back, i));
		} catch (const std::exception &e) {
			printf("%s, through the callback\n", e.what());
		}
	}
}
