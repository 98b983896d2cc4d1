// a slice that is for reading is written to
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();
	__u8 *p;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	p = bpf_dynptr_slice(&d, 0, 0, 8);
	if (p)
		*p = 1;	// V033
	return 0;
}
