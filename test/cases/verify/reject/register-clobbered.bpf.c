// a call leaves r1 to r5 unset
// says: r3 is read
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r3 = 1;"	// V002
		     "call %[time];"
		     "r0 = r3;"
		     "exit;"
		     :: [time]"i"(bpf_ktime_get_ns));
}
