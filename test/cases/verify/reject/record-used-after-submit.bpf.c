// a submitted record is the consumer's
#include "../case.h"

RINGBUF(events);

UPROBE(prog)
{
	__u64 *e = bpf_ringbuf_reserve(&events, 16, 0);

	if (!e)
		return 0;
	bpf_ringbuf_submit(e, 0);
	return e[1];	// V014
}
