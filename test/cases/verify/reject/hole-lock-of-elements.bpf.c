// the lock of the inner loop's element, given back at the outer one's
// kernel: accept, 6.18 has this hole
#include "../lock.h"

static long inner(void *map, __u32 *key, struct item *i, struct item **outer)
{
	bpf_spin_lock(&i->lock);
	bpf_spin_unlock(&(*outer)->lock); // V046
	return 0;
}

static long outer(void *map, __u32 *key, struct item *i, void *ctx)
{
	bpf_for_each_map_elem(&items, inner, &i, 0);
	return 0;
}

SEC("xdp") int prog(void *ctx)
{
	bpf_for_each_map_elem(&items, outer, 0, 0);
	return 0;
}
