// what a callback counts up has no bound unless it is checked
#include "../case.h"

struct state { __u32 n; __u8 at[16]; };

static int add(__u32 i, void *arg)
{
	struct state *s = arg;

	s->at[s->n++] = i;	// V010
	return 0;
}

UPROBE(prog)
{
	struct state s = { 0 };

	bpf_loop(100, add, &s, 0);
	return s.at[3];
}
