// the place of a dynptr is used for others, in a loop, and for something else
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	__u8 *value = memory();
	__u32 sum = 0;

	if (!value)
		return 0;
	for (__u32 i = 0; i < 8; i++) {
		__u8 *p;

		bpf_dynptr_from_mem(value + 8 * i, 8, 0, &d);
		p = bpf_dynptr_data(&d, i, 1);
		if (p)
			sum += *p;
	}
	*(volatile __u64 *)&d = sum;
	for (__u32 i = 0; i < 3; i++) {
		bpf_ringbuf_reserve_dynptr(&events, 8, 0, &d);
		bpf_dynptr_write(&d, 0, &sum, sizeof(sum), 0);
		bpf_ringbuf_submit_dynptr(&d, 0);
	}
	return *(volatile __u32 *)&sum;
}
