// a global function submits what it was given
#include "../dynptr.h"

__noinline int submit(struct bpf_dynptr *d)
{
	bpf_ringbuf_submit_dynptr(d, 0);	// V023
	return 0;
}

UPROBE(prog)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	submit(&d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
