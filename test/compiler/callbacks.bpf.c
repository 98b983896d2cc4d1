// bpf_loop and bpf_for_each_map_elem: what each program leaves in `out` is the same in the kernel
// and here (callbacks.cpp).  Programs do not depend on the order of a hash map's elements.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "../bpf_maps.h"

char LICENSE[] SEC("license") = "GPL";

enum { OUT = 64, N = 40 };
enum { PERCPU_HASH = 5, LRU_HASH = 9, LRU_PERCPU_HASH = 10 };	/* not in the samples' vmlinux.h */

MAP(BPF_MAP_TYPE_ARRAY, out, __u32, __u64, OUT);
MAP(BPF_MAP_TYPE_ARRAY, array, __u32, __u64, N);
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, percpu_array, __u32, __u64, N);
MAP(BPF_MAP_TYPE_HASH, hash, __u32, __u64, 64);
MAP(PERCPU_HASH, percpu_hash, __u32, __u64, 64);
MAP(LRU_HASH, lru_hash, __u32, __u64, 512);
MAP(LRU_PERCPU_HASH, lru_percpu_hash, __u32, __u64, 512);

static void answer(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

static void put(void *map, __u32 key, __u64 v)
{
	bpf_map_update_elem(map, &key, &v, BPF_ANY);
}

/* 0, which no verifier knows: else it follows numbers from turn to turn. */
static __u64 zero(void)
{
	__u32 last = OUT - 1;
	__u64 *v = bpf_map_lookup_elem(&out, &last);

	return v ? *v : 0;
}

/* ---- bpf_for_each_map_elem ---- */

struct seen {
	__u64 n, keys, values, stop_at;
};

static long add(void *map, __u32 *key, __u64 *value, struct seen *s)
{
	s->n++;
	s->keys += *key;
	s->values += *value * *key;
	*value += 1000;		/* seen by the next pass */
	return s->n == s->stop_at;
}

static long stop_at_7(void *map, __u32 *key, __u64 *value, struct seen *s)
{
	return ++s->n == 7;
}

static long delete_odd(void *map, __u32 *key, __u64 *value, struct seen *s)
{
	s->n++;
	if (*key & 1)
		bpf_map_delete_elem(map, key);
	return 0;
}

static long no_context(void *map, __u32 *key, __u64 *value, void *none)
{
	*value += *key;
	return none != 0;
}

#define EACH(map_)                                                                              \
	SEC("xdp") int each_##map_(void *ctx)                                                   \
	{                                                                                       \
		struct seen s = { zero(), zero(), zero(), zero() };                             \
		for (__u32 i = 0; i < N; i++)                                                   \
			put(&map_, i, i * 7 + 1);                                               \
		answer(0, bpf_for_each_map_elem(&map_, add, &s, 0));                            \
		answer(1, bpf_for_each_map_elem(&map_, add, &s, 0));                            \
		answer(2, s.n);                                                                 \
		answer(3, s.keys);                                                              \
		answer(4, s.values);                                                            \
		s.n = zero();                                                                   \
		answer(5, bpf_for_each_map_elem(&map_, stop_at_7, &s, 0));                      \
		answer(6, bpf_for_each_map_elem(&map_, stop_at_7, &s, 1));                      \
		answer(7, bpf_for_each_map_elem(&map_, stop_at_7, &s, 1ull << 32));             \
		answer(8, s.n);                                                                 \
		answer(9, bpf_for_each_map_elem(&map_, no_context, 0, 0));                      \
		answer(10, bpf_for_each_map_elem(&map_, delete_odd, &s, 0));                    \
		answer(11, bpf_for_each_map_elem(&map_, add, &s, 0));                           \
		answer(12, s.keys);                                                             \
		answer(13, s.values);                                                           \
		return 0;                                                                       \
	}
EACH(array)
EACH(percpu_array)
EACH(hash)
EACH(percpu_hash)
EACH(lru_hash)
EACH(lru_percpu_hash)

/* A callback may loop over the same map, and add to it. */
static long count(void *map, __u32 *key, __u64 *value, __u64 *n)
{
	++*n;
	return 0;
}

static long nested(void *map, __u32 *key, __u64 *value, __u64 *n)
{
	*n += bpf_for_each_map_elem(&hash, count, n, 0);
	return 0;
}

SEC("xdp") int each_nested(void *ctx)
{
	__u64 n = zero();

	for (__u32 i = 0; i < 9; i++)
		put(&hash, i, 1);
	answer(0, bpf_for_each_map_elem(&hash, nested, &n, 0));
	answer(1, n);
	return 0;
}

SEC("xdp") int each_empty(void *ctx)
{
	__u64 n = zero();

	answer(0, bpf_for_each_map_elem(&hash, count, &n, 0));
	answer(1, n);
	return 0;
}

/* A map named as what is not one map could be. */
MAP(BPF_MAP_TYPE_HASH, any, __u32, __u64, 64);

SEC("xdp") int each_of_two(void *ctx)
{
	struct seen s = { zero(), zero(), zero(), zero() };
	__u32 key = 0;

	for (__u32 i = 0; i < N; i++) {
		put(&hash, i, 1);
		put(&any, i, 1);
	}
	answer(0, bpf_map_delete_elem(&any, &key));
	answer(1, bpf_for_each_map_elem(&hash, delete_odd, &s, 0));
	answer(2, bpf_for_each_map_elem(&any, delete_odd, &s, 0));
	answer(3, bpf_for_each_map_elem(&hash, count, &s.n, 0));
	answer(4, bpf_for_each_map_elem(&any, count, &s.n, 0));
	return 0;
}

/* ---- bpf_loop ---- */

struct sum {
	__u64 n, sum, limit;
};

static long sum(__u32 i, struct sum *s)
{
	s->n++;
	s->sum += i;
	return s->n == s->limit;
}

static long nothing(__u32 i, void *none)
{
	return 0;
}

static long stop(__u32 i, void *none)
{
	return 1;
}

static long inner(__u32 i, struct sum *s)
{
	struct sum own = { zero(), zero(), i };

	s->n += bpf_loop(i, sum, &own, 0);
	s->sum ^= own.sum << (i & 31);
	return 0;
}

SEC("xdp") int loops(void *ctx)
{
	struct sum s = { zero(), zero(), zero() };
	__u64 flag = bpf_get_prandom_u32() | 1;

	answer(0, bpf_loop(0, sum, &s, 0));
	answer(1, bpf_loop(1, sum, &s, 0));
	answer(2, bpf_loop(100, sum, &s, 0));
	answer(3, s.n);
	answer(4, s.sum);
	s.n = zero(), s.limit = zero() + 5;
	answer(5, bpf_loop(100, sum, &s, 0));
	answer(6, s.n);
	answer(7, bpf_loop(10, sum, &s, flag));
	answer(8, s.n);
	answer(9, bpf_loop(1 << 23, nothing, 0, 0));
	answer(10, bpf_loop(20, inner, &s, 0));
	answer(11, s.n);
	answer(12, s.sum);
	answer(13, bpf_loop(10, stop, 0, 0));
	return 0;
}

/* Which of them is called is known when it runs. */
static long add_1(__u32 i, __u64 *s) { *s += i + 1; return 0; }
static long xor_2(__u32 i, __u64 *s) { *s ^= i << 2; return 0; }
static long mul_3(__u32 i, __u64 *s) { *s *= 3; return 0; }
static long stop_4(__u32 i, __u64 *s) { *s += 4; return i == 4; }

static long (*pick(__u32 which))(__u32, __u64 *)
{
	switch (which & 3) {
	case 0: return add_1;
	case 1: return xor_2;
	case 2: return mul_3;
	default: return stop_4;
	}
}

SEC("xdp") int unknown(void *ctx)
{
	__u64 s = zero() + 1;

	for (__u32 i = 0; i < 12; i++) {
		__u32 which = i * 5 >> 1;

		asm volatile("" : "+r"(which));
		answer(i, bpf_loop(10 + i, pick(which), &s, 0));
		answer(32 + i, s);
	}
	/* not inlined by the kernel, whose inlined form answers 0xfffffff9 */
	answer(13, bpf_loop((1 << 23) + 1, pick(s), &s, 0));
	answer(14, bpf_loop(-1, pick(s), &s, 0));
	return 0;
}
