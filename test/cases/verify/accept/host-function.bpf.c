// a function of the program that embeds this one is called
// kernel: skip, it has no such function
#include "../case.h"

extern __u64 host_call(__u64 n) __ksym;

SEC("xdp") int prog(void *ctx)
{
	return host_call(1) == 2;
}
