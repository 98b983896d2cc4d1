/* SPDX-License-Identifier: MIT */
#include "relocator.h"

#include <ctype.h>

#include "obj.h"
#include "objfmt.h"

/* "dir/my prog.bpf.o" -> "my_prog" */
static const char *unit_name(struct arena *a, const char *path)
{
	const char *base = strrchr(path, '/');
	char *s = arena_strndup(a, base ? base + 1 : path, OBJFMT_NAME_BYTES - 1);
	size_t n = strlen(s);

	if (n > 2 && !strcmp(s + n - 2, ".o"))
		s[n -= 2] = '\0';
	if (n > 4 && !strcmp(s + n - 4, ".bpf"))
		s[n -= 4] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!isascii((unsigned char)s[i]) ||
		    (!isalnum((unsigned char)s[i]) && !strchr("_.-", s[i])))
			s[i] = '_';
	if (!n || s[0] == '.')	/* a name of a folder: never hidden, never ".." */
		s = arena_printf(a, "_%s", n ? s + 1 : "");
	return s;
}

static int read_license(struct obj *o)
{
	const struct obj_sec *s = obj_sec_named(o, "license");

	o->u->license = "";
	if (!s)
		return 0;
	if (!s->data.n)
		return 0;
	o->u->license = arena_strndup(o->a, (const char *)s->data.p,
				      s->data.n < 128 ? s->data.n : 128);
	return 0;
}

/* libbpf's BTF of the object has been changed in place. */
static int keep_btf(struct obj *o)
{
	uint32_t n;
	const void *raw;

	if (!o->btf)
		return 0;
	raw = btf__raw_data(o->btf, &n);
	if (raw)
		o->u->btf_raw = (struct bytes){ arena_dup(o->a, raw, n), n };
	return 0;
}

/* The pipeline. */
static int (*const steps[])(struct obj *o) = {
	obj_open,		/* sections, symbols */
	read_license,
	obj_load_btf,		/* .BTF, completed */
	obj_load_btf_ext,	/* functions, lines, CO-RE records */
	obj_find_funcs,		/* programs and subprograms, copied */
	obj_find_externs,	/* __kconfig, __ksym */
	obj_make_maps,		/* .maps, global data */
	obj_add_kconfig_map,
	obj_set_vars,		/* --set */
	obj_fill_kconfig,
	obj_apply_core,		/* CO-RE, in each function */
	obj_apply_refs,		/* relocations of each function */
	obj_layout,		/* programs: entry functions with what they call */
	obj_map_values,		/* programs and maps that maps hold from the start */
	keep_btf,
};

int relocate(const char *path, const struct relocate_opts *opts, struct unit **out,
	     struct diags *dg)
{
	static const struct relocate_opts none;
	struct arena *a = arena_new();
	struct obj o = { .a = a, .tmp = arena_new(), .dg = dg, .path = path,
			 .opts = opts ? opts : &none, .kconfig_map = -1 };
	int err = 0;

	o.u = arena_alloc(a, sizeof(*o.u));
	o.u->arena = a;
	o.u->path = arena_strdup(a, path);
	o.u->name = unit_name(a, path);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++)
		err = steps[i](&o);
	arena_free(o.tmp);
	if (err)
		unit_free(o.u);
	else
		*out = o.u;
	return err;
}
