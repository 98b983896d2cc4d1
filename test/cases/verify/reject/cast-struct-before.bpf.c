// before its beginning
#include "../cast.h"

UPROBE(prog)
{
	const char *t = (const char *)AS(struct list_head, ctx->di);

	return t[-1]; // V013
}
