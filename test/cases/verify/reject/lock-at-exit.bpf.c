// a path ends with the lock held
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 key = 1;
	struct item *i = bpf_map_lookup_elem(&items, &key);

	if (!i)
		return 0;
	bpf_spin_lock(&i->lock);
	i->n++;
	return 0;
} // V046
