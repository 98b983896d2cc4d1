// a clone in another frame ends with the record as well
// kernel: accept, 6.18 has this hole
#include "../dynptr.h"

static __noinline int leaves_clone(struct bpf_dynptr *d)
{
	struct bpf_dynptr copy;
	__u8 *p;

	bpf_dynptr_clone(d, &copy);
	bpf_ringbuf_discard_dynptr(d, 0);
	p = bpf_dynptr_data(&copy, 0, 8);	// V019
	return p ? *p : 0;
}

UPROBE(prog)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	return leaves_clone(&d);
}
