// every path submits or discards the record
#include "../case.h"

RINGBUF(events);

UPROBE(prog)
{
	__u64 *e = bpf_ringbuf_reserve(&events, 16, 0);

	if (!e)
		return 0;
	e[0] = ctx->di;
	e[1] = ctx->si;
	if (ctx->di > 10)
		bpf_ringbuf_discard(e, 0);
	else
		bpf_ringbuf_submit(e, 0);
	return 0;
}
