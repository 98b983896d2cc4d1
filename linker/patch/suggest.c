/* SPDX-License-Identifier: MIT */
#include "suggest.h"

#include <string.h>

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

const char *suggest_names(const struct image *im, const char *name)
{
	struct best b = { .n = 0 };
	size_t n = strnlen(name, MAX_BYTES + 1);
	const char *text = "; did you mean ";

	if (n > MAX_BYTES || strpbrk(name, "*?["))
		return "";
	for (size_t i = 0; i < im->n_sym; i++)
		consider(&b, name, n, im->sym[i].name);
	for (size_t i = 0; i < im->n_import; i++)
		consider(&b, name, n, im->import[i].name);
	if (!b.n)
		return "";
	for (size_t i = 0; i < b.n; i++)
		text = arena_printf(im->arena, "%s%s%s", text, i == 0 ? "" : i + 1 == b.n ? " or " : ", ",
				    b.name[i]);
	return arena_printf(im->arena, "%s?", text);
}
