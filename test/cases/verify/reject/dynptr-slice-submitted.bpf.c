// the memory of a dynptr is submitted as if it was a record
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	__u8 *p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (p)
		bpf_ringbuf_submit(p, 0);	// V019
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
