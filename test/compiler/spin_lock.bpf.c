// bpf_spin_lock and BPF_F_LOCK: what each program leaves in `out` is the same in the kernel and here
// (spin_lock.cpp).
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "../bpf_maps.h"

char LICENSE[] SEC("license") = "GPL";

enum { OUT = 64, BPF_F_LOCK = 4 };

struct bpf_spin_lock {
	__u32 val;
};

struct item {
	__u32 before;
	struct bpf_spin_lock lock;
	__u64 behind[12];
};

MAP(BPF_MAP_TYPE_ARRAY, out, __u32, __u64, OUT);
MAP(BPF_MAP_TYPE_ARRAY, array, __u32, struct item, 4);
MAP(BPF_MAP_TYPE_HASH, hash, __u32, struct item, 8);
MAP(BPF_MAP_TYPE_ARRAY, plain_array, __u32, __u64, 4);
MAP(BPF_MAP_TYPE_HASH, plain_hash, __u32, __u64, 8);

static void answer(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

static __attribute__((noinline)) void add(struct item *i, __u64 by)
{
	i->before += 1;
	for (int k = 0; k < 12; k++)
		i->behind[k] += by + k;
}

static void show(__u32 at, struct item *i)
{
	__u32 before;
	__u64 first, last;

	bpf_spin_lock(&i->lock);
	before = i->before;
	first = i->behind[0];
	last = i->behind[11];
	bpf_spin_unlock(&i->lock);
	answer(at, before);
	answer(at + 1, first);
	answer(at + 2, last);
}

#define FLAGS(map_)                                                                             \
	SEC("xdp") int flags_##map_(void *ctx)                                                  \
	{                                                                                       \
		static const __u64 flags[] = { 0, 1, 2, 4, 5, 6, 7, 8, 12, 1ull << 32 };        \
		struct item v = { .before = 7, .lock = { 99 }, .behind = { 1, 2, 3 } };         \
		__u32 at = 0;                                                                   \
		struct item *i;                                                                 \
		for (__u32 key = 0; key < 6; key += 2)                                          \
			for (int k = 0; k < 10; k++) {                                          \
				__u32 copy = key;                                               \
				v.before++;                                                     \
				v.behind[11] += 2;                                              \
				answer(at++, bpf_map_update_elem(&map_, &copy, &v, flags[k]));  \
			}                                                                       \
		for (__u32 key = 0; key < 3; key++) {                                           \
			__u32 copy = key;                                                       \
			i = bpf_map_lookup_elem(&map_, &copy);                                  \
			if (!i)                                                                 \
				continue;                                                       \
			show(30 + 4 * key, i);                                                  \
			bpf_spin_lock(&i->lock);                                                \
			add(i, key);                                                            \
			bpf_spin_unlock(&i->lock);                                              \
			show(45 + 4 * key, i);                                                  \
		}                                                                               \
		return 0;                                                                       \
	}
FLAGS(array)
FLAGS(hash)

/* A pointer from before a locked update sees it; one from before a plain update of a hash map does
 * not. */
SEC("xdp") int in_place(void *ctx)
{
	struct item v = { .before = 1 };
	__u32 key = 3;
	struct item *i, *k;

	answer(0, bpf_map_update_elem(&hash, &key, &v, BPF_ANY));
	i = bpf_map_lookup_elem(&hash, &key);
	k = bpf_map_lookup_elem(&array, &key);
	if (!i || !k)
		return 0;
	v.before = 2;
	answer(1, bpf_map_update_elem(&hash, &key, &v, BPF_F_LOCK));
	answer(2, bpf_map_update_elem(&array, &key, &v, BPF_F_LOCK));
	show(3, i);
	show(6, k);
	v.before = 3;
	answer(9, bpf_map_update_elem(&hash, &key, &v, BPF_ANY));
	answer(10, bpf_map_update_elem(&array, &key, &v, BPF_ANY));
	show(11, i);
	show(14, k);
	answer(17, bpf_map_delete_elem(&hash, &key));
	answer(18, bpf_map_update_elem(&hash, &key, &v, BPF_F_LOCK | BPF_EXIST));
	return 0;
}

static long each(void *map, __u32 *key, struct item *i, __u64 *sum)
{
	__u64 v;

	bpf_spin_lock(&i->lock);
	v = i->behind[0]++;
	bpf_spin_unlock(&i->lock);
	*sum += v;
	return 0;
}

SEC("xdp") int in_callbacks(void *ctx)
{
	struct item v = { .behind = { 5 } };
	__u64 sum = 0;

	for (__u32 key = 0; key < 4; key++) {
		__u32 copy = key;

		bpf_map_update_elem(&hash, &copy, &v, BPF_ANY);
	}
	answer(0, bpf_for_each_map_elem(&hash, each, &sum, 0));
	answer(1, bpf_for_each_map_elem(&hash, each, &sum, 0));
	answer(2, sum);
	return 0;
}

/* Where values have no lock. */
SEC("xdp") int no_lock(void *ctx)
{
	__u64 v = 1;
	__u32 key = 1;

	answer(0, bpf_map_update_elem(&plain_array, &key, &v, BPF_F_LOCK));
	answer(1, bpf_map_update_elem(&plain_hash, &key, &v, BPF_F_LOCK));
	answer(2, bpf_map_update_elem(&plain_array, &key, &v, BPF_F_LOCK | BPF_NOEXIST));
	key = 9;
	answer(3, bpf_map_update_elem(&plain_array, &key, &v, BPF_F_LOCK));
	return 0;
}
