// two records at a time, released in either order
#include "../case.h"

RINGBUF(events);

UPROBE(prog)
{
	__u64 *a = bpf_ringbuf_reserve(&events, 8, 0), *b;

	if (!a)
		return 0;
	b = bpf_ringbuf_reserve(&events, 8, 0);
	*a = 1;
	if (b)
		*b = 2;
	bpf_ringbuf_submit(a, 0);
	if (b)
		bpf_ringbuf_submit(b, 0);
	return 0;
}
