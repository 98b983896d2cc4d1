/* SPDX-License-Identifier: MIT */
#include "front.h"

#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "relocator.h"

int front_opts(const struct opts *o, struct compile_opts *out, struct diags *dg)
{
	const char *level = opts_get(o, "opt-level");

	*out = (struct compile_opts){
		.target = opts_get(o, "target"), .cpu = opts_get(o, "cpu"), .opt_level = 3,
		.debug = opts_has(o, "debug"), .unverified = opts_has(o, "unverified"),
	};
	if (!level)
		return 0;
	if (level[0] < '0' || level[0] > '3' || level[1])
		return diag(dg, DIAG_U001, at_file("-O"), "%s: 0 to 3", level);
	out->opt_level = (unsigned)(level[0] - '0');
	return 0;
}

int front_vfy_opts(const struct opts *o, struct vfy_opts *out, struct diags *dg)
{
	const char *ms = opts_get(o, "time-limit");
	unsigned long n = ms ? strtoul(ms, NULL, 10) : 0;

	*out = (struct vfy_opts){ .log = opts_has(o, "log"), .time_limit_ms = (uint32_t)n };
	if (ms && (strspn(ms, "0123456789") != strlen(ms) || !n || n > UINT32_MAX))
		return diag(dg, DIAG_U001, at_file("--time-limit"), "%s: milliseconds, from 1", ms);
	return 0;
}

int front_file(const struct opts *o, const char **out, struct diags *dg)
{
	if (o->n_arg != 1)
		return diag(dg, DIAG_U001, at_file(o->n_arg ? o->arg[1] : "X.bpf.o"),
			    o->n_arg ? "one file at a time" : "which file?");
	*out = o->arg[0];
	return 0;
}

int front_open(const struct opts *o, const char *path, struct front *f, struct diags *dg)
{
	struct relocate_opts ro = { .btf_path = opts_get(o, "btf"),
				    .kconfig_path = opts_get(o, "kconfig") };
	const char **set;
	int r;

	*f = (struct front){ .a = arena_new() };
	set = arena_array(f->a, o->n_opt + 1, sizeof(*set));
	for (size_t i = 0; i < o->n_opt; i++)
		if (!strcmp(o->opt[i].name, "set"))
			set[ro.n_set++] = o->opt[i].value;
	ro.set = set;
	progress_step("reading %s", path);
	if ((r = front_opts(o, &f->opts, dg)) < 0 || (r = front_vfy_opts(o, &f->vfy, dg)) < 0 ||
	    (r = relocate(path, &ro, &f->u, dg)) < 0)
		return r;
	f->facts = arena_array(f->a, f->u->n_prog + 1, sizeof(*f->facts));
	return 0;
}

int front_verify(struct front *f, struct diags *dg)
{
	int first = 0;

	if (f->opts.unverified) {
		diag_warn(dg, at_file(f->u->path), "NOT VERIFIED: the programs may crash or corrupt "
			  "the process they are spliced into; for development only");
		return 0;
	}
	for (size_t i = 0; i < f->u->n_prog; i++) {
		struct vfy_result *res = arena_alloc(f->a, sizeof(*res));
		int r;

		progress_step("verifying %s", f->u->prog[i].name);
		r = vfy_verify(f->a, f->u, &f->u->prog[i], &f->vfy, res, dg);

		f->facts[i] = res;
		if (r < 0 && !first)
			first = r;
	}
	return first;
}

void front_close(struct front *f)
{
	unit_free(f->u);
	arena_free(f->a);
	*f = (struct front){ 0 };
}
