// a read of a packet that is too short ends the program, with the lock
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

SEC("socket") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_lock(&i->lock);
	asm volatile("r6 = %[ctx]; r0 = *(u8 *)skb[0];"	// V046
		     : : [ctx] "r"(ctx) : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
	bpf_spin_unlock(&i->lock);
	return 0;
}
