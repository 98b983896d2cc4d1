// SPDX-License-Identifier: MIT
// What programs do with an arena: pages, variables, structures that point into it, atomics, and accesses of what
// is not there.  Each program is run here and in the kernel, over an arena of its own.
#include "arena_common.h"

struct node {
	struct node __arena *next;
	__u64 key, value;
};

/* Variables: the first pages. */
__u64 __arena first = 0x1122334455667788;
__s32 __arena negative = -5;
__s16 __arena small = -300;
__s8 __arena byte = -7;
__u64 __arena table[1000];
struct node __arena *__arena head;
struct node __arena *__arena bucket[16];
__u64 __arena brk, brk_end;

/* Addresses are as good as their lower halves: only the lower halves are compared where they may differ. */
static __always_inline __u64 place(const volatile void __arena *p)
{
	return AT(p) - AT(&first);
}

static __always_inline struct node __arena *make(__u64 key, __u64 value)
{
	struct node __arena *n;

	if (brk == brk_end) {
		brk = (__u64)(long)pages(1);
		if (!brk)
			return 0;
		brk_end = brk + PAGE / sizeof(*n) * sizeof(*n);
	}
	n = (struct node __arena *)(long)brk;
	brk += sizeof(*n);
	n->key = key;
	n->value = value;
	return n;
}

PROG(variables)
{
	__u32 i;

	put(0, first);
	put(1, negative);
	put(2, small);
	put(3, byte);
	first++;
	negative *= 3;
	small -= 30000;
	byte--;
	for (i = 0; i < 1000 && can_loop; i++)
		table[i] = i * i;
	put(4, table[999]);
	put(5, table[5] & 0xf0);
	put(6, (__u32)negative);
	put(7, place(&table[1]));
	return negative;
}

PROG(list)
{
	struct node __arena *n, *last = 0;
	__u64 sum = 0, count = 0;
	__u32 i;

	for (i = 0; i < 1000 && can_loop; i++) {
		n = make(i, i * 3);
		if (!n)
			return 1;
		n->next = head;
		head = n;
	}
	for (n = head; n && can_loop; n = n->next) {
		sum += n->value ^ n->key;
		count++;
	}
	put(0, sum);
	put(1, count);
	for (n = head; n && can_loop;) {	/* turned round */
		struct node __arena *next = n->next;

		n->next = last;
		last = n;
		n = next;
	}
	head = last;
	put(2, head->key);
	put(3, head->next->next->key);
	bpf_arena_free_pages(&arena, head, 1);		/* its page, and all nodes in it */
	put(4, head->next == 0);
	put(5, head->value);
	return 0;
}

PROG(hashed)
{
	struct node __arena *n;
	__u32 i, k, found = 0;

	for (i = 0; i < 500 && can_loop; i++) {
		__u32 key = i * 2654435761u >> 20;

		k = key % 16;
		for (n = bucket[k]; n && can_loop; n = n->next)
			if (n->key == key)
				break;
		if (n) {
			n->value++;
			continue;
		}
		n = make(key, 1);
		if (!n)
			return 2;
		n->next = bucket[k];
		bucket[k] = n;
	}
	for (k = 0; k < 16 && can_loop; k++) {
		__u64 sum = 0;

		for (n = bucket[k]; n && can_loop; n = n->next)
			sum += n->key * n->value, found++;
		put(k, sum);
	}
	return found;
}

PROG(atomics)
{
	__u64 __arena *p = (__u64 __arena *)pages(1), *q = p + 1;
	__u32 __arena *h = (__u32 __arena *)(p + 2);

	*p = 10;
	*q = ~0ull;
	*h = 0xfffffff0;
	put(0, __sync_fetch_and_add(p, 5));
	put(1, __sync_fetch_and_sub(p, 3));
	put(2, __sync_lock_test_and_set(p, 77));
	put(3, __sync_val_compare_and_swap(p, 77, 78));
	put(4, __sync_val_compare_and_swap(p, 77, 79));
	put(5, __sync_fetch_and_add(h, 0x20));
	put(6, __sync_lock_test_and_set(h, 7));
	put(7, __sync_val_compare_and_swap(h, 7, 0x80000000));
	put(8, __sync_val_compare_and_swap(h, 7, 9));
	__sync_fetch_and_add(q, 2);
	asm volatile("r1 = %0; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = 0xf0f0; lock *(u64 *)(r1 + 8) |= r2;"
		     "r2 = 0xff; lock *(u64 *)(r1 + 8) &= r2; r2 = 0x3c; lock *(u64 *)(r1 + 8) ^= r2;"
		     "r2 = 0x70; lock *(u32 *)(r1 + 16) |= w2; lock *(u32 *)(r1 + 24) += w2" :: "r"(p) : "r1", "r2", "memory");
	put(9, *p);
	put(10, *q);
	put(11, *h);
	return 0;
}

/* load_acquire of *(r1 + 0) to r2, store_release of r2 to *(r1 + 8) */
PROG(ordered)
{
	__u64 __arena *p = (__u64 __arena *)pages(1);
	register __u64 got asm("r2");

	*p = 0x8899aabbccddeeff;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); .8byte 0x100000012db" : "=r"(got) : "r"(p) : "r1", "memory");
	put(0, got);	/* u64 */
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); .8byte 0x100000012d3" : "=r"(got) : "r"(p) : "r1", "memory");
	put(1, got);	/* u8 */
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); .8byte 0x100000012cb" : "=r"(got) : "r"(p) : "r1", "memory");
	put(2, got);	/* u16 */
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); .8byte 0x100000012c3" : "=r"(got) : "r"(p) : "r1", "memory");
	put(3, got);	/* u32 */
	got = 0x1234;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); .8byte 0x110000821cb" : "+r"(got) : "r"(p) : "r1", "memory");
	put(4, p[1]);	/* u16, at 8 */
	put(5, p[0]);
	return 0;
}

/* Pages that were never given out, given back, or lie outside. */
PROG(absent)
{
	char __arena *p = pages(2), *q = p + 5 * PAGE;
	register __u64 r2 asm("r2");
	register __u64 r0 asm("r0");
	__u64 x = 0x1111222233334444;
	__u32 y = 0x33334444;

	*(volatile __u64 __arena *)q = x;
	put(0, *(volatile __u64 __arena *)q);
	put(1, __sync_fetch_and_add((__u64 __arena *)q, x));
	put(2, __sync_fetch_and_add((__u32 __arena *)q, y));
	put(3, __sync_val_compare_and_swap((__u64 __arena *)q, x, 7));
	put(4, __sync_val_compare_and_swap((__u32 __arena *)q, y, 7));
	put(5, __sync_lock_test_and_set((__u64 __arena *)q, x));
	r2 = 0x5555666677778888;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); .8byte 0x100000012db" : "+r"(r2) : "r"(q) : "r1");
	put(6, r2);
	r2 = 0x5555666677778888;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); w2 = atomic_fetch_add((u32 *)(r1 + 0), w2)" : "+r"(r2) : "r"(q) : "r1");
	put(7, r2);
	r0 = 0x5555666677778888;
	r2 = 3;
	asm volatile("r1 = %2; r1 = addr_space_cast(r1, 0x0, 0x1); w0 = cmpxchg32_32(r1 + 0, w0, w2)" : "+r"(r0), "+r"(r2) : "r"(q) : "r1");
	put(8, r0);
	r2 = 0x55;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = *(s32 *)(r1 + 0)" : "+r"(r2) : "r"(q) : "r1");
	put(9, r2);
	/* across the end of what is there, and of a page */
	*(volatile __u64 __arena *)(p + 2 * PAGE - 8) = ~0ull;
	*(volatile __u64 __arena *)(p + 2 * PAGE - 4) = x;
	put(10, *(volatile __u64 __arena *)(p + 2 * PAGE - 8));
	put(11, *(volatile __u64 __arena *)(p + 2 * PAGE - 4));
	put(12, *(volatile __u32 __arena *)(p + 2 * PAGE - 4));
	*(volatile __u64 __arena *)(p + PAGE - 3) = x;
	put(13, *(volatile __u64 __arena *)(p + PAGE - 3));
	put(14, *(volatile __u16 __arena *)(p + PAGE - 1));
	/* before the first page and behind the last */
	*((volatile __u64 __arena *)&first - 1) = x;
	put(15, *((volatile __u64 __arena *)&first - 1));
	put(16, *(volatile __u32 __arena *)((char __arena *)&first - 3));
	put(17, *(volatile __u64 __arena *)((char __arena *)&first + PAGES * PAGE - 4));
	bpf_arena_free_pages(&arena, p, 1);
	put(18, *(volatile __u64 __arena *)(p + PAGE - 3));
	put(19, *(volatile __u64 __arena *)(p + PAGE + 8));
	put(20, *(volatile __u64 __arena *)(p + 2 * PAGE - 8));
	p = pages(1);
	put(21, *(volatile __u64 __arena *)(p + PAGE - 8));
	put(22, place(p));
	return 0;
}

/* The offset in the instruction is added to the lower half, in 64 bits. */
PROG(offsets)
{
	char __arena *p = pages(16);
	register __u64 r2 asm("r2");

	*(volatile __u64 __arena *)(p + 32000) = 42;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = *(u64 *)(r1 + 32000)" : "=r"(r2) : "r"(p) : "r1");
	put(0, r2);
	p += 60000;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = *(u64 *)(r1 - 28000)" : "=r"(r2) : "r"(p) : "r1");
	put(1, r2);
	p = (char __arena *)&first;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = *(u64 *)(r1 - 32000)" : "=r"(r2) : "r"(p) : "r1");
	put(2, r2);
	return 0;
}

/* Arithmetic on addresses is of 32 bits; casts clear or set the upper half, and leave 0 alone. */
PROG(casts)
{
	char __arena *p = pages(1);
	register __u64 r2 asm("r2");

	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r1 >>= 4; r1 += 0x70000000; r1 += 0x70000000;"
		     "r1 += 0x70000000; r1 *= 3; r1 <<= 35; r2 = r1" : "=r"(r2) : "r"(place(p)) : "r1");
	put(0, r2);
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r1 -= 1; r1 ^= -1; r1 s>>= 1; r1 |= 1; r1 %%= 7; r2 = r1" : "=r"(r2) : "r"(place(p)) : "r1");
	put(1, r2);
	asm volatile("r1 = 0; r1 = addr_space_cast(r1, 0x1, 0x0); r2 = r1" : "=r"(r2) :: "r1");
	put(2, r2);
	asm volatile("r1 = 0xffff000000000000 ll; r1 = addr_space_cast(r1, 0x1, 0x0); r2 = r1" : "=r"(r2) :: "r1");
	put(3, r2);
	asm volatile("r1 = 0xffff000000000123 ll; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = r1" : "=r"(r2) :: "r1");
	put(4, r2);
	asm volatile("r1 = 0xffff000000000123 ll; r1 = addr_space_cast(r1, 0x1, 0x0); r2 = r1" : "=r"(r2) :: "r1");
	put(5, r2 & 0xffffffff);
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r1 = -r1; r1 = addr_space_cast(r1, 0x0, 0x1); w1 = w1; r2 = r1; r2 = be16 r2" : "=r"(r2) : "r"(place(p)) : "r1");
	put(6, r2);
	put(7, p != 0);
	put(8, place(p));
	return 0;
}

/* A number and an address are added in 32 bits, too. */
PROG(sums)
{
	char __arena *p = pages(1);
	register __u64 r2 asm("r2");

	*(volatile __u64 __arena *)(p + 8) = 42;
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = 8; r2 += r1; r2 = *(u64 *)(r2 + 0)" : "=r"(r2) : "r"(p) : "r1");
	put(0, r2);
	asm volatile("r1 = %1; r1 = addr_space_cast(r1, 0x0, 0x1); r1 += 16; r2 = -8; r2 += r1; r2 = *(u64 *)(r2 + 0)" : "=r"(r2) : "r"(p) : "r1");
	put(1, r2);
	r2 = AT(&first);	/* around the end of 32 bits */
	asm volatile("r1 = %1; r1 -= 0x10000000; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = 0x10000000; r2 += r1; r2 = *(u64 *)(r2 + 0)" : "=r"(r2) : "r"(r2) : "r1");
	put(2, AT(&first) < 0x10000000 ? r2 : 0);
	r2 = AT(&first);
	asm volatile("r1 = %1; r1 -= 0x10000000; r1 = addr_space_cast(r1, 0x0, 0x1); r1 += 0x10000000; r2 = *(u64 *)(r1 + 0)" : "=r"(r2) : "r"(r2) : "r1");
	put(3, r2);
	return 0;
}

/* Behind the last page, where what lies in the file in front of the pages has no zeros to say so. */
PROG(behind)
{
	volatile __u64 __arena *p = (volatile __u64 __arena *)&first;
	__u32 i;

	for (i = 0; i < 512 && can_loop; i++)
		p[i] = ~0ull;
	p += PAGES * (PAGE / 8ull);
	put(0, p[0]);
	p[0] = 1;
	put(1, p[0]);
	put(2, p[4000]);
	put(3, *(volatile __u64 __arena *)((char __arena *)p - 4));
	return 0;
}

struct bpf_map___l {
	__u32 map_type, key_size, value_size, max_entries, map_flags;
	__u64 map_extra;
} __attribute__((preserve_access_index));
struct bpf_arena___l {
	struct bpf_map___l map;
	__u64 user_vm_start, user_vm_end;
} __attribute__((preserve_access_index));

/* (Not in the kernel: the fields are ours.) */
SEC("uprobe.s") int fields(struct pt_regs *ctx)
{
	struct bpf_arena___l *a = (void *)&arena;
	struct bpf_map___l *m = (void *)&out;

	put(0, a->map.map_type);
	put(1, a->map.max_entries);
	put(2, a->map.map_flags);
	put(3, a->user_vm_start == a->user_vm_end - PAGES * (__u64)PAGE);
	put(4, (__u64)(long)bpf_arena_alloc_pages(&arena, 0, 1, NO_NODE, 0) - a->user_vm_start < PAGES * PAGE);
	put(5, m->key_size);
	put(6, m->value_size);
	put(7, m->max_entries);
	put(8, AT(&first) == (a->user_vm_start & 0xffffffff));
	return 0;
}

PROG(many_pages)
{
	char __arena *a = pages(10), *b = pages(20), *c = pages(30), *d;

	put(0, place(a));
	put(1, place(b));
	put(2, place(c));
	put(3, (__u64)(long)pages(PAGES) != 0);
	bpf_arena_free_pages(&arena, a, 10);
	put(4, place(pages(5)));		/* the smallest place it fits in */
	put(5, place(pages(6)));
	put(6, bpf_arena_reserve_pages(&arena, b, 1));
	bpf_arena_free_pages(&arena, b + 5 * PAGE, 2);
	put(7, bpf_arena_reserve_pages(&arena, b + 5 * PAGE, 1));
	put(8, place(pages(1)));
	d = bpf_arena_alloc_pages(&arena, b + 5 * PAGE, 1, NO_NODE, 0);
	put(9, d != 0);
	bpf_arena_free_pages(&arena, b + 5 * PAGE, 1);	/* what was reserved, too */
	d = bpf_arena_alloc_pages(&arena, b + 5 * PAGE, 1, NO_NODE, 0);
	put(10, place(d));
	put(11, bpf_arena_alloc_pages(&arena, b + 1, 1, NO_NODE, 0) != 0);
	put(12, bpf_arena_alloc_pages(&arena, 0, 1, NO_NODE, 1) != 0);
	put(13, bpf_arena_alloc_pages(&arena, 0, 0, NO_NODE, 0) != 0);
	put(14, bpf_arena_alloc_pages(&arena, 0, 1, 1000, 0) != 0);
	put(15, bpf_arena_alloc_pages(&arena, 0, 1, -2, 0) != 0);
	put(16, bpf_arena_alloc_pages(&out, 0, 1, NO_NODE, 0) != 0);
	put(17, bpf_arena_reserve_pages(&out, 0, 1));
	put(18, bpf_arena_reserve_pages(&arena, b + 1, 1));
	put(19, bpf_arena_reserve_pages(&arena, b, 0));
	put(20, bpf_arena_reserve_pages(&arena, b, PAGES));
	bpf_arena_free_pages(&arena, c, 0);
	bpf_arena_free_pages(&arena, 0, 1);
	c[0] = 1;
	bpf_arena_free_pages(&arena, c + 100, 1);	/* of the page it is in */
	put(21, c[0]);
	bpf_arena_free_pages(&arena, c + 20 * PAGE, 100000);
	put(22, place(pages(25)));
	put(23, place(pages(12)));
	return 0;
}

static __noinline __u64 sum_of(struct node __arena *n, __u32 most)
{
	__u64 sum = 0;

	for (__u32 i = 0; n && i < most && can_loop; n = n->next, i++)
		sum += n->key;
	return sum;
}

static long add_node(__u32 i, void *arg)
{
	struct node __arena *n = make(i, i);

	if (!n)
		return 1;
	n->next = head;
	head = n;
	return 0;
}

PROG(functions)
{
	put(0, bpf_loop(700, add_node, 0, 0));
	put(1, sum_of(head, 1000));
	put(2, sum_of(head, 10));
	return 0;
}

PROG(unbounded)
{
	struct node __arena *n = make(1, 1);
	__u64 count = 0;

	if (!n)
		return 1;
	n->next = n;	/* a ring: may_goto ends it */
	for (; n && can_loop; n = n->next) {
		count += n->value;
		if (count == 5000)
			n->next = 0;
	}
	put(0, count);
	return 0;
}
