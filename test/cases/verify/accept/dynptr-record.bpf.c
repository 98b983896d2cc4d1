// a record of a size that is known when the program runs, submitted also where none was had
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d, copy;
	__u64 *p;

	if (bpf_ringbuf_reserve_dynptr(&events, ctx->di & 511, 0, &d)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	p = bpf_dynptr_data(&d, 8, 8);
	if (p)
		*p = ctx->si;
	bpf_dynptr_clone(&d, &copy);
	bpf_dynptr_write(&copy, 0, &(__u64){ ctx->dx }, 8, 0);
	if (ctx->dx)
		bpf_ringbuf_submit_dynptr(&copy, 0);
	else
		bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
