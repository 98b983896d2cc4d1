// what points into a clone is used when the record is discarded
// says: pointed into a dynptr that is gone
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d, copy;
	__u8 *p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	bpf_dynptr_clone(&d, &copy);
	p = bpf_dynptr_data(&copy, 0, 8);
	if (!p) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	bpf_ringbuf_discard_dynptr(&d, 0);
	return *p;	// V014
}
