// a timer is made for the map that it is in
// kernel: reject, tracing programs have no timers there
#include "../timer.h"

UPROBE(prog)
{
	struct item *i = item_of(&array);

	if (!i)
		return 0;
	return bpf_timer_init(&i->timer, &hash, 1);	// V019
}
