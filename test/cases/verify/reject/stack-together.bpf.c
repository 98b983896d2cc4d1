// two frames of 320 bytes are too much for a packet program
#include "../case.h"

static __attribute__((noinline)) int f(int n)	// V027
{
	volatile char a[320] = { 0 };

	return a[n & 127];
}

SEC("xdp") int prog(void *ctx)
{
	volatile char a[320] = { 0 };

	return f(a[5]) + a[6];
}
