// what points into a record is used when the record is submitted
// says: pointed into a dynptr that is gone
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	__u8 *p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	if (p)
		*p = 1;	// V014
	return 0;
}
