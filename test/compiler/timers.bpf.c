// Timers: what each program leaves in `out`, and what its timers leave there later, is the same in the
// kernel and here (timers.cpp).
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "../bpf_maps.h"

char LICENSE[] SEC("license") = "GPL";

enum { OUT = 64, MONOTONIC = 1, ABS = 1, MS = 1000000 };

struct bpf_timer {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct item {
	__u64 before;
	struct bpf_timer timer;
	__u64 behind;
};

MAP(BPF_MAP_TYPE_ARRAY, out, __u32, __u64, OUT);
MAP(BPF_MAP_TYPE_ARRAY, array, __u32, struct item, 8);
MAP(BPF_MAP_TYPE_HASH, hash, __u32, struct item, 16);
MAP(BPF_MAP_TYPE_LRU_HASH, lru, __u32, struct item, 64);

static void answer(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

static void add(__u32 i, __u64 v)
{
	__u64 *at = bpf_map_lookup_elem(&out, &i);

	if (at)
		__sync_fetch_and_add(at, v);
}

static int once(void *map, __u32 *key, struct item *i)
{
	i->behind++;
	add(50, 1);
	add(51, *key + i->before);
	return 0;
}

static int again(void *map, __u32 *key, struct item *i)
{
	add(52, 1);
	if (++i->behind < 5)
		add(53, bpf_timer_start(&i->timer, MS, 0));
	return 0;
}

static int of_itself(void *map, __u32 *key, struct item *i)
{
	add(54, bpf_timer_cancel(&i->timer));
	add(55, bpf_map_delete_elem(map, key));
	return 0;
}

static int never(void *map, __u32 *key, struct item *i)
{
	add(56, 1);
	return 0;
}

static struct item *item_of(void *map, __u32 key, __u64 before)
{
	struct item i = { .before = before };

	bpf_map_update_elem(map, &key, &i, BPF_ANY);
	return bpf_map_lookup_elem(map, &key);
}

#define ANSWERS(map_)                                                                           \
	SEC("xdp") int answers_##map_(void *ctx)                                                \
	{                                                                                       \
		static const __u64 flags[] = { 0, 1, 2, 5, 7, 11, 15, 16, 1ull << 32 | 1 };     \
		struct item *i;                                                                 \
		__u32 key = 2;                                                                  \
		for (int k = 0; k < 9; k++) {                                                   \
			i = item_of(&map_, key, k);                                             \
			if (i)                                                                  \
				answer(k, bpf_timer_init(&i->timer, &map_, flags[k]));          \
		}                                                                               \
		i = item_of(&map_, key, 5);                                                     \
		if (!i)                                                                         \
			return 0;                                                               \
		answer(9, bpf_timer_set_callback(&i->timer, once));                             \
		answer(10, bpf_timer_start(&i->timer, MS, 0));                                  \
		answer(11, bpf_timer_cancel(&i->timer));                                        \
		answer(12, bpf_timer_init(&i->timer, &map_, MONOTONIC));                        \
		answer(13, bpf_timer_init(&i->timer, &map_, MONOTONIC));                        \
		answer(14, bpf_timer_start(&i->timer, MS, 0));                                  \
		answer(15, bpf_timer_cancel(&i->timer));                                        \
		answer(16, bpf_timer_set_callback(&i->timer, never));                           \
		answer(17, bpf_timer_start(&i->timer, MS, 8));                                  \
		answer(18, bpf_timer_start(&i->timer, 1000000ull * MS, 0));                     \
		answer(19, bpf_timer_start(&i->timer, 900000ull * MS, 0));                      \
		answer(20, bpf_timer_cancel(&i->timer));                                        \
		answer(21, bpf_timer_cancel(&i->timer));                                        \
		answer(22, bpf_timer_start(&i->timer, MS, 0));                                  \
		answer(23, bpf_timer_set_callback(&i->timer, once));                            \
		answer(24, bpf_timer_start(&i->timer, MS, 0));                                  \
		return 0;                                                                       \
	}
ANSWERS(array)
ANSWERS(hash)
ANSWERS(lru)

/* Each of eight elements once, in whatever order; by an absolute time that has passed, too. */
SEC("xdp") int each_once(void *ctx)
{
	for (__u32 key = 0; key < 8; key++) {
		struct item *i = item_of(key & 1 ? (void *)&hash : (void *)&hash, key, 100);

		if (!i)
			return 0;
		bpf_timer_init(&i->timer, &hash, MONOTONIC);
		bpf_timer_set_callback(&i->timer, once);
		answer(key, bpf_timer_start(&i->timer, key & 1 ? 1 : key * MS, key & 1 ? ABS : 0));
	}
	return 0;
}

SEC("xdp") int starts_itself(void *ctx)
{
	struct item *i = item_of(&array, 3, 0);

	if (!i)
		return 0;
	answer(0, bpf_timer_init(&i->timer, &array, MONOTONIC));
	answer(1, bpf_timer_set_callback(&i->timer, again));
	answer(2, bpf_timer_start(&i->timer, 0, 0));
	return 0;
}

SEC("xdp") int deletes_itself(void *ctx)
{
	struct item *i = item_of(&hash, 3, 0);

	if (!i)
		return 0;
	bpf_timer_init(&i->timer, &hash, MONOTONIC);
	bpf_timer_set_callback(&i->timer, of_itself);
	answer(0, bpf_timer_start(&i->timer, MS, 0));
	return 0;
}

/* An update and a delete end it. */
SEC("xdp") int ended(void *ctx)
{
	struct item other = { .before = 1 };
	__u32 key;

	for (key = 0; key < 4; key++) {
		struct item *i = item_of(&hash, key, 0);

		if (!i)
			return 0;
		bpf_timer_init(&i->timer, &hash, MONOTONIC);
		bpf_timer_set_callback(&i->timer, never);
		answer(key, bpf_timer_start(&i->timer, 20 * MS, 0));
	}
	key = 0;
	answer(4, bpf_map_delete_elem(&hash, &key));
	key = 1;
	answer(5, bpf_map_update_elem(&hash, &key, &other, BPF_ANY));
	key = 2;
	answer(6, bpf_map_update_elem(&hash, &key, &other, BPF_EXIST));
	key = 3;
	answer(7, bpf_map_delete_elem(&hash, &key));
	struct item *i = item_of(&hash, 3, 0), *k = item_of(&array, 1, 0);

	if (!i || !k)
		return 0;
	answer(8, bpf_timer_cancel(&i->timer));
	answer(9, bpf_timer_init(&k->timer, &array, MONOTONIC));
	answer(10, bpf_timer_set_callback(&k->timer, never));
	answer(11, bpf_timer_start(&k->timer, 20 * MS, 0));
	key = 1;
	answer(12, bpf_map_update_elem(&array, &key, &other, BPF_ANY));
	answer(13, bpf_timer_cancel(&k->timer));
	return 0;
}
