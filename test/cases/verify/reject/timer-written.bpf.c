// nor may it be written to, not by a helper either
#include "../timer.h"

UPROBE(prog)
{
	struct item *i = item_of(&hash);

	if (!i)
		return 0;
	return bpf_probe_read_user(i, sizeof(*i), (void *)ctx->di);	// V011
}
