// more is read of a sample than was asked for
#include "../user_ring.h"

static long sample(struct bpf_dynptr *d, __u64 *sum)
{
	__u32 *p = bpf_dynptr_data(d, 0, 4);

	if (p)
		*sum += p[1];	// V013
	return 0;
}

UPROBE(prog)
{
	__u64 sum = 0;

	bpf_user_ringbuf_drain(&samples, sample, &sum, 0);
	return sum;
}
