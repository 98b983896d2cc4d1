/* SPDX-License-Identifier: MIT
 *
 * audit_dump.c - another reader's account of the original and of the patched file. */
#include "audit_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "audit_lief.h"
#include "patchfmt.h"
#include "sha256.h"

void audit_hash_range(const struct audit_ctx *c, struct sha256 *s, const uint8_t *p, uint64_t foff,
		      uint64_t n)
{
	uint64_t at = foff, end = foff + n;

	for (size_t i = 0; i < c->saved.n && at < end; i++) {
		const struct segment_saved_range *r = &c->saved.range[i];

		if (r->kind != SAVED_SITE || r->foff + r->before.n <= at || r->foff >= end)
			continue;
		if (r->foff > at)
			sha256_add(s, p + (at - foff), r->foff - at);
		at = r->foff + r->before.n;
	}
	if (at < end)
		sha256_add(s, p + (at - foff), end - at);
}

struct line {
	const char *p;
	size_t n;
};

static bool next_line(struct bytes text, size_t *at, const char *word, struct line *l)
{
	while (*at < text.n) {
		const char *p = (const char *)text.p + *at;
		const char *nl = memchr(p, '\n', text.n - *at);
		size_t n = nl ? (size_t)(nl - p) : text.n - *at;

		*at += n + 1;
		if (n > strlen(word) && !memcmp(p, word, strlen(word)) && p[strlen(word)] == ' ') {
			*l = (struct line){ p + strlen(word) + 1, n - strlen(word) - 1 };
			return true;
		}
	}
	return false;
}

static bool same(struct line x, struct line y)
{
	return x.n == y.n && !memcmp(x.p, y.p, x.n);
}

static uint64_t number(struct line *l)
{
	char *end, buf[32];
	size_t n = l->n < sizeof(buf) - 1 ? l->n : sizeof(buf) - 1;
	uint64_t v;

	memcpy(buf, l->p, n);
	buf[n] = 0;
	v = strtoull(buf, &end, 16);
	n = (size_t)(end - buf) + (*end == ' ');
	l->p += n;
	l->n -= n < l->n ? n : l->n;
	return v;
}

static struct line word(struct line *l)
{
	const char *sp = memchr(l->p, ' ', l->n);
	struct line w = { l->p, sp ? (size_t)(sp - l->p) : l->n };
	size_t n = w.n + (sp != NULL);

	l->p += n;
	l->n -= n;
	return w;
}

static bool is_one_of(struct line w, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == w.n && !memcmp(*list, w.p, w.n))
			return true;
	return false;
}

static bool moved_to(const struct audit_ctx *c, uint64_t was, uint64_t is)
{
	return was == is || (audit_moved(c, was) && is == was + c->delta) ||
	       (was && was == c->o->eh_frame_hdr_vaddr && is == c->p->eh_frame_hdr_vaddr);
}

static bool header(struct audit_ctx *c, struct bytes o, struct bytes p)
{
	size_t i = 0, k = 0;
	struct line x, y;

	if (!next_line(o, &i, "header", &x) || !next_line(p, &k, "header", &y))
		return audit_differs(c, "no header");
	for (int f = 0; f < 2; f++)
		if (number(&x) != number(&y))
			return audit_differs(c, "type or machine differ");
	if (!same(x, y) && !audit_new_load(c, number(&y)))
		return audit_differs(c, "the entry point differs");
	i = k = 0;
	/* no "interp" line on either side: there is none */
	if (next_line(o, &i, "interp", &x) != next_line(p, &k, "interp", &y) || (i && !same(x, y)))
		return audit_differs(c, "the interpreter differs");
	return true;
}

/* The same place, and of the same size unless it is the one that ends with the program
 * headers, which grew. */
static bool is_segment(const struct audit_ctx *c, struct line o, struct line p)
{
	uint64_t foff = 0;

	for (int f = 0; f < 4; f++) {	/* type, flags, address, offset */
		foff = number(&o);
		if (foff != number(&p))
			return false;
	}
	if (same(o, p))
		return true;
	return foff <= c->o->eh.e_phoff && number(&o) < number(&p);
}

/* Every old loaded segment is still there, and what is new is not both writable and
 * executable. */
static bool segments(struct audit_ctx *c, struct bytes o, struct bytes p)
{
	struct line x, y;
	size_t i = 0, k, n_old = 0, n_new = 0;

	while (next_line(o, &i, "segment", &x)) {
		struct line type = x;
		bool found = false;

		if (number(&type) != PT_LOAD)
			continue;
		n_old++;
		for (k = 0; !found && next_line(p, &k, "segment", &y);)
			found = is_segment(c, x, y);
		if (!found)
			return audit_differs(c, "segment %.*s is gone", (int)x.n, x.p);
	}
	for (k = 0; next_line(p, &k, "segment", &y);) {
		uint64_t type = number(&y), flags = number(&y);

		n_new += type == PT_LOAD;
		if (type == PT_LOAD && (flags & PF_W) && (flags & PF_X))
			return audit_differs(c, "a segment is writable and executable");
	}
	return (n_new > n_old && n_new <= n_old + 2) ||
	       audit_differs(c, "%zu new segments", n_new - n_old);
}

static bool sections(struct audit_ctx *c, struct bytes o, struct bytes p)
{
	/* audit_bytes.c knows what may change in these */
	static const char *const tables[] = { ".dynamic", ".symtab", ".dynsym", NULL };
	static const char *const grown[] = { ".shstrtab", ".eh_frame_hdr", NULL };
	size_t i = 0, k = 0;
	struct line x, y;

	while (next_line(o, &i, "section", &x)) {
		struct line whole = x, name, other;

		if (!next_line(p, &k, "section", &y))
			return audit_differs(c, "section %.*s is gone", (int)x.n, x.p);
		name = word(&x);
		other = word(&y);
		if (!same(name, other) || number(&x) != number(&y) || number(&x) != number(&y) ||
		    !moved_to(c, number(&x), number(&y)))
			return audit_differs(c, "section %.*s differs", (int)whole.n, whole.p);
		if (is_one_of(name, grown))
			continue;
		if (number(&x) != number(&y) || (!same(x, y) && !is_one_of(name, tables)))
			return audit_differs(c, "section %.*s has other contents", (int)whole.n,
					     whole.p);
	}
	return true;
}

static bool dynamic(struct audit_ctx *c, struct bytes o, struct bytes p)
{
	size_t i = 0, k = 0;
	struct line x, y;

	while (next_line(o, &i, "dynamic", &x)) {
		uint64_t tag, was, is;

		if (!next_line(p, &k, "dynamic", &y))
			return audit_differs(c, "dynamic entries are gone");
		tag = number(&x);
		if (tag == DT_NULL)
			break;
		if (tag != number(&y))
			return audit_differs(c, "dynamic entry 0x%" PRIx64 " is another", tag);
		was = number(&x);
		is = number(&y);
		if (!moved_to(c, was, is) && !(tag == DT_INIT && audit_new_load(c, is)))
			return audit_differs(c, "dynamic entry 0x%" PRIx64 " differs", tag);
	}
	return true;
}

static bool symbols(struct audit_ctx *c, const char *table, struct bytes o, struct bytes p)
{
	size_t i = 0, k = 0;
	struct line x, y;

	while (next_line(o, &i, table, &x)) {
		if (!next_line(p, &k, table, &y))
			return audit_differs(c, "%s: symbols are gone", table);
		if (same(x, y))
			continue;
		if (!moved_to(c, number(&x), number(&y)) || !same(x, y))
			return audit_differs(c, "%s: symbol %.*s differs", table, (int)x.n, x.p);
	}
	return !next_line(p, &k, table, &y) || audit_differs(c, "%s: new symbols", table);
}

bool audit_dumps(struct audit_ctx *c, struct bytes o, struct bytes p)
{
	return header(c, o, p) && segments(c, o, p) && sections(c, o, p) && dynamic(c, o, p) &&
	       symbols(c, "dynsym", o, p) && symbols(c, "symtab", o, p);
}
