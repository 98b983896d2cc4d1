// what points into a sample is of no use when its callback has returned
#include "../user_ring.h"

struct kept {
	__u32 *p;
};

static long sample(struct bpf_dynptr *d, struct kept *k)
{
	__u32 *p = bpf_dynptr_data(d, 0, 4);

	if (p)
		k->p = p;
	return 0;
}

MAP(BPF_MAP_TYPE_ARRAY, words, __u32, __u32, 1);

UPROBE(prog)
{
	struct kept k;
	__u32 zero = 0;

	k.p = bpf_map_lookup_elem(&words, &zero);
	if (!k.p)
		return 0;
	bpf_user_ringbuf_drain(&samples, sample, &k, 0);
	return *k.p;	// V014
}
