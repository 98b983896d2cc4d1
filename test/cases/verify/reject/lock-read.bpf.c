// the lock is read like a number
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
	return i->lock.val; // V011
}
