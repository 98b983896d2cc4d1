// a dynptr is made of memory that it would outlive
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	__u64 buf[4] = { 0 };

	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);	// V019
	return 0;
}
