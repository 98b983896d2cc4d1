// bpf_printk formats from constant data
#include "../case.h"

UPROBE(prog)
{
	bpf_printk("pid %d of %s", 5, "x");
	return 0;
}
