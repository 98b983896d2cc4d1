// which member it is must be known
#include "../cast.h"

UPROBE(prog)
{
	const char *t = (const char *)AS(struct task_struct, ctx->di);

	return t[ctx->si & 7]; // V013
}
