// a dynptr that holds no record is submitted
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);	// V023
	return 0;
}
