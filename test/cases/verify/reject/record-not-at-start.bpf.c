// what is submitted is the record itself
#include "../case.h"

RINGBUF(events);

UPROBE(prog)
{
	__u64 *e = bpf_ringbuf_reserve(&events, 16, 0);

	if (e)
		bpf_ringbuf_submit(e + 1, 0);	// V023
	return 0;
}
