// a record is submitted twice
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_ringbuf_submit_dynptr(&d, 0);	// V019
	return 0;
}
