// the storage of a task is in a map of that kind
#include "../task.h"

MAP(BPF_MAP_TYPE_HASH, hash, int, __u64, 4);

UPROBE(prog)
{
	return bpf_task_storage_delete(&hash, bpf_get_current_task_btf());	// V021
}
