// bits stay known when bytes change their order: clang masks a number before it swaps it
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u8[256], 1);

UPROBE(prog)
{
	__u32 zero = 0;
	__u8 *v = bpf_map_lookup_elem(&values, &zero);

	if (!v)
		return 0;
	return v[__builtin_bswap64(ctx->di) & 255] + v[__builtin_bswap32(ctx->si) & 255] + v[__builtin_bswap16(ctx->dx) & 255];
}
