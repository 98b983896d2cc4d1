// packet bytes behind a comparison with data_end, a variable header length included
#include "../case.h"

struct xdp_md { __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index; };

SEC("xdp") int prog(struct xdp_md *x)
{
	__u8 *p = (void *)(long)x->data, *end = (void *)(long)x->data_end, *q;
	__u32 len;

	if (p + 34 > end)
		return 1;
	len = (p[14] & 15) * 4;
	q = p + 14 + len;
	if (q + 4 > end)
		return 1;
	return q[0] == 0 && q[3] == 80 ? 2 : 1;
}
