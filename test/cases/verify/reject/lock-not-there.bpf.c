// r1 is not where the lock is
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_lock((struct bpf_spin_lock *)&i->m); // V019
	bpf_spin_unlock((struct bpf_spin_lock *)&i->m);
	return 0;
}
