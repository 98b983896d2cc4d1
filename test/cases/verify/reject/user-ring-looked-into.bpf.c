// the bytes of a callback's dynptr are read
#include "../user_ring.h"

static long sample(struct bpf_dynptr *d, void *value)
{
	return *(volatile __u64 *)d & 1;	// V014
}

UPROBE(prog)
{
	bpf_user_ringbuf_drain(&samples, sample, 0, 0);
	return 0;
}
