// a helper is called while a lock is held
#include "../lock.h"

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_lock(&i->lock);
	i->n = bpf_get_prandom_u32(); // V046
	bpf_spin_unlock(&i->lock);
	return 0;
}
