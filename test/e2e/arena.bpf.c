// SPDX-License-Identifier: MIT
// A list that all processes push onto, in an arena: a page for each call of work(n).
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "../arena/arena_only.h"

struct node {
	struct node __arena *next;
	__u64 pid, n, check;
};

struct list {
	__u64 head, pushed, failed, length, checksum;
};
struct list __arena list;

SEC("uprobe.s/work")
int work(struct pt_regs *ctx)
{
	struct node __arena *n = bpf_arena_alloc_pages(&arena, 0, 1, NO_NODE, 0);
	__u64 old;

	if (!n) {
		__sync_fetch_and_add(&list.failed, 1);
		return 0;
	}
	n->pid = bpf_get_current_pid_tgid() >> 32;
	n->n = ctx->di;
	n->check = n->pid * 31 + n->n;
	do {
		old = list.head;
		n->next = (struct node __arena *)(long)old;
	} while (__sync_val_compare_and_swap(&list.head, old, (__u64)(long)n) != old && can_loop);
	__sync_fetch_and_add(&list.pushed, 1);
	return 0;
}

/* Everybody's list. */
SEC("uprobe/count")
int count(struct pt_regs *ctx)
{
	struct node __arena *n;
	__u64 all = 0, sum = 0;

	for (n = (struct node __arena *)(long)list.head; n && can_loop; n = n->next) {
		all++;
		sum += n->check == n->pid * 31 + n->n;
	}
	list.length = all;
	list.checksum = sum;
	return 0;
}

/* The page behind the node of work(n) is given back: the list ends there. */
SEC("uprobe.s/cut")
int cut(struct pt_regs *ctx)
{
	struct node __arena *n = (struct node __arena *)(long)list.head;

	for (; n && can_loop; n = n->next)
		if (n->n == ctx->di) {
			bpf_arena_free_pages(&arena, n->next, 1);
			break;
		}
	return 0;
}
