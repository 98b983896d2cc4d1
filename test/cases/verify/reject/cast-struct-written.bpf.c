// nor are structures written to
#include "../cast.h"

UPROBE(prog)
{
	struct task_struct *t = AS(struct task_struct, ctx->di);

	t->pid = 1; // V033
	return 0;
}
