// no helper takes it for memory
#include "../cast.h"

UPROBE(prog)
{
	char *p = bpf_rdonly_cast((void *)ctx->di, 0);

	return bpf_trace_printk(p, 4); // V019
}
