// a function that may sleep, in a program that may not
#include "../dynptr.h"

UPROBE(prog)
{
	void *value = memory();
	struct bpf_dynptr d;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	return bpf_copy_from_user_dynptr(&d, 0, 32, (void *)ctx->di); // V018
}
