// pages are given out to programs that may sleep
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE(prog)
{
	return !bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);	// V018
}
