// a function that has not run has no result
// says: the function has not returned yet
#include "../case.h"

SEC("uprobe/f")
int prog(void *ctx)
{
	__u64 v = 0;

	bpf_get_func_ret(ctx, &v);	// V018
	return v;
}
