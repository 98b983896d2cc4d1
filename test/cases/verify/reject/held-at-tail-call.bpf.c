// a record is held when another program takes over
#include "../case.h"

RINGBUF(events);
MAP(BPF_MAP_TYPE_PROG_ARRAY, progs, __u32, __u32, 4);

UPROBE(prog)
{
	__u64 *e = bpf_ringbuf_reserve(&events, 16, 0);

	if (!e)
		return 0;
	bpf_tail_call(ctx, &progs, 0);	// V022
	bpf_ringbuf_submit(e, 0);
	return 0;
}
