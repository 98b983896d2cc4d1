// SPDX-License-Identifier: MIT
// Exceptions through a hooked function, caught on both sides of it.
#include <cstdio>
#include <stdexcept>
#include <string>

struct Tracer {
	std::string name;
	~Tracer() { printf("~%s\n", name.c_str()); }
};

static long returned;

extern "C" __attribute__((noinline)) long work(long a, const std::string &s)
{
	Tracer t{"work " + std::to_string(a)};
	if (a % 3 == 0)
		throw std::runtime_error(s);
	if (a > 10) {
		try {
			long r = work(a - 9, s) + 1;
			returned++;
			return r;
		} catch (std::runtime_error &e) {
			printf("inside: %s\n", e.what());
			if (a % 2)
				throw;
			returned++;
			return -1;
		}
	}
	returned++;
	return a;
}

int main()
{
	long sum = 0;

	for (long i = 0; i < 40; i++) {
		Tracer t{"main " + std::to_string(i)};
		try {
			sum += work(i, "thrown at " + std::to_string(i));
		} catch (std::exception &e) {
			printf("caught: %s\n", e.what());
		}
	}
	printf("sum %ld\nreturned %ld\n", sum, returned);
	return 3;
}
