// the bytes of a dynptr are read
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	return *(volatile __u64 *)&d;	// V010
}
