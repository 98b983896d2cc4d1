// behind the end of a structure
#include "../cast.h"

UPROBE(prog)
{
	const char *t = (const char *)AS(struct list_head, ctx->di);

	return t[16]; // V013
}
