// timers in hash maps and arrays; the function that one calls has the map, the key and the value
// kernel: reject, tracing programs have no timers there
#include "../timer.h"

static int fire(void *map, __u32 *key, struct item *i)
{
	i->behind += *key;
	if (map == &hash)
		bpf_map_delete_elem(map, key);
	return bpf_timer_start(&i->timer, 1000, 0) & 0;
}

UPROBE(prog)
{
	struct item *i = item_of(&hash), *k = item_of(&array);

	if (!i || !k)
		return 0;
	i->before = i->behind;
	bpf_timer_init(&i->timer, &hash, 1);
	bpf_timer_init(&k->timer, &array, 0);
	bpf_timer_set_callback(&i->timer, fire);
	bpf_timer_set_callback(&k->timer, fire);
	bpf_timer_start(&i->timer, 1000, 0);
	return bpf_timer_cancel(&k->timer);
}
