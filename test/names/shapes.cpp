// SPDX-License-Identifier: MIT
// Names that are not what the symbol table says.
#include <cstdio>

#define KEEP __attribute__((noinline, noclone, used))

namespace ns {
struct Shape {
	int n;
	KEEP Shape(int v) : n(v) {}
	KEEP int area(int scale) const { return n * scale; }
	KEEP long area(long scale) const { return n * scale + 1; }
	KEEP Shape operator+(const Shape &o) const { return Shape(n + o.n); }
	KEEP int operator[](char *p) const { return n + *p; }
};
template <typename T> KEEP T twice(T v) { return v * 2 + (v ^ 0x12345); }
KEEP int words(const char *a) { return *a; }
KEEP int words(const char *a, int b) { return *a + b; }
}
KEEP int global(int v) { return v ^ 5; }

int main(int argc, char **)
{
	ns::Shape s(argc + 2);
	char c = 'c';

	printf("%d %ld %d %d %d %d %d %d\n", s.area(2), s.area(3L), (s + s).n, s[&c], ns::twice(argc),
	       ns::words("a"), ns::words("b", 1), global(argc));
	return 0;
}
