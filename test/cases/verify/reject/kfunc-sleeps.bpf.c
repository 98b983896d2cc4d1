// a function of the kernel that may sleep, in a program that may not
#include "../case.h"

extern int bpf_copy_from_user_str(void *to, __u32 bytes, const void *from, __u64 flags) __ksym;

UPROBE(prog)
{
	char buf[8];

	return bpf_copy_from_user_str(buf, sizeof(buf), (void *)ctx->di, 0);	// V018
}
