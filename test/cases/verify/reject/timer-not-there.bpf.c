// a timer is where the type of the value has one
#include "../timer.h"

UPROBE(prog)
{
	struct item *i = item_of(&array);

	if (!i)
		return 0;
	return bpf_timer_start((void *)&i->behind, 1, 0);	// V019
}
