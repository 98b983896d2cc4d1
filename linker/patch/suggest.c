/* SPDX-License-Identifier: MIT */
#include "suggest.h"

#include <string.h>

#include "demangle.h"
#include "libraries.h"

enum { WANTED = 3, MAX_BYTES = 127 };

struct best {
	const char *name[WANTED];
	unsigned    distance[WANTED];
	size_t      n;
};

/* Edit distance with neighbours swapped (optimal string alignment); more than `limit` may
 * be reported as anything above it. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb, unsigned limit)
{
	unsigned row[3][MAX_BYTES + 1];

	if ((na > nb ? na - nb : nb - na) > limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
		unsigned low = now[0] = (unsigned)i;

		for (size_t j = 1; j <= nb; j++) {
			unsigned d = up[j - 1] + (a[i - 1] != b[j - 1]);

			d = up[j] + 1 < d ? up[j] + 1 : d;
			d = now[j - 1] + 1 < d ? now[j - 1] + 1 : d;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < d)
				d = up2[j - 2] + 1;
			now[j] = d;
			low = d < low ? d : low;
		}
		if (low > limit)
			return limit + 1;
	}
	return row[na % 3][nb];
}

static void consider(struct best *b, const char *want, size_t n_want, const char *name)
{
	unsigned limit = (unsigned)(n_want / 3 + 1), d;
	size_t n = strnlen(name, MAX_BYTES + 1), at;

	if (n > MAX_BYTES)
		return;
	if (b->n == WANTED)
		limit = b->distance[WANTED - 1];
	d = distance(want, n_want, name, n, limit);
	if (d > limit || (b->n == WANTED && d == limit))
		return;
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->name[i], name))
			return;
	at = b->n < WANTED ? b->n++ : WANTED - 1;
	for (; at && b->distance[at - 1] > d; at--) {
		b->name[at] = b->name[at - 1];
		b->distance[at] = b->distance[at - 1];
	}
	b->name[at] = name;
	b->distance[at] = d;
}

/* C++ and Rust names, with their arguments if the user wrote some. */
static void consider_demangled(struct best *b, const struct image *im, const char *name, size_t n)
{
	bool args = strchr(name, '(');

	for (size_t i = 0; i < im->n_sym + im->n_import; i++) {
		const char *s = demangle(im->arena, i < im->n_sym ? im->sym[i].name
								  : im->import[i - im->n_sym].name, args);

		if (s)
			consider(b, name, n, s);
	}
}

/* "; it has NAME@V1 and NAME@V2" when only the version is wrong. */
static const char *other_versions(const struct image *im, const char *name)
{
	enum { SHOWN = 4 };
	const char *text = "";
	unsigned n = 0;

	for (size_t i = 0; i < im->n_sym + im->n_import && n < SHOWN; i++) {
		const char *s = i < im->n_sym ? im->sym[i].name : im->import[i - im->n_sym].name;
		const char *v = i < im->n_sym ? im->sym[i].version : im->import[i - im->n_sym].version;

		if (strcmp(s, name))
			continue;
		text = arena_printf(im->arena, "%s%s%s%s%s", text, n++ ? ", " : "; it has ", s, v ? "@" : "",
				    v ? v : "");
	}
	return text;
}

/* "; did you mean A, B or C?" */
static const char *names_like(const struct image *im, const char *name)
{
	struct best b = { .n = 0 };
	size_t n = strnlen(name, MAX_BYTES + 1);
	const char *text = "; did you mean ";

	if (n > MAX_BYTES)
		return "";
	for (size_t i = 0; i < im->n_sym; i++)
		consider(&b, name, n, im->sym[i].name);
	for (size_t i = 0; i < im->n_import; i++)
		consider(&b, name, n, im->import[i].name);
	consider_demangled(&b, im, name, n);
	if (!b.n)
		return "";
	for (size_t i = 0; i < b.n; i++)
		text = arena_printf(im->arena, "%s%s%s", text, i == 0 ? "" : i + 1 == b.n ? " or " : ", ",
				    b.name[i]);
	return arena_printf(im->arena, "%s?", text);
}

/* As it is written, or as C++ and Rust have it. */
static bool is_called(const char *symbol, const char *name)
{
	return !strcmp(symbol, name) || demangle_matches(symbol, name, false);
}

static bool defines(const struct image *im, const char *name)
{
	for (size_t i = 0; i < im->n_sym; i++)
		if (is_called(im->sym[i].name, name))
			return true;
	return false;
}

static bool calls(const struct image *im, const char *name)
{
	for (size_t i = 0; i < im->n_import; i++)
		if (!im->import[i].defined && is_called(im->import[i].name, name))
			return true;
	return false;
}

/* The libraries that an image needs, and those they need, in the order of discovery. */
struct closure {
	struct arena *arena;
	const char **path;
	size_t n, cap;
};

static void add_needed(struct closure *c, const struct image *im)
{
	for (size_t i = 0; i < im->n_needed; i++) {
		const char *path = library_find(c->arena, im->needed[i]);
		bool known = !path;

		for (size_t k = 0; k < c->n && !known; k++)
			known = !strcmp(c->path[k], path);
		if (!known)
			*ARENA_PUSH(c->arena, c->path, c->n, c->cap) = path;
	}
}

static const char *library_with(const struct image *im, const char *name)
{
	struct closure c = { .arena = im->arena };
	const char *caller = NULL, *definer = NULL;

	add_needed(&c, im);
	for (size_t i = 0; i < c.n; i++) {
		struct arena *a = arena_new();	/* libraries are large: one at a time */
		struct diags quiet = { 0 };
		struct image *lib;

		if (image_read(a, c.path[i], &lib, &quiet) >= 0) {
			add_needed(&c, lib);
			if (!definer && defines(lib, name))
				definer = c.path[i];
			else if (!caller && calls(lib, name))
				caller = c.path[i];
		}
		arena_free(a);
	}
	if (caller && definer)
		return arena_printf(im->arena, "; its library %s calls it and %s defines it: patch one of them",
				    caller, definer);
	if (caller || definer)
		return arena_printf(im->arena, "; its library %s %s it: patch that",
				    caller ? caller : definer, caller ? "calls" : "defines");
	return "";
}

const char *suggest_place(const struct image *im, const char *name, const char *version)
{
	const char *text = version ? other_versions(im, name) : "";

	if (*text || may_be_pattern(name))
		return text;
	text = library_with(im, name);
	return *text ? text : names_like(im, name);
}
