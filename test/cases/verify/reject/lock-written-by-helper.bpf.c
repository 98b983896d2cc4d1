// a helper writes over the lock
// kernel: reject, and the program is a tracing program
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

UPROBE(prog)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_probe_read_user(i, sizeof(*i), (void *)ctx->di); // V011
	return 0;
}
