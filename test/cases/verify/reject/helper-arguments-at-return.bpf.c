// arguments are in registers before a function, not behind it
// says: when the function returns its arguments are gone
#include "../case.h"

SEC("uretprobe/f")
int prog(void *ctx)
{
	__u64 v = 0;

	bpf_get_func_arg(ctx, 0, &v);	// V018
	return v;
}
