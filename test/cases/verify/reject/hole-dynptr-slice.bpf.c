// what bpf_dynptr_slice() returned ends with the record as well
// kernel: accept, 6.18 has this hole
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	__u8 *p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	p = bpf_dynptr_slice(&d, 0, 0, 8);
	if (!p) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	bpf_ringbuf_discard_dynptr(&d, 0);
	return *p;	// V014
}
