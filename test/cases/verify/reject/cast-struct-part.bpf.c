// a part of a pointer
#include "../cast.h"

UPROBE(prog)
{
	const __u32 *t = (const __u32 *)AS(struct list_head, ctx->di);

	return t[1]; // V013
}
