// a bpf_loop that is called in each turn ends no loop around it
// kernel: accept, it does not ask whether it is the same call
#include "../case.h"

static int note(__u32 i, int *ran)
{
	*ran = 1;
	return 0;
}

UPROBE(prog)
{
	int ran;

	do {
		ran = 0;
		bpf_loop(1, note, &ran, 0);
	} while (ran);
	return 0; // V025
}
