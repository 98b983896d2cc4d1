// storage of the running task, also after it was kept on the stack; no task is NULL
#include "../task.h"

UPROBE(prog)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 first = 1, *v;

	v = bpf_task_storage_get(&storage, task, &first, 1);
	if (v)
		*v += 2;
	bpf_task_storage_get(&storage, NULL, NULL, 0);
	return bpf_task_storage_delete(&storage, task);
}
