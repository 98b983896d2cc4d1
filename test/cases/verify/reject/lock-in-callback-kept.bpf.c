// a callback returns with the lock
#include "../lock.h"

static long keep(void *map, __u32 *key, struct item *i, void *ctx)
{
	bpf_spin_lock(&i->lock);
	return 0;
}

SEC("xdp") int prog(void *ctx)
{
	bpf_for_each_map_elem(&items, keep, 0, 0); // V046
	return 0;
}
