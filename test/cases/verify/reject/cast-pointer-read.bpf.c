// what is read there is a number
#include "../cast.h"

UPROBE(prog)
{
	int **p = bpf_rdonly_cast((void *)ctx->di, 0);

	return **p; // V014
}
