// slices to write to are for programs that may write to packets
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	return !bpf_dynptr_slice_rdwr(&d, 0, 0, 8);	// V018
}
