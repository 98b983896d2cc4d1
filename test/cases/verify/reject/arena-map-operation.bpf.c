// an arena has no elements
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE(prog)
{
	__u32 key = 0;

	return !bpf_map_lookup_elem(&arena, &key);	// V021
}
