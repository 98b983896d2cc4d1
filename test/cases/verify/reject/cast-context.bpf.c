// one load cannot be of the context and of any address
#include "../cast.h"

UPROBE(prog)
{
	const void *p = ctx;

	if (ctx->di)
		p = bpf_rdonly_cast((void *)ctx->si, 0);
	hide(p);
	return *(const volatile __u64 *)p; // V014
}
