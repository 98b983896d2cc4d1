// samples that a process wrote are read, cloned and changed in a callback
#include "../user_ring.h"

static long sample(struct bpf_dynptr *d, __u64 *sum)
{
	struct bpf_dynptr rest;
	__u32 *p = bpf_dynptr_data(d, 0, 4);
	__u64 word;

	if (p)
		*sum += (*p)++;
	if (!bpf_dynptr_clone(d, &rest) && !bpf_dynptr_adjust(&rest, 4, 12) &&
	    !bpf_dynptr_read(&word, sizeof(word), &rest, 0, 0))
		*sum += word;
	return *sum > 100;
}

UPROBE(prog)
{
	__u64 sum = 0;

	return bpf_user_ringbuf_drain(&samples, sample, &sum, 1 /* BPF_RB_NO_WAKEUP */) + sum > 7;
}
