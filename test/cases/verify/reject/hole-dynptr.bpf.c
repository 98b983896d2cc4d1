// what a helper that cannot be had would hand out is refused at the helper
// kernel: skip, the memory must be a map value there
#include "../case.h"

struct ptr { __u64 opaque[2]; } __attribute__((aligned(8)));

UPROBE(prog)
{
	char buf[8] = { 0 };
	struct ptr p;

	return bpf_dynptr_from_mem(buf, sizeof(buf), 0, (struct bpf_dynptr *)&p);	// V028
}
