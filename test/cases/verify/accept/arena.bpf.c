// an arena's pages are used through addresses that point into it: all of them are looked at when they are used
#include "../arena.h"

ARENA(arena, 0x10000000);

struct node {
	struct node __arena *next;
	__u64 n;
};

UPROBE_S(prog)
{
	struct node __arena *a = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0), *b = a + 1;

	if (bpf_arena_reserve_pages(&arena, (char __arena *)a + 4096, 1))
		return 1;
	a->next = b;			/* no test whether it is NULL is needed */
	b->next = a;
	a->next->n = ctx->di;
	__sync_fetch_and_add(&b->n, 1);
	bpf_arena_free_pages(&arena, a, 1);
	return a->next->next->n + *((char __arena *)a + ctx->si);
}
