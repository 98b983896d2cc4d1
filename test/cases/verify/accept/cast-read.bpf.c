// memory behind any address is read, at any offset, with any size, in a loop, also where it may be a map's value
#include "../cast.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64[4], 1);

UPROBE(prog)
{
	__u32 zero = 0;
	const __u64 *v = bpf_map_lookup_elem(&values, &zero), *p;
	const char *text = bpf_rdonly_cast((void *)ctx->di, 0);
	__u64 sum = 0;

	for (int i = 0; i < 16 && text[i]; i++)
		sum += text[i];
	sum += *(const volatile short *)(text + (ctx->si & 0xffff)) + text[ctx->dx];
	p = bpf_rdonly_cast((const void *)sum, 0);
	if (v && ctx->dx)
		p = v;
	hide(p);
	sum += p[1];
	return sum + *(__u32 *)bpf_rdonly_cast(&sum, 0);
}
