// a dynptr is made where one holds a record
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);	// V043
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
