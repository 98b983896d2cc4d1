/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd.h"
#include "file.h"
#include "link.h"
#include "rt_archive.h"

static int link_files(struct arena *a, const struct opts *o, const char *output, struct diags *dg)
{
	struct link_input *in = arena_array(a, o->n_arg, sizeof(*in));
	struct bytes archive = rt_archive(), out;
	struct link_how how = { .soname = path_base(output), .allow_unverified = opts_has(o, "allow-unverified") };
	bool shared = opts_has(o, "shared");
	int err = opts_map_dir(o, &how.map_dir, dg);

	if (err < 0)
		return err;
	if (how.map_dir && !shared)
		return diag(dg, DIAG_U001, at_file("--map-dir"), "only with --shared: patching says where maps are");
	for (size_t i = 0; i < o->n_arg; i++) {
		if (file_same(output, o->arg[i]))
			return diag(dg, DIAG_U001, at_file(output), "is an input");
		in[i].path = o->arg[i];
		err = file_read(a, o->arg[i], &in[i].obj, NULL, dg);
		if (err < 0)
			return err;
	}
	err = shared ? link_shared(a, in, o->n_arg, archive, &how, &out, dg) : link_objects(a, in, o->n_arg, &out, dg);
	return err < 0 ? err : file_write(output, out.p, out.n, shared ? 0755 : 0644, NULL, dg);
}

int cmd_link(const struct opts *o, struct diags *dg)
{
	const char *output = opts_get(o, "output");
	struct arena *a;
	int err;

	if (!o->n_arg || !output)
		return diag(dg, DIAG_U001, at_file("link"), "give hook objects, and -o FILE");
	a = arena_new();
	err = link_files(a, o, output, dg);
	arena_free(a);
	return err;
}
