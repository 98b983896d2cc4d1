// what a timer calls returns 0
// says: returns 0
#include "../timer.h"

static int fire(void *map, __u32 *key, struct item *i)
{
	return *key;	// V030
}

UPROBE(prog)
{
	struct item *i = item_of(&array);

	if (!i)
		return 0;
	return bpf_timer_set_callback(&i->timer, fire);
}
