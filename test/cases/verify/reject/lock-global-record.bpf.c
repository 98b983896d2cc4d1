// a record of a ring buffer is held where a global function takes a lock, which may end the program
// kernel: accept, it waits for locks
#include "../lock.h"
RINGBUF(ring);

static __attribute__((noinline)) void add(struct item *i)
{
	bpf_spin_lock(&i->lock);
	i->n++;
	bpf_spin_unlock(&i->lock);
}

__attribute__((noinline)) int count(int key)
{
	struct item *i = bpf_map_lookup_elem(&items, &key);

	if (i)
		add(i);
	return 0;
}

SEC("xdp") int prog(void *ctx)
{
	__u64 *r = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!r)
		return 0;
	*r = count(1); // V046
	bpf_ringbuf_submit(r, 0);
	return 0;
}
