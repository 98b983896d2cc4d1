// what points into a dynptr is used when the dynptr is gone
// says: pointed into a dynptr that is gone
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
	if (!p)
		return 0;
	*(volatile __u8 *)((void *)&d + 9) = 1;
	return *p;	// V014
}
