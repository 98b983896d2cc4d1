// memory behind any address is not to be written
#include "../cast.h"

UPROBE(prog)
{
	int *p = bpf_rdonly_cast((void *)ctx->di, 0);

	*p = 7; // V033
	return 0;
}
