// the function that a timer calls is verified, too
#include "../timer.h"

static int fire(void *map, __u32 *key, struct item *i)
{
	__u64 *behind = (__u64 *)(i + 1);

	if (*behind)	// V011
		bpf_ktime_get_ns();
	return 0;
}

UPROBE(prog)
{
	struct item *i = item_of(&array);

	if (!i)
		return 0;
	return bpf_timer_set_callback(&i->timer, fire);
}
