// nor to be counted in
#include "../cast.h"

UPROBE(prog)
{
	int *p = bpf_rdonly_cast((void *)ctx->di, 0);

	__sync_fetch_and_add(p, 1); // V032
	return 0;
}
