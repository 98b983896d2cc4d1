// strings in constant data, a result through a pointer, an optional buffer
#include "../case.h"

const char format[] = "%d %d";
const char wanted[] = "12345";

UPROBE(prog)
{
	char buf[16] = "123";
	__u64 args[2] = { 1, 2 };
	long n = 0;

	if (bpf_strncmp(buf, sizeof(buf), wanted))
		bpf_strtol(buf, sizeof(buf), 0, &n);
	n += bpf_snprintf(buf, sizeof(buf), format, args, sizeof(args));
	return n + bpf_snprintf(0, 0, format, args, sizeof(args));
}
