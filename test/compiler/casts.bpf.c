// Structures read through bpf_rdonly_cast: what each program leaves in `out` is the same in the kernel and
// here (casts.cpp).  The types are of the kernel's BTF, the memory is the map's.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum { OUT = 64 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUT);
	__type(key, __u32);
	__type(value, __u64);
} out SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
#pragma clang attribute pop

struct pair {
	__u64 next, prev;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pair[3]);
} pairs SEC(".maps");

/* A program that others can jump to has a form that a test can call. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} unused SEC(".maps");

extern void *bpf_rdonly_cast(const void *obj, __u32 type) __weak __ksym;
#define AS(type_, p_) \
	((type_ *)bpf_rdonly_cast((const void *)(p_), (__u32)__builtin_btf_type_id(*(type_ *)0, 1)))

static void answer(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

/* 0 -> 1 -> 2 -> 8, where nothing is */
static struct pair *chain(void)
{
	__u32 zero = 0;
	struct pair *p = bpf_map_lookup_elem(&pairs, &zero);

	if (!p)
		return 0;
	p[0] = (struct pair){ (__u64)&p[1], 1234567890123 };
	p[1] = (struct pair){ (__u64)&p[2], (__u64)&p[0] };
	p[2] = (struct pair){ 8, 42 };
	return p;
}

SEC("raw_tp/sys_enter") int pointers_are_followed(void *ctx)
{
	struct pair *p = chain();
	struct list_head *l;

	if (!p)
		return 0;
	l = AS(struct list_head, p);
	answer(0, (__u64)l->prev);
	answer(1, (__u64)l->next->next->prev);
	answer(2, l->next->prev == l);
	answer(3, (__u64)l->next->next->next);
	answer(4, (__u64)l->next->next->next->next);	/* not there: 0 */
	answer(5, (__u64)l->next->next->next->next->prev);
	for (int i = 0; i < 8 && l; i++, l = l->next)
		answer(10 + i, l != 0);
	return 0;
}

SEC("raw_tp/sys_enter") int members_of_any_width(void *ctx)
{
	struct pair *p = chain();
	struct hlist_node *n;

	if (!p)
		return 0;
	n = AS(struct hlist_node, &p[1]);
	answer(0, (__u64)n->pprev == (__u64)p);
	answer(1, (__u64)AS(struct list_head, 0)->next);
	answer(2, (__u64)AS(struct list_head, 0)->next->next);
	return 0;
}

SEC("raw_tp/sys_enter") int a_pointer_goes_round(void *ctx)
{
	struct pair *p = chain();
	struct list_head *l, *kept[2];

	if (!p)
		return 0;
	l = AS(struct list_head, p);
	kept[0] = l->next;
	kept[1] = l;
	asm volatile("" ::: "memory");
	answer(0, (__u64)kept[0]->next->prev);
	answer(1, (__u64)kept[1]->prev);
	return 0;
}
