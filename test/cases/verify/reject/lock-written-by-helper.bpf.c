// a helper writes over the lock
// kernel: reject, and the program is a tracing program
#include "../lock.h"

UPROBE(prog)
{
	__u32 a = 1;
	struct item *i = bpf_map_lookup_elem(&items, &a);

	if (!i)
		return 0;
	bpf_probe_read_user(i, sizeof(*i), (void *)ctx->di); // V011
	return 0;
}
