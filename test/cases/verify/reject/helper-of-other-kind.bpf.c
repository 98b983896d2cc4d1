// an xdp program has no attach cookie
#include "../case.h"

SEC("xdp") NAKED int prog(void)
{
	asm volatile("call 174;"	// V018
		     "exit;");
}
