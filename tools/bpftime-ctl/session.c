/* SPDX-License-Identifier: MIT */
#include "cmd.h"

int session_begin(struct session *s, const struct opts *o, const char *command, size_t min,
		  size_t max, struct diags *dg)
{
	int r;

	if (o->n_arg < min || o->n_arg > max)
		return diag(dg, DIAG_U001, at_file(command), "%s; see bpftime-ctl %s --help",
			    o->n_arg < min ? "an argument is missing" : "too many arguments",
			    command);
	r = mapdir_open(&s->dir, opts_get(o, "dir"), dg);
	if (r < 0)
		return r;
	s->a = arena_new();
	s->json = opts_has(o, "json");
	return 0;
}

void session_end(struct session *s)
{
	mapdir_close(&s->dir);
	arena_free(s->a);
}
