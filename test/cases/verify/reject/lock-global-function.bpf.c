// a global function is called while a lock is held
#include "../lock.h"

__attribute__((noinline)) int global(int a)
{
	return a + 1;
}

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_lock(&i->lock);
	i->n = global(i->m); // V046
	bpf_spin_unlock(&i->lock);
	return 0;
}
