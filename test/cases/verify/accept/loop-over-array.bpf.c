// a loop that walks an array in a map value
#include "../case.h"

struct table { __u32 n; __u32 item[64]; };
MAP(BPF_MAP_TYPE_HASH, tables, __u32, struct table, 8);

UPROBE(prog)
{
	__u32 key = ctx->di, sum = 0;
	struct table *t = bpf_map_lookup_elem(&tables, &key);

	if (!t)
		return 0;
	for (__u32 i = 0; i < t->n && i < 64; i++)
		sum += t->item[i];
	return sum;
}
