// what is destroyed later is not to be held when a lock is waited for: the program may end there
#include "../iter.h"

struct bpf_spin_lock {
	__u32 val;
};

struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
};
MAP(BPF_MAP_TYPE_ARRAY, values, __u32, struct locked, 1);

UPROBE(prog)
{
	__u32 zero = 0;
	struct locked *v = bpf_map_lookup_elem(&values, &zero);
	struct bpf_iter_bits it;

	if (!v)
		return 0;
	bpf_iter_bits_new(&it, (const __u64 *)ctx->di, 2);
	bpf_spin_lock(&v->lock); // V046
	v->n++;
	bpf_spin_unlock(&v->lock);
	bpf_iter_bits_destroy(&it);
	return 0;
}
