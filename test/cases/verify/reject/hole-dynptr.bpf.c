// what points into a dynptr stays tied to it when a number is what it is added to
// kernel: accept, 6.18 has this hole
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	__u64 i = 4;
	__u8 *p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (!p) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	asm volatile("%0 += %1" : "+r"(i) : "r"(p));
	bpf_ringbuf_discard_dynptr(&d, 0);
	*(__u8 *)i = 1;	// V014
	return 0;
}
