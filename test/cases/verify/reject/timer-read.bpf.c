// what is in a timer is not the program's
// says: is touched by bpf_timer_init
#include "../timer.h"

UPROBE(prog)
{
	struct item *i = item_of(&array);

	return i ? i->timer.opaque[1] : 0;	// V011
}
