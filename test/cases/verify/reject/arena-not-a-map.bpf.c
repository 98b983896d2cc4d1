// pages are those of a map
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_S(prog)
{
	return !bpf_arena_alloc_pages(ctx, 0, 1, -1, 0);	// V019
}
