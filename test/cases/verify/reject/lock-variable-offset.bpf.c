// a store at an offset that may be the lock's
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);
	__u64 at = bpf_get_prandom_u32() & 15;

	if (!i)
		return 0;
	hide(at);
	((char *)i)[at] = 1; // V011
	return 0;
}
