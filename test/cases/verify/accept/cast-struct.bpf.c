// members of structures are read, pointers to structures followed
#include "../cast.h"

UPROBE(prog)
{
	struct task_struct *t = AS(struct task_struct, ctx->di);
	struct list_head *l;
	__u64 sum = t->pid + t->real_parent->real_parent->tgid + t->comm[3];

	l = &t->tasks;
	for (int i = 0; i < 4 && l; i++)
		l = l->next;
	if (l && t->real_parent)
		sum += (__u64)l->prev;
	return sum;
}
