// a helper writes over a dynptr
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d;
	void *value = memory();

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &d);
	bpf_probe_read_user(&d, 4, (void *)ctx->di);	// V010
	return 0;
}
