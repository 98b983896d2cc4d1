/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hooks.h"

/* A whole number, decimal or 0x..; false when anything follows it. */
static bool number(const char *s, uint64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 0);
	return !*end && !errno;
}

int attach_parse_symbol(struct arena *a, const char *text, struct record_want *w,
			struct diags *dg)
{
	const char *plus = strrchr(text, '+');

	if (text[0] == '@') {
		w->has_vaddr = number(text + 1, &w->vaddr);
		return w->has_vaddr ? 0
				    : diag(dg, DIAG_U001, at_file(text),
					   "an address is written @0x401000");
	}
	if (plus && plus != text && number(plus + 1, &w->off_bytes)) {
		w->symbol = arena_strndup(a, text, (size_t)(plus - text));
		return 0;
	}
	if (!*text)
		return diag(dg, DIAG_U001, at_file("--uprobe"), "an empty name");
	w->symbol = arena_strdup(a, text);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_this_binary(const struct image *im, const char *path)
{
	struct stat st;

	if (strchr(path, '/') && !stat(path, &st))
		return st.st_dev == im->st.st_dev && st.st_ino == im->st.st_ino;
	return !strcmp(base_name(path), base_name(im->path)) ||
	       (im->soname && !strcmp(base_name(path), im->soname));
}

/* Does the binary need this library?  "libssl.so.3", a path to it, or "libssl". */
static bool is_needed(const struct image *im, const char *path)
{
	const char *base = base_name(path);
	size_t n = strlen(base);

	for (size_t i = 0; i < im->n_needed; i++)
		if (!strcmp(im->needed[i], base) ||
		    (!strncmp(im->needed[i], base, n) && !strncmp(im->needed[i] + n, ".so", 3)))
			return true;
	return false;
}

struct spec {		/* a SEC() name behind its prefix */
	const char *path;	/* NULL: none */
	struct record_want at;	/* symbol, off_bytes or vaddr */
	bool follows, follows_ret;	/* @uprobe, @uretprobe: wherever that option asks for */
};

/* "PATH:sym+off", "sym", ":sym"; a colon pair belongs to a C++ name.
 * Returns 1 when it names a place, 0 when it is empty, or a negative diagnostic. */
static int parse_spec(struct arena *a, const char *sec, struct spec *out, struct diags *dg)
{
	const char *slash = strchr(sec, '/'), *rest = slash ? slash + 1 : "", *colon = rest;
	int r;

	*out = (struct spec){ 0 };
	if (!*rest)
		return 0;
	out->follows_ret = !strcmp(rest, "@uretprobe");
	out->follows = out->follows_ret || !strcmp(rest, "@uprobe");
	if (out->follows)
		return 0;
	while ((colon = strchr(colon, ':')) && colon[1] == ':')
		colon += 2;
	if (colon && colon != rest)
		out->path = arena_strndup(a, rest, (size_t)(colon - rest));
	r = attach_parse_symbol(a, colon ? colon + 1 : rest, &out->at, dg);
	return r < 0 ? r : 1;
}

static bool same_place(const struct record_want *x, const struct record_want *y)
{
	return x->has_vaddr == y->has_vaddr && x->vaddr == y->vaddr &&
	       x->off_bytes == y->off_bytes &&
	       (x->symbol == y->symbol || (x->symbol && y->symbol && !strcmp(x->symbol, y->symbol)));
}

static int wants_of_args(struct record *r, struct record_want w, const struct spec *own,
			 bool has_own, struct attach_arg *arg, size_t n_arg,
			 struct arena *a, struct diags *dg)
{
	int added = 0;

	for (size_t i = 0; i < n_arg; i++) {
		struct record_want at = { 0 };
		int err = attach_parse_symbol(a, arg[i].text, &at, dg);

		if (err < 0)
			return err;
		if (arg[i].ret != (own->follows ? own->follows_ret : w.ret) || (has_own && !same_place(&own->at, &at)))
			continue;
		w.symbol = at.symbol;
		w.has_vaddr = at.has_vaddr;
		w.vaddr = at.vaddr;
		w.off_bytes = at.off_bytes;
		record_add_want(a, r, &w);
		arg[i].taken = true;
		added++;
	}
	return added;
}

int attach_object(struct record *r, uint32_t object, const struct lnk *l, uint32_t first_hook,
		  uint32_t end_hook, const struct image *im, struct attach_arg *arg, size_t n_arg,
		  struct diags *dg)
{
	struct arena *a = im->arena;
	int added = 0;

	for (uint32_t h = first_hook; h < end_hook; h++) {
		const struct lnk_hook *hook = lnk_hook(l, h);
		const struct hook_desc *kind = &hook_table[hook->row->kind];
		struct record_want w = { .object = object, .hook = h - first_hook,
					 .ret = kind->entry == HOOK_ENTRY_RETURN,
					 .cookie = hook->row->cookie };
		struct spec own;
		int n, has_own = parse_spec(a, hook->sec, &own, dg);

		if (has_own < 0)
			return has_own;
		if (kind->entry == HOOK_ENTRY_NONE) {
			diag_warn(dg, at_insn(r->object[object].path, hook->prog, -1, NULL),
				  "a %s program has no place in a binary", kind->name);
			continue;
		}
		if (n_arg) {
			n = wants_of_args(r, w, &own, has_own, arg, n_arg, a, dg);
			if (n < 0)
				return n;
		} else if (hook->row->flags & SEC_MANUAL) {
			diag_warn(dg, at_insn(r->object[object].path, hook->prog, -1, NULL),
				  "SEC(\"%s\") is attached only where --%s says", hook->sec,
				  kind->name);
			continue;
		} else if ((n = has_own && (!own.path || is_this_binary(im, own.path) ||
					    is_needed(im, own.path)))) {
			w.symbol = own.at.symbol;
			w.has_vaddr = own.at.has_vaddr;
			w.vaddr = own.at.vaddr;
			w.off_bytes = own.at.off_bytes;
			record_add_want(a, r, &w);
		}
		if (!n && !own.follows)
			diag_warn(dg, at_insn(r->object[object].path, hook->prog, -1, NULL),
				  n_arg && has_own ? "%s: SEC(\"%s\") names a place of its own, and no option names that one"
				  : n_arg   ? "no --%s given for SEC(\"%s\")"
				  : has_own ? "%s: nothing of SEC(\"%s\") is in this binary"
					    : "%s: SEC(\"%s\") names no place; give --uprobe",
				  kind->name, hook->sec);
		added += n;
	}
	return added;
}
