// memory of the process goes into a dynptr, in programs that may sleep
#include "../dynptr.h"

SEC("uprobe.s")
int prog(struct pt_regs *ctx)
{
	void *value = memory();
	struct bpf_dynptr d;

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	bpf_copy_from_user_str_dynptr(&d, 0, 32, (void *)ctx->di);
	return bpf_copy_from_user_dynptr(&d, 32, (__u32)ctx->dx, (void *)ctx->si);
}
