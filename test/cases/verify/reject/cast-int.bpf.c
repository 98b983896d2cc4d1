// a type that is no structure
#include "../cast.h"

UPROBE(prog)
{
	int *p = bpf_rdonly_cast((const void *)ctx->di, KERNEL_TYPE_ID(int)); // V019

	return *p;
}
