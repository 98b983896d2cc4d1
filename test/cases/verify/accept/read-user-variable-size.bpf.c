// a size that is checked may vary
#include "../case.h"

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, scratch, __u32, char[256], 1);

UPROBE(prog)
{
	__u32 zero = 0, n = ctx->si;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);

	if (!buf)
		return 0;
	if (n > 256)
		n = 256;
	return bpf_probe_read_user(buf, n, (void *)ctx->di);
}
