// a dynptr is made of memory that nobody may write to
#include "../dynptr.h"

const volatile char text[16] = "text";

UPROBE(prog)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem((void *)text, sizeof(text), 0, &d);	// V033
	return 0;
}
