// a function of the program that embeds this one is called while a lock is held
// says: the lock taken at
#include "../lock.h"

extern __u64 host_call(__u64 n) __ksym;

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_spin_lock(&i->lock);
	i->n = host_call(i->n); // V046
	bpf_spin_unlock(&i->lock);
	return 0;
}
