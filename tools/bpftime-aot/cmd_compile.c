/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd.h"
#include "file.h"
#include "front.h"
#include "progress.h"

/* X.bpf.o or X.o becomes X.hook.o, in the same folder. */
static char *output_name(struct arena *a, const char *path)
{
	static const char *const suffix[] = { ".bpf.o", ".o" };
	size_t n = strlen(path);

	for (size_t i = 0; i < 2; i++) {
		size_t s = strlen(suffix[i]);

		if (n > s && !strcmp(path + n - s, suffix[i]))
			return arena_printf(a, "%.*s.hook.o", (int)(n - s), path);
	}
	return arena_printf(a, "%s.hook.o", path);
}

int cmd_compile(const struct opts *o, struct diags *dg)
{
	const char *path, *out = opts_get(o, "output");
	struct front f;
	struct bytes obj;
	int r = front_file(o, &path, dg);

	if (r < 0)
		return r;
	if (out && file_same(out, path))
		return diag(dg, DIAG_U001, at_file(out), "would be overwritten by its own hook object");
	if (!opts_has(o, "json"))
		progress_start();
	if ((r = front_open(o, path, &f, dg)) >= 0 && (r = front_verify(&f, dg)) >= 0)
		progress_step("compiling %s", path);
	if (r >= 0 && (r = compile_object(f.a, f.u, f.facts, &f.opts, &obj, dg)) >= 0)
		r = file_write(out ? out : output_name(f.a, path), obj.p, obj.n, 0644, NULL, dg);
	front_close(&f);
	return r;
}
