// bytes known behind one packet address say nothing of another, a variable distance before it
// kernel: reject, it looks at the lower bound here
#include "../case.h"

struct xdp_md { __u32 data, data_end; };

SEC("xdp") NAKED int prog(struct xdp_md *x)
{
	asm volatile("r2 = *(u32 *)(r1 + 0);"	// V012
		     "r3 = *(u32 *)(r1 + 4);"
		     "r5 = *(u32 *)(r1 + 12);"
		     "r5 &= 7;"
		     "r4 = r2; r4 += 16;"
		     "if r4 > r3 goto 1f;"
		     "r4 -= r5;"
		     "r0 = *(u64 *)(r4 + 0);"
		     "1: r0 = 1;"
		     "exit;");
}
