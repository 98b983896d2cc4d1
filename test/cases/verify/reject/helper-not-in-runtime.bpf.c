// a helper whose prototype is known, but which nothing here provides
// kernel: accept, it has the helper
#include "../case.h"

UPROBE(prog)
{
	return bpf_get_current_task() != 0;	// V029
}
