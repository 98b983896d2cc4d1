/* SPDX-License-Identifier: MIT
 *
 * push: a sample for the programs that drain a user ring buffer. */
#include "cmd.h"
#include "entry.h"
#include "ring.h"

int cmd_push(const struct opts *o, struct diags *dg)
{
	struct bytes sample;
	struct mapfile m;
	struct session s;
	int r = session_begin_map(&s, o, "push", 2, ANY_NUMBER, &m, dg);

	if (r < 0)
		return r;
	r = entry_parse_sample(&m, o->arg + 1, o->n_arg - 1, s.a, &sample, dg);
	if (r >= 0)
		r = ring_push(&m, sample.p, sample.n, dg);
	session_end_map(&s, &m);
	return r;
}
