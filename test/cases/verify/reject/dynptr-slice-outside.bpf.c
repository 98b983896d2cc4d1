// more is read of a slice than was asked for
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();
	__u8 *p;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	return p ? p[8] : 0;	// V013
}
