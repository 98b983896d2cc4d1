// a record of a ring buffer is held where a lock may end the program
// kernel: accept, it waits for locks
#include "../lock.h"

RINGBUF(ring);

SEC("xdp") int prog(void *ctx)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);
	__u64 *r;

	if (!i || !(r = bpf_ringbuf_reserve(&ring, 8, 0)))
		return 0;
	bpf_spin_lock(&i->lock); // V046
	*r = i->n;
	bpf_spin_unlock(&i->lock);
	bpf_ringbuf_submit(r, 0);
	return 0;
}
