// dynptrs as arguments: of a static function, which may submit one, and of a global one
#include "../dynptr.h"

static __noinline void fill(struct bpf_dynptr *d, __u64 v)
{
	bpf_dynptr_write(d, 0, &v, sizeof(v), 0);
	bpf_ringbuf_submit_dynptr(d, 0);
}

__noinline int first_byte(const struct bpf_dynptr *d)
{
	struct bpf_dynptr rest;
	__u8 *p = bpf_dynptr_data(d, 0, 1), *q;

	if (bpf_dynptr_clone(d, &rest) || bpf_dynptr_adjust(&rest, 1, 2))
		return 0;
	q = bpf_dynptr_slice(&rest, 0, 0, 1);
	return p && q ? *p + *q : 0;
}

UPROBE(prog)
{
	struct bpf_dynptr d, e;
	void *value = memory();
	int v;

	if (!value)
		return 0;
	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &d);
	bpf_dynptr_from_mem(value, 64, 0, &e);
	v = first_byte(&e) + first_byte(&d);
	fill(&d, v);
	return 0;
}
