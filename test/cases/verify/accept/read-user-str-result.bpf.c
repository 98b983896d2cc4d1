// the length that probe_read_user_str returns fits the buffer
#include "../case.h"

UPROBE(prog)
{
	char buf[32];
	long n = bpf_probe_read_user_str(buf, sizeof(buf), (void *)ctx->di);

	if (n < 1)
		return 0;
	return buf[n - 1];
}
