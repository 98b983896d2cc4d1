// there may be no storage
#include "../task.h"

UPROBE(prog)
{
	__u64 *v = bpf_task_storage_get(&storage, bpf_get_current_task_btf(), NULL, 1);

	return *v;	// V015
}
