// the second half of a dynptr is passed as one
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d[2];
	__u64 word;
	void *value = memory();

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d[0]);
	bpf_dynptr_from_mem(value, 64, 0, &d[1]);
	bpf_dynptr_read(&word, sizeof(word), (void *)&d[0] + 8, 0, 0);	// V019
	return 0;
}
