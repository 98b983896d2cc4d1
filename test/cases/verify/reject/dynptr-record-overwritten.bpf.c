// the place of a dynptr that holds a record is written to
// says: call bpf_ringbuf_reserve_dynptr
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	*(volatile __u64 *)&d = 0;	// V043
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
