// an address is no task, wherever it comes from
// says: must be the running task
#include "../task.h"

UPROBE(prog)
{
	void *task = (void *)ctx->di;

	return bpf_task_storage_delete(&storage, task);	// V019
}
