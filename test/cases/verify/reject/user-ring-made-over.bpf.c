// a dynptr is made where the callback's own one is
#include "../user_ring.h"

static long sample(struct bpf_dynptr *d, void *value)
{
	bpf_ringbuf_reserve_dynptr(&events, 8, 0, d);	// V019
	return 0;
}

UPROBE(prog)
{
	bpf_user_ringbuf_drain(&samples, sample, 0, 0);
	return 0;
}
