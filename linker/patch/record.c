/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <string.h>

#define RECORD_MAGIC 0x31636572667062ull	/* "bpfrec1" */

struct record_head {
	uint64_t magic;
	uint16_t version, size;
	uint32_t n_object, n_want, bits;
	uint32_t dir_bytes;	/* 0: none; else with its NUL */
	uint32_t reserved;
};
/* Behind the head: dir, then objects {row, path, bytes}, then wants {row, symbol}; no
 * padding, strings with their NUL. */
struct object_row {
	uint32_t path_bytes, obj_bytes;
};
struct want_row {
	uint32_t object, hook, flags, symbol_bytes;
	uint64_t vaddr, off_bytes, cookie;
};
enum { RECORD_VERSION = 1, WANT_RET = 1, WANT_VADDR = 2, WANT_AT_SHIFT = 8 };

struct out {	/* with p NULL it only counts */
	uint8_t *p;
	size_t n;
};

static void put(struct out *o, const void *p, size_t n)
{
	if (o->p && n)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

static uint32_t str_bytes(const char *s)
{
	return s ? (uint32_t)strlen(s) + 1 : 0;
}

static void put_record(struct out *o, const struct record *r)
{
	struct record_head h = { RECORD_MAGIC, RECORD_VERSION, sizeof(h), (uint32_t)r->n_object,
				 (uint32_t)r->n_want, r->bits, str_bytes(r->dir), 0 };

	put(o, &h, sizeof(h));
	put(o, r->dir, h.dir_bytes);
	for (size_t i = 0; i < r->n_object; i++) {
		const struct record_object *ob = &r->object[i];
		struct object_row row = { str_bytes(ob->path), (uint32_t)ob->obj.n };

		put(o, &row, sizeof(row));
		put(o, ob->path, row.path_bytes);
		put(o, ob->obj.p, ob->obj.n);
	}
	for (size_t i = 0; i < r->n_want; i++) {
		const struct record_want *w = &r->want[i];
		struct want_row row = { w->object, w->hook,
					(w->ret ? WANT_RET : 0u) | (w->has_vaddr ? WANT_VADDR : 0u) |
						(uint32_t)w->at << WANT_AT_SHIFT,
					str_bytes(w->symbol), w->vaddr, w->off_bytes, w->cookie };

		put(o, &row, sizeof(row));
		put(o, w->symbol, row.symbol_bytes);
	}
}

struct bytes record_write(struct arena *a, const struct record *r)
{
	struct out o = { NULL, 0 };

	put_record(&o, r);
	o = (struct out){ arena_alloc(a, o.n), 0 };
	put_record(&o, r);
	return (struct bytes){ o.p, o.n };
}

struct in {
	struct arena *a;
	struct bytes b;
	uint64_t off;
	bool bad;
};

static const void *take(struct in *in, uint64_t n)
{
	const void *p = in->bad ? NULL : bytes_at(in->b, in->off, n);

	in->bad |= !p;
	in->off += p ? n : 0;
	return p;
}

static void take_row(struct in *in, void *row, size_t n)
{
	const void *p = take(in, n);

	if (p)
		memcpy(row, p, n);
	else
		memset(row, 0, n);
}

/* A string of n bytes with exactly one NUL, at its end; NULL for n == 0. */
static const char *take_str(struct in *in, uint32_t n)
{
	const char *s = n ? take(in, n) : NULL;

	if (!s)
		return NULL;
	if (memchr(s, 0, n) != s + n - 1) {
		in->bad = true;
		return NULL;
	}
	return arena_dup(in->a, s, n);
}

int record_read(struct arena *a, struct bytes b, const char *path, struct record *out,
		struct diags *dg)
{
	struct in in = { a, b, 0, false };
	struct record_head h;

	*out = (struct record){ 0 };
	take_row(&in, &h, sizeof(h));
	if (in.bad || h.magic != RECORD_MAGIC || h.version != RECORD_VERSION || h.size != sizeof(h))
		return diag(dg, DIAG_P020, at_file(path), "not written by this version");
	out->bits = h.bits;
	out->dir = take_str(&in, h.dir_bytes);
	for (uint32_t i = 0; i < h.n_object && !in.bad; i++) {
		struct object_row row;
		struct record_object *ob;

		take_row(&in, &row, sizeof(row));
		ob = ARENA_PUSH(a, out->object, out->n_object, out->cap_object);
		ob->path = take_str(&in, row.path_bytes);
		ob->obj = (struct bytes){ take(&in, row.obj_bytes), row.obj_bytes };
		in.bad |= !ob->path;
	}
	for (uint32_t i = 0; i < h.n_want && !in.bad; i++) {
		struct want_row row;
		struct record_want *w;

		take_row(&in, &row, sizeof(row));
		w = ARENA_PUSH(a, out->want, out->n_want, out->cap_want);
		*w = (struct record_want){ row.object, row.hook, row.flags & WANT_RET,
					   (uint8_t)(row.flags >> WANT_AT_SHIFT), take_str(&in, row.symbol_bytes), row.flags & WANT_VADDR,
					   row.vaddr, row.off_bytes, row.cookie };
		in.bad |= row.object >= out->n_object || row.flags >> WANT_AT_SHIFT > AT_FILE_OFFSET || (!w->symbol && !w->has_vaddr);
	}
	if (in.bad || in.off != b.n)
		return diag(dg, DIAG_P020, at_file(path), "damaged at byte %llu of its record",
			    (unsigned long long)in.off);
	return 0;
}

uint32_t record_add_object(struct arena *a, struct record *r, const char *path, struct bytes obj)
{
	for (size_t i = 0; i < r->n_object; i++)
		if (r->object[i].obj.n == obj.n && !memcmp(r->object[i].obj.p, obj.p, obj.n))
			return (uint32_t)i;
	*ARENA_PUSH(a, r->object, r->n_object, r->cap_object) =
		(struct record_object){ arena_strdup(a, path), obj };
	return (uint32_t)r->n_object - 1;
}

static bool same_str(const char *x, const char *y)
{
	return x == y || (x && y && !strcmp(x, y));
}

void record_add_want(struct arena *a, struct record *r, const struct record_want *w)
{
	for (size_t i = 0; i < r->n_want; i++) {
		const struct record_want *v = &r->want[i];

		if (v->object == w->object && v->hook == w->hook && v->ret == w->ret && v->at == w->at &&
		    v->has_vaddr == w->has_vaddr && v->vaddr == w->vaddr &&
		    v->off_bytes == w->off_bytes && v->cookie == w->cookie &&
		    same_str(v->symbol, w->symbol))
			return;
	}
	*ARENA_PUSH(a, r->want, r->n_want, r->cap_want) = *w;
}
