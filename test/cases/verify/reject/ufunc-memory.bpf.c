// a function of the binary gets numbers, no memory of the program
// kernel: skip, it has no such functions
#include "../case.h"

extern long of_binary(void *p) __attribute__((section(".ufuncs")));

UPROBE(prog)
{
	long v = 0;

	return of_binary(&v);	// V019
}
