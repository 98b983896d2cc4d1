// a read of a packet that is too short ends the program, with the lock
#include "../lock.h"

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
