// a dynptr that holds a record, neither submitted nor discarded where it could not be had
// says: call bpf_ringbuf_reserve_dynptr
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&events, ctx->di & 63, 0, &d))
		return 0;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}	// V022
