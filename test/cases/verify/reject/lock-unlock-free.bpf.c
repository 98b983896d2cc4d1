// a lock that was not taken is given back
#include "../case.h"

struct bpf_spin_lock {
	__u32 val;
};
struct item {
	__u64 n;
	struct bpf_spin_lock lock;
	__u32 m;
};
MAP(BPF_MAP_TYPE_HASH, items, __u32, struct item, 16);

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_unlock(&i->lock); // V046
	return 0;
}
