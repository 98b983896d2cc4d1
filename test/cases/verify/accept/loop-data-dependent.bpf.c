// a loop whose end depends on data, within a constant bound
#include "../case.h"

UPROBE(prog)
{
	__u64 v = ctx->di, bits = 0;

	for (int i = 0; i < 64 && v; i++, v >>= 1) {
		hide(v);
		bits += v & 1;
	}
	return bits;
}
