/* SPDX-License-Identifier: MIT */
#include "hosts.h"

#include <string.h>

static const char *import_of(const struct image *im, const char *name, uint64_t *vaddr, bool *got)
{
	for (size_t i = 0; i < im->n_import; i++) {
		const struct image_import *in = &im->import[i];

		if (strcmp(in->name, name))
			continue;
		*vaddr = in->stub_vaddr ? in->stub_vaddr : in->got_vaddr;
		*got = !in->stub_vaddr;
		return NULL;
	}
	return "it has no function of that name, and imports none";
}

/* NULL, or why not.  A name may be there twice, in .symtab and .dynsym. */
static const char *find(const struct image *im, const char *name, uint64_t *vaddr, bool *got)
{
	*vaddr = 0;
	*got = false;
	if (im->go)
		return "a Go program, whose functions are not called as in C";
	for (size_t i = 0; i < im->n_sym; i++) {
		const struct image_symbol *s = &im->sym[i];

		if (strcmp(s->name, name))
			continue;
		if (s->type != STT_FUNC)
			return "it is no plain function (an indirect one)";
		if (*vaddr && s->vaddr != *vaddr)
			return "there are several of that name";
		*vaddr = s->vaddr;
	}
	if (!*vaddr)
		return import_of(im, name, vaddr, got);
	return image_at(im, *vaddr, 1) && image_load_at(im, *vaddr)->p_flags & PF_X ? NULL : "it is not in its code";
}

int hosts_find(struct lnk *l, const struct image *im, struct diags *dg)
{
	for (size_t i = 0; i < lnk_n_hosts(l); i++) {
		const char *name = lnk_host_name(l, i), *why;
		uint64_t vaddr;
		bool got;

		why = find(im, name, &vaddr, &got);
		if (why)
			return diag(dg, DIAG_P028, at_file(im->path), "%s: %s", name, why);
		lnk_set_host(l, i, vaddr, got);
		diag_warn(dg, at_file(im->path), "its own function %s is called by a hook: that is not verified code", name);
	}
	return 0;
}
