// the buffer of a slice is smaller than the slice
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();
	__u64 word = 0;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	asm volatile("" :: "r"(&word) : "memory");
	return !bpf_dynptr_slice(&d, 0, value, 65);	// V011
}
