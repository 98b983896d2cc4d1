// packet bytes that nobody looked for
// says: compare with data_end first
#include "../case.h"

struct xdp_md { __u32 data, data_end; };
SEC("xdp") NAKED int prog(struct xdp_md *x)
{
	asm volatile("r2 = *(u32 *)(r1 + 0);"	// V012
		     "r0 = *(u8 *)(r2 + 0);"
		     "exit;");
}
