// SPDX-License-Identifier: MIT
// Throws through frames with destructors; with argument "fde" also asks the unwinder for the
// FDE of the entry point, which is then code that was added.
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include <sys/auxv.h>

struct bases { void *tbase, *dbase, *func; };
extern "C" const void *_Unwind_Find_FDE(void *pc, struct bases *b);

struct Noisy {
	const char *name;
	~Noisy() { printf("gone %s\n", name); }
};

__attribute__((noinline)) static int inner(int n)
{
	Noisy x{ "inner" };
	if (n > 2)
		throw std::runtime_error("at " + std::to_string(n));
	return inner(n + 1) + 1;
}

int main(int argc, char **argv)
{
	try {
		Noisy x{ "main" };
		inner(0);
	} catch (const std::exception &e) {
		printf("caught %s\n", e.what());
	}
	if (argc > 1 && !strcmp(argv[1], "fde")) {
		struct bases b = {};
		void *entry = (void *)getauxval(AT_ENTRY);
		const void *fde = _Unwind_Find_FDE((char *)entry + 4, &b);
		printf("fde %s\n", fde && b.func == entry ? "found" : "NOT FOUND");
	}
	return 0;
}
