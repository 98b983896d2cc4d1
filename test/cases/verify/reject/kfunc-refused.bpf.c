// a function of the kernel that cannot exist in a process
// says: struct task_struct is the kernel's
// kernel: skip, a reference is leaked as well
#include "../case.h"

extern void *bpf_task_from_pid(int pid) __ksym;

UPROBE(prog)
{
	return !bpf_task_from_pid(1);	// V028
}
