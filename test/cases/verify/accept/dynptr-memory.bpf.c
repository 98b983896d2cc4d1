// all that can be done with a dynptr to a value's memory, offsets and sizes unknown
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d, e;
	void *value = memory();
	__u64 word = 0, *p;
	__u32 n = ctx->di & 63;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, n, 0, &d);
	if (bpf_dynptr_is_null(&d) || bpf_dynptr_is_rdonly(&d))
		return 0;
	bpf_dynptr_write(&d, ctx->si, &word, sizeof(word), 0);
	bpf_dynptr_read(&word, sizeof(word), &d, ctx->dx, 0);
	p = bpf_dynptr_data(&d, ctx->si, sizeof(*p));
	if (p)
		*p += word;
	if (bpf_dynptr_clone(&d, &e) || bpf_dynptr_adjust(&e, ctx->si, ctx->dx))
		return 0;
	bpf_dynptr_memset(&e, 0, bpf_dynptr_size(&e), 7);
	bpf_dynptr_copy(&d, ctx->si, &e, ctx->dx, ctx->r8);
	p = bpf_dynptr_slice(&e, 4, &word, sizeof(word));
	if (p)
		word = *p;
	return word != 0;
}
