// the same, where the kernel allows it
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 key = 1, sum = 0;
	struct item *i = bpf_map_lookup_elem(&items, &key);

	if (!i)
		return 0;
	for (int k = 0; k < 3; k++) {
		bpf_spin_lock(&i->lock);
		sum += i->n++;
		bpf_spin_unlock(&i->lock);
	}
	return sum;
}
