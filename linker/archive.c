/* SPDX-License-Identifier: MIT */
#include "archive.h"

#include <ar.h>
#include <stdlib.h>

/* Decimal digits padded with blanks, as in all fields of an ar header. */
static bool number(const char *field, size_t n, uint64_t *out)
{
	size_t i = 0;

	*out = 0;
	for (; i < n && field[i] >= '0' && field[i] <= '9'; i++)
		*out = *out * 10 + (uint64_t)(field[i] - '0');
	if (!i)
		return false;
	while (i < n && field[i] == ' ')
		i++;
	return i == n;
}

/* "name/" in the header itself, or "/123": at 123 of the member "//", ending with "/\n". */
static const char *member_name(struct arena *a, const struct ar_hdr *h, struct bytes longs)
{
	const char *s = h->ar_name, *end;
	size_t max = sizeof(h->ar_name);
	uint64_t off;

	if (s[0] == '/' && number(s + 1, max - 1, &off)) {
		if (off >= longs.n)
			return NULL;
		s = (const char *)longs.p + off;
		max = longs.n - off;
	}
	end = memchr(s, '/', max);
	return end ? arena_strndup(a, s, (size_t)(end - s)) : NULL;
}

int archive_read(struct arena *a, const char *path, struct bytes b, struct archive_member **out,
		 size_t *n, struct diags *dg)
{
	struct bytes longs = { 0 };
	struct loc at = at_file(path);
	uint64_t off = SARMAG, size;
	struct ar_hdr h;
	size_t cap = 0;

	*out = NULL;
	*n = 0;
	if (b.n < SARMAG || memcmp(b.p, ARMAG, SARMAG))
		return diag(dg, DIAG_L009, at, "not an archive");
	while (off < b.n) {
		struct archive_member *m;
		struct bytes body;

		if (!bytes_get(b, off, &h, sizeof(h)) || memcmp(h.ar_fmag, ARFMAG, 2) ||
		    !number(h.ar_size, sizeof(h.ar_size), &size))
			return diag(dg, DIAG_L009, at, "no member header at %llu",
				    (unsigned long long)off);
		body.p = bytes_at(b, off + sizeof(h), size);
		body.n = size;
		if (!body.p)
			return diag(dg, DIAG_L009, at, "member at %llu reaches behind the end",
				    (unsigned long long)off);
		off += sizeof(h) + size + (size & 1);
		if (!memcmp(h.ar_name, "//              ", 16)) {
			longs = body;
			continue;
		}
		if (!memcmp(h.ar_name, "/               ", 16) || !memcmp(h.ar_name, "/SYM64/", 7))
			continue;
		m = ARENA_PUSH(a, *out, *n, cap);
		m->bytes = body;
		m->name = member_name(a, &h, longs);
		if (!m->name)
			return diag(dg, DIAG_L009, at, "member without a name");
	}
	return 0;
}
