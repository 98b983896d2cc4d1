// a clone is used when the record that both hold is submitted
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d, copy;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	bpf_dynptr_clone(&d, &copy);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return bpf_dynptr_size(&copy);	// V019
}
