// memory that is no dynptr is passed as one
#include "../dynptr.h"

UPROBE(prog)
{
	struct bpf_dynptr d = { { ctx->di, 64 } };
	__u64 word;

	bpf_dynptr_read(&word, sizeof(word), &d, 0, 0);	// V019
	return 0;
}
