// a lock that was not taken is given back
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_unlock(&i->lock); // V046
	return 0;
}
