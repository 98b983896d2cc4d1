/* SPDX-License-Identifier: MIT
 *
 * hash_lru.c - which key leaves a full LRU map: what hash_slow.c does without where there are none. */
#include "hash_slow.h"

enum { SCAN = 256 };	/* entries looked at for a victim */

int rt_hash_lru_check(rt_map m)
{
	return m->flags & MAP_F_NO_PREALLOC ? -RT_ENOTSUPP : 0;
}

/* The entry that was not used for longest of those that are looked at; any that was not for as
 * many inserts as half the map is old enough. */
static uint32_t victim(const struct rt_hash_view *v)
{
	struct rt_hash *h = rt_hash_head(v);
	uint64_t tick = rt_load(&h->tick), hand = rt_load(&h->hand), most = 0;
	uint32_t best = RT_HASH_END, scan = v->entries < SCAN ? v->entries : SCAN;
	uint32_t x = (uint32_t)(hand < v->entries ? hand : hand % v->entries);

	for (uint32_t k = 0; k < scan && most <= v->entries / 2; k++) {
		const struct rt_entry *e = rt_hash_entry(v, x);
		uint64_t age = tick - rt_load(rt_hash_used(v, x)) + 1;

		if (rt_load(&e->state) & RT_LIVE && rt_load(&e->home) && age > most) {
			most = age;
			best = x;
		}
		x = x + 1 < v->entries ? x + 1 : 0;
	}
	rt_store(&h->hand, x);
	return best;
}

void rt_hash_evict(const struct rt_hash_view *v, uint64_t me)
{
	uint32_t x = victim(v), b, *link;

	if (x == RT_HASH_END) {
		rt_hash_collect(v, me);
		return;
	}
	b = rt_load(&rt_hash_entry(v, x)->home) - 1;
	if (b >= v->buckets || rt_hash_enter(v, b, me))
		return;
	link = rt_load(&rt_hash_entry(v, x)->home) == b + 1 ? rt_hash_link_to(v, b, x) : NULL;
	if (link)
		rt_hash_take_out(v, b, link, x, me, false);
	rt_unlock(&rt_hash_bucket(v, b)->lock);
}
