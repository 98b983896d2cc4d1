// how much is wanted of a dynptr's memory is not known
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	return !bpf_dynptr_data(&d, 0, ctx->di & 7);	// V020
}
