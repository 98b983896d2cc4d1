// a path that neither submits nor discards its record
// says: call bpf_ringbuf_reserve
#include "../case.h"

RINGBUF(events);

UPROBE(prog)
{
	__u64 *e = bpf_ringbuf_reserve(&events, 16, 0);

	if (!e)
		return 0;
	e[0] = ctx->di;
	if (ctx->di > 10)
		bpf_ringbuf_submit(e, 0);
	return 0;
}	// V022
