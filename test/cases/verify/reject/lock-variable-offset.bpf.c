// a store at an offset that may be the lock's
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
	__u64 at = bpf_get_prandom_u32() & 15;

	if (!i)
		return 0;
	hide(at);
	((char *)i)[at] = 1; // V011
	return 0;
}
