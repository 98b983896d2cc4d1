/* SPDX-License-Identifier: MIT */
#include "cmd.h"

#include <signal.h>
#include <unistd.h>

#include "rt_maps.h"

/* A file that is cut short while it is mapped is SIGBUS at the next look. */
static void cut_short(int sig)
{
	static const char text[] =
		"error[M002]: not a map file: it was cut short while it was read\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig, (void)n;
	_exit(EX_REFUSED);
}

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
	signal(SIGBUS, cut_short);
	rt_self_setup();
	s->a = arena_new();
	s->json = opts_has(o, "json");
	return 0;
}

void session_end(struct session *s)
{
	mapdir_close(&s->dir);
	arena_free(s->a);
}

int session_begin_map(struct session *s, const struct opts *o, const char *command, size_t min,
		      size_t max, struct mapfile *m, struct diags *dg)
{
	int r = session_begin(s, o, command, min, max, dg);

	if (r < 0)
		return r;
	r = mapfile_open(&s->dir, s->a, o->arg[0], m, dg);
	if (r < 0)
		session_end(s);
	return r;
}

void session_end_map(struct session *s, struct mapfile *m)
{
	mapfile_close(m);
	session_end(s);
}
