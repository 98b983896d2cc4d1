// the fields of a map are not stored to
#include "../case.h"

struct bpf_map___l {
	__u32 max_entries;
} __attribute__((preserve_access_index));

MAP(BPF_MAP_TYPE_HASH, counts, __u32, __u64, 64);

UPROBE(prog)
{
	struct bpf_map___l *m = (void *)&counts;

	m->max_entries = 5;	// V033
	return 0;
}
