// the fields of a map are read: those of struct bpf_map, and where an arena begins
#include "../arena.h"

struct bpf_map___l {
	__u32 map_type, key_size, value_size, max_entries, map_flags;
	__u64 map_extra;
} __attribute__((preserve_access_index));
struct bpf_arena___l {
	struct bpf_map___l map;
	__u64 user_vm_start, user_vm_end;
} __attribute__((preserve_access_index));

ARENA(arena, 0x10000000);
MAP(BPF_MAP_TYPE_HASH, counts, __u32, __u64, 64);

UPROBE(prog)
{
	struct bpf_map___l *m = (void *)&counts;
	struct bpf_arena___l *a = (void *)&arena;

	return m->key_size + m->value_size + m->max_entries + m->map_flags + a->map.max_entries + a->map.map_extra +
	       a->user_vm_start + a->user_vm_end;
}
