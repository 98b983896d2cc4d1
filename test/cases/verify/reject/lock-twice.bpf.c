// two locks at a time
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1, b = 2;
	struct item *i = bpf_map_lookup_elem(&items, &a), *k = bpf_map_lookup_elem(&items, &b);

	if (!i || !k)
		return 0;
	bpf_spin_lock(&i->lock);
	bpf_spin_lock(&k->lock); // V046
	bpf_spin_unlock(&k->lock);
	bpf_spin_unlock(&i->lock);
	return 0;
}
