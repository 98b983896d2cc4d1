// a callback returns with the lock
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
