// a store behind the record
// says: 8 bytes at offset 16
#include "../case.h"

RINGBUF(events);

UPROBE(prog)
{
	__u64 *e = bpf_ringbuf_reserve(&events, 16, 0);

	if (!e)
		return 0;
	e[2] = 1;	// V013
	bpf_ringbuf_submit(e, 0);
	return 0;
}
