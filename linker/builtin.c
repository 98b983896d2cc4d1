/* SPDX-License-Identifier: MIT */
#include "builtin.h"

#include <stdlib.h>
#include <string.h>

#include "objfile.h"
#include "objfmt.h"

extern const unsigned char bpftime_count[], bpftime_count_end[];
extern const unsigned char bpftime_latency[], bpftime_latency_end[];

struct bytes lnk_builtin_count(struct arena *a, struct bytes id, bool latency)
{
	const unsigned char *from = latency ? bpftime_latency : bpftime_count;
	size_t n = (size_t)((latency ? bpftime_latency_end : bpftime_count_end) - from);
	uint8_t *p = arena_dup(a, from, n);
	struct bytes out = { p, n };
	struct obj_file f;
	struct diags dg = { 0 };
	uint8_t *stamp;

	/* Our own build made it; when that went wrong no input is to blame. */
	if (objfile_read(a, "count", out, &f, &dg) < 0 || !obj_find(&f, ".bpftime.stamp"))
		abort();
	stamp = p + (f.sec[obj_find(&f, ".bpftime.stamp")].data - p);
	if (id.n)
		memcpy(stamp + offsetof(struct objfmt_stamp, hash), id.p, id.n < 32 ? id.n : 32);
	return out;
}
