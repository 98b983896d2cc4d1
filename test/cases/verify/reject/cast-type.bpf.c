// a number that names no type
#include "../cast.h"

UPROBE(prog)
{
	int *p = bpf_rdonly_cast((void *)ctx->di, 7); // V028

	return *p;
}
