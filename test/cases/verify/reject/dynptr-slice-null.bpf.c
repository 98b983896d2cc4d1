// a slice that may be NULL is used
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();
	__u8 *p;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	p = bpf_dynptr_slice(&d, ctx->di, 0, 8);
	return *p;	// V015
}
