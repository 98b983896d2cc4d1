// a lock around two stores, on every path, also in a function that is called inside
// kernel: reject, tracing programs may not use locks there
#include "../lock.h"
MAP(BPF_MAP_TYPE_ARRAY, array, __u32, struct item, 4);

static __attribute__((noinline)) void change(struct item *i, __u64 by)
{
	i->n += by;
	i->m++;
}

UPROBE(prog)
{
	__u32 key = 1;
	struct item *i = bpf_map_lookup_elem(&items, &key), *k = bpf_map_lookup_elem(&array, &key);

	if (!i || !k)
		return 0;
	bpf_spin_lock(&i->lock);
	change(i, ctx->di);
	bpf_spin_unlock(&i->lock);
	bpf_spin_lock(&k->lock);
	if (ctx->si) {
		k->n = 0;
		bpf_spin_unlock(&k->lock);
		return 1;
	}
	k->m = 0;
	bpf_spin_unlock(&k->lock);
	return 0;
}
