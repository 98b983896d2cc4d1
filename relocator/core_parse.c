/* SPDX-License-Identifier: MIT */
#include "core.h"

#include "obj.h"

static const struct { const char *name; enum core_class class; } kinds[CORE_KINDS] = {
	[CORE_BYTE_OFFSET] = { "byte_off", CORE_OF_FIELD },
	[CORE_BYTE_SIZE] = { "byte_sz", CORE_OF_FIELD },
	[CORE_FIELD_EXISTS] = { "field_exists", CORE_OF_FIELD },
	[CORE_SIGNED] = { "signed", CORE_OF_FIELD },
	[CORE_LSHIFT] = { "lshift_u64", CORE_OF_FIELD },
	[CORE_RSHIFT] = { "rshift_u64", CORE_OF_FIELD },
	[CORE_TYPE_ID_LOCAL] = { "local_type_id", CORE_OF_TYPE },
	[CORE_TYPE_ID_TARGET] = { "target_type_id", CORE_OF_TYPE },
	[CORE_TYPE_EXISTS] = { "type_exists", CORE_OF_TYPE },
	[CORE_TYPE_SIZE] = { "type_size", CORE_OF_TYPE },
	[CORE_ENUMVAL_EXISTS] = { "enumval_exists", CORE_OF_ENUMVAL },
	[CORE_ENUMVAL_VALUE] = { "enumval_value", CORE_OF_ENUMVAL },
	[CORE_TYPE_MATCHES] = { "type_matches", CORE_OF_TYPE },
};

enum core_class core_class(enum core_kind kind) { return kinds[kind].class; }
const char *core_kind_name(enum core_kind kind) { return kinds[kind].name; }

/* "0:1:2" -> { 0, 1, 2 } */
static bool read_indices(const char *s, uint32_t *idx, uint32_t *n)
{
	for (*n = 0;; s++) {
		uint64_t v = 0;

		if (*s < '0' || *s > '9' || *n == CORE_MAX_PATH)
			return false;
		for (; *s >= '0' && *s <= '9'; s++) {
			v = v * 10 + (uint64_t)(*s - '0');
			if (v > INT32_MAX)
				return false;
		}
		idx[(*n)++] = (uint32_t)v;
		if (!*s)
			return true;
		if (*s != ':')
			return false;
	}
}

static const char *add_elements(struct core_path *p, uint32_t idx, uint32_t type_id)
{
	int64_t bytes = btf__resolve_size(p->btf, type_id);

	if (bytes < 0)
		return "a type without a size";
	p->bit_off += (uint64_t)idx * (uint64_t)bytes * 8;
	return (uint64_t)idx * (uint64_t)bytes > INT32_MAX ? "an offset beyond 2 GiB" : NULL;
}

static const char *parse_enumval(struct core_path *p, uint32_t id, uint32_t idx)
{
	const struct btf_type *t = btf__type_by_id(p->btf, id);

	if (!btf_is_any_enum(t) || idx >= btf_vlen(t))
		return "no such enumerator";
	p->step[0].name = btf_str(p->btf, btf_is_enum(t) ? btf_enum(t)[idx].name_off :
				  btf_enum64(t)[idx].name_off);
	return NULL;
}

static const char *parse_member(struct core_path *p, uint32_t id, uint32_t idx, uint32_t *next)
{
	const struct btf_type *t = btf__type_by_id(p->btf, id);
	const struct btf_member *m = btf_members(t) + idx;

	if (idx >= btf_vlen(t))
		return "no such member";
	p->bit_off += btf_member_bit_offset(t, idx);
	if (m->name_off) {
		const char *name = btf_str(p->btf, m->name_off);

		if (!name[0])
			return "a member without a name";
		p->step[p->n++] = (struct core_step){ id, idx, name };
	}
	*next = m->type;
	return NULL;
}

/* The last member of a struct may be an array of no length. */
bool core_is_flexible(const struct btf *btf, const struct core_step *of, const struct btf_array *a)
{
	return of->name && !a->nelems && of->idx + 1 == btf_vlen(btf__type_by_id(btf, of->type_id));
}

static const char *parse_element(struct core_path *p, uint32_t id, uint32_t idx, uint32_t *next)
{
	const struct btf_array *a = btf_array(btf__type_by_id(p->btf, id));

	if (idx >= a->nelems && !core_is_flexible(p->btf, &p->step[p->n - 1], a))
		return "an element outside its array";
	btf_strip(p->btf, a->type, next);
	p->step[p->n++] = (struct core_step){ *next, idx, NULL };
	return add_elements(p, idx, *next);
}

const char *core_parse(const struct btf *btf, uint32_t type_id, enum core_kind kind,
		       const char *access, struct core_path *out)
{
	uint32_t idx[CORE_MAX_PATH], n, id;
	const struct btf_type *t;
	const char *why;

	*out = (struct core_path){ .btf = btf, .root = type_id };
	if (kind >= CORE_KINDS)
		return "unknown kind of relocation";
	if (core_class(kind) == CORE_OF_TYPE)
		return strcmp(access, "0") ? "access string of a type" : NULL;
	if (!read_indices(access, idx, &n))
		return "access string";
	btf_strip(btf, type_id, &id);
	out->step[out->n++] = (struct core_step){ id, idx[0], NULL };
	if (core_class(kind) == CORE_OF_ENUMVAL)
		return n > 1 ? "access string of an enumerator" : parse_enumval(out, id, idx[0]);
	why = add_elements(out, idx[0], id);
	for (uint32_t i = 1; i < n && !why; i++) {
		t = btf_strip(btf, id, &id);
		if (btf_is_composite(t))
			why = parse_member(out, id, idx[i], &id);
		else if (btf_is_array(t))
			why = parse_element(out, id, idx[i], &id);
		else
			why = "a member of what has none";
	}
	return why;
}

static const char *keyword(const struct btf_type *t)
{
	return btf_is_struct(t) ? "struct " : btf_is_union(t) ? "union " :
	       btf_is_any_enum(t) ? "enum " : "";
}

const char *core_describe(struct arena *a, const struct core_path *p, enum core_kind kind)
{
	const struct btf_type *t = btf__type_by_id(p->btf, p->root);
	const char *name = btf_str(p->btf, t->name_off);
	const char *s = arena_printf(a, "%s%s", keyword(t), name[0] ? name : "(anonymous)");

	if (core_class(kind) == CORE_OF_ENUMVAL)
		return p->n ? arena_printf(a, "%s::%s", s,
					   p->step[0].name ? p->step[0].name : "?") : s;
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->step[i].name)
			s = arena_printf(a, "%s.%s", s, p->step[i].name);
		else if (i || p->step[i].idx)
			s = arena_printf(a, "%s[%u]", s, p->step[i].idx);
	}
	return s;
}
