// samples are drained from a ring buffer that programs write to
#include "../user_ring.h"

static long sample(struct bpf_dynptr *d, void *ctx)
{
	return 0;
}

UPROBE(prog)
{
	return bpf_user_ringbuf_drain(&events, sample, 0, 0);	// V021
}
