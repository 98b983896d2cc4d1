/* SPDX-License-Identifier: MIT */
#include "btf_slim.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_ENUM64 = 19 };	/* newer than some linux/btf.h */

struct slim {
	const struct btf *btf;
	uint32_t  n;		/* ids, void included */
	uint32_t *work;
	uint32_t *id;		/* new ones */
	uint8_t  *out;
	char     *names;
	uint32_t  names_bytes;
	uint32_t *name_at;	/* by old offset: new offset, 0: not there yet */
};

static size_t row_bytes(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(struct btf_enum);
	case KIND_ENUM64:
		return 3 * sizeof(uint32_t);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

static size_t record_bytes(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(*t) + sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(*t) + sizeof(struct btf_array);
	default:
		return sizeof(*t) + btf_vlen(t) * row_bytes(t);
	}
}

/* Has each row a name for its first word? */
static bool rows_named(const struct btf_type *t)
{
	return row_bytes(t) && btf_kind(t) != BTF_KIND_DATASEC;
}

/* The i-th reference of a type to another, NULL behind the last. */
static uint32_t *ref(struct btf_type *t, size_t i)
{
	uint32_t *rows = (uint32_t *)(t + 1);
	bool own = false;

	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		return i < 2 ? &rows[i] : NULL;	/* type, index_type */
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return i < btf_vlen(t) ? &rows[3 * i + 1] : NULL;
	case BTF_KIND_DATASEC:
		return i < btf_vlen(t) ? &rows[3 * i] : NULL;
	case BTF_KIND_FUNC_PROTO:
		if (i && i <= btf_vlen(t))
			return &rows[2 * (i - 1) + 1];
		own = true;
		break;
	default:
		own = btf_is_ptr(t) || btf_is_mod(t) || btf_is_typedef(t) || btf_is_func(t) ||
		      btf_is_var(t) || btf_is_decl_tag(t) || btf_is_type_tag(t);
	}
	return own && !i ? &t->type : NULL;
}

static struct btf_type *type(const struct slim *s, uint32_t id)
{
	return (struct btf_type *)btf__type_by_id(s->btf, id);
}

static const char *name(const struct slim *s, uint32_t off)
{
	const char *v = btf__name_by_offset(s->btf, off);

	return v ? v : "";
}

/* The type and all that it refers to. */
static void add(const struct slim *s, uint8_t *set, uint32_t id)
{
	size_t n = 0;

	if (!id || id >= s->n || set[id])
		return;
	set[id] = 1;
	s->work[n++] = id;
	while (n) {
		struct btf_type *t = type(s, s->work[--n]);
		uint32_t *r;

		for (size_t i = 0; (r = ref(t, i)); i++)
			if (*r && *r < s->n && !set[*r]) {
				set[*r] = 1;
				s->work[n++] = *r;	/* each id once */
			}
	}
}

static void add_contexts(const struct slim *s, const struct unit *u, uint8_t *set)
{
	for (size_t i = 0; i < u->n_prog; i++) {
		uint32_t id = u->prog[i].n_func ? u->prog[i].func[0].btf_id : 0;
		struct btf_type *t = id && id < s->n ? type(s, id) : NULL;

		t = t && btf_is_func(t) && t->type < s->n ? type(s, t->type) : NULL;
		if (t && btf_is_func_proto(t) && btf_vlen(t))
			add(s, set, btf_params(t)[0].type);
	}
}

static bool printable(const struct slim *s, const struct btf_type *t)
{
	return *name(s, t->name_off) && (btf_is_composite(t) || btf_is_enum(t) ||
					 btf_kind(t) == KIND_ENUM64 || btf_is_typedef(t));
}

static void choose(const struct slim *s, const struct unit *u, uint8_t *keep, uint8_t *context)
{
	for (size_t i = 0; i < u->n_map; i++) {
		add(s, keep, u->map[i].key_btf_id);
		add(s, keep, u->map[i].value_btf_id);
	}
	add_contexts(s, u, context);
	for (uint32_t id = 1; id < s->n; id++)
		if (!context[id] && printable(s, type(s, id)))
			add(s, keep, id);
}

static uint32_t keep_name(struct slim *s, uint32_t off)
{
	const char *v = name(s, off);

	if (!*v)
		return 0;
	if (!s->name_at[off]) {
		s->name_at[off] = s->names_bytes;
		memcpy(s->names + s->names_bytes, v, strlen(v) + 1);
		s->names_bytes += (uint32_t)strlen(v) + 1;
	}
	return s->name_at[off];
}

static void put(struct slim *s, const struct btf_type *t, uint8_t *at)
{
	struct btf_type *c = (struct btf_type *)(void *)at;
	uint32_t *r;

	memcpy(c, t, record_bytes(t));
	c->name_off = keep_name(s, c->name_off);
	for (size_t i = 0; rows_named(c) && i < btf_vlen(c); i++) {
		r = (uint32_t *)(void *)(at + sizeof(*c) + i * row_bytes(c));
		*r = keep_name(s, *r);
	}
	for (size_t i = 0; (r = ref(c, i)); i++)
		*r = *r < s->n ? s->id[*r] : 0;
}

struct btf_slim btf_slim(struct arena *a, const struct unit *u)
{
	struct slim s = { .btf = u->btf, .names_bytes = 1 };
	struct btf_header h;
	uint32_t next = 0, bytes = 0, at = 0;
	uint8_t *keep, *context;

	if (!u->btf || u->btf_raw.n < sizeof(h))
		return (struct btf_slim){ 0 };
	memcpy(&h, u->btf_raw.p, sizeof(h));
	s.n = btf__type_cnt(u->btf);
	s.work = arena_array(a, s.n, sizeof(*s.work));
	s.id = arena_array(a, s.n, sizeof(*s.id));
	keep = arena_array(a, s.n, 1);
	context = arena_array(a, s.n, 1);
	choose(&s, u, keep, context);
	for (uint32_t id = 1; id < s.n; id++)
		if (keep[id]) {
			s.id[id] = ++next;
			bytes += (uint32_t)record_bytes(type(&s, id));
		}
	if (!next)
		return (struct btf_slim){ 0 };
	s.names = arena_alloc(a, (size_t)h.str_len + 1);
	s.name_at = arena_array(a, (size_t)h.str_len + 1, sizeof(*s.name_at));
	s.out = arena_alloc(a, sizeof(h) + bytes + h.str_len + 1);
	for (uint32_t id = 1; id < s.n; id++)
		if (keep[id]) {
			put(&s, type(&s, id), s.out + sizeof(h) + at);
			at += (uint32_t)record_bytes(type(&s, id));
		}
	h.hdr_len = sizeof(h);
	h.type_off = 0;
	h.type_len = h.str_off = bytes;
	h.str_len = s.names_bytes;
	memcpy(s.out, &h, sizeof(h));
	memcpy(s.out + sizeof(h) + bytes, s.names, s.names_bytes);
	return (struct btf_slim){ { s.out, sizeof(h) + bytes + s.names_bytes }, s.id, s.n };
}
