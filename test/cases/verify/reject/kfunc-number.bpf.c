// an address where a function of the kernel wants a number
#include "../case.h"

extern int bpf_strnlen(const char *s, __u64 bytes) __ksym;

UPROBE(prog)
{
	return bpf_strnlen((const char *)ctx->di, (__u64)&ctx->di);	// V019
}
