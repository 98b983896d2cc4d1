// what is acquired where a timer is called is given back there
#include "../timer.h"

RINGBUF(ring);

static int fire(void *map, __u32 *key, struct item *i)
{
	__u64 *r = bpf_ringbuf_reserve(&ring, 8, 0);

	if (r)
		*r = 1;
	return 0;	// V022
}

UPROBE(prog)
{
	struct item *i = item_of(&array);

	if (!i)
		return 0;
	return bpf_timer_set_callback(&i->timer, fire);
}
