// a dynptr is made at one of two places
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d[2];
	__u64 i = ctx->di & 1;

	hide(i);
	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d[i & 1]);	// V019
	return 0;
}
