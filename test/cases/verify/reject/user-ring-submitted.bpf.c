// a sample is no record of a ring buffer
#include "../user_ring.h"

static long sample(struct bpf_dynptr *d, void *ctx)
{
	bpf_ringbuf_submit_dynptr(d, 0);	// V023
	return 0;
}

UPROBE(prog)
{
	bpf_user_ringbuf_drain(&samples, sample, 0, 0);
	return 0;
}
