// the lock is read like a number
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	return i->lock.val; // V011
}
