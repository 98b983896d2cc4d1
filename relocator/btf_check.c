/* SPDX-License-Identifier: MIT
 *
 * Is this BTF well formed?  libbpf trusts much of what it reads (1.1.2 follows type ids
 * and name offsets unchecked), so every byte is looked at before it gets any.
 *
 * Source: Documentation/bpf/btf.rst of the kernel. */
#include "obj.h"

enum { BTF_HDR_BYTES = 24 };

struct check {
	struct arena *a;
	struct bytes  types, str;
	uint32_t     *off;	/* of type id, in types; off[0] unused */
	uint32_t      n, cap;	/* ids, with void */
	uint8_t      *depth;	/* 0: not seen, UNDER: on the path, else by-value nesting + 1 */
};
enum { UNDER = 255 };

/* Bytes behind struct btf_type; UINT64_MAX for an unknown kind. */
static uint64_t extra_bytes(uint32_t info)
{
	uint64_t n = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT: return 4;
	case BTF_KIND_ARRAY: return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM: return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64: return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO: return n * sizeof(struct btf_param);
	case BTF_KIND_VAR: return sizeof(struct btf_var);
	case BTF_KIND_DATASEC: return n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG: return sizeof(struct btf_decl_tag);
	case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST: case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG: return 0;
	default: return UINT64_MAX;
	}
}

static const struct btf_type *type_at(const struct check *c, uint32_t id)
{
	return (const struct btf_type *)(c->types.p + c->off[id]);
}

static unsigned kind_of(const struct check *c, uint32_t id)
{
	return id ? BTF_INFO_KIND(type_at(c, id)->info) : BTF_KIND_UNKN;
}

static const char *find_types(struct check *c)
{
	uint64_t off = 0;

	c->n = 1;
	c->cap = (uint32_t)(c->types.n / sizeof(struct btf_type)) + 2;
	c->off = arena_array(c->a, c->cap, sizeof(*c->off));
	while (off < c->types.n) {
		const struct btf_type *t = bytes_at(c->types, off, sizeof(*t));
		uint64_t extra = t ? extra_bytes(t->info) : 0;

		if (!t)
			return arena_printf(c->a, "type %u is cut off", c->n);
		if (extra == UINT64_MAX)
			return arena_printf(c->a, "type %u is of unknown kind %u", c->n,
					    BTF_INFO_KIND(t->info));
		if (!bytes_at(c->types, off + sizeof(*t), extra))
			return arena_printf(c->a, "type %u is cut off", c->n);
		c->off[c->n++] = (uint32_t)off;
		off += sizeof(*t) + extra;
	}
	return NULL;
}

static bool ok_id(const struct check *c, uint32_t id) { return id < c->n; }
static bool ok_name(const struct check *c, uint32_t off) { return off < c->str.n; }

/* The by-value references of a type, what it contains or stands for, one a call: part
 * number `from` goes to *part, the number to go on with to *next.  False: no more. */
static bool each_part(const struct check *c, uint32_t id, uint32_t from, uint32_t *part,
		      uint32_t *next)
{
	const struct btf_type *t = type_at(c, id);
	uint32_t n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_ARRAY:
		*part = ((const struct btf_array *)(t + 1))->type;
		n = 1;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (from < n)
			*part = ((const struct btf_member *)(t + 1))[from].type;
		break;
	case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE: case BTF_KIND_CONST: case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG: case BTF_KIND_VAR: case BTF_KIND_DECL_TAG: case BTF_KIND_FUNC:
		*part = t->type;
		n = 1;
		break;
	default:
		n = 0;
	}
	*next = from + 1;
	return from < n;
}

static bool ok_members(const struct check *c, const struct btf_type *t)
{
	const struct btf_member *m = (const struct btf_member *)(t + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++)
		if (!ok_id(c, m[i].type) || !m[i].type || !ok_name(c, m[i].name_off))
			return false;
	return true;
}

static bool ok_enumerators(const struct check *c, const struct btf_type *t, size_t bytes)
{
	const uint8_t *p = (const uint8_t *)(t + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++) {
		uint32_t name;

		memcpy(&name, p + i * bytes, 4);	/* name_off comes first in both kinds */
		if (!ok_name(c, name))
			return false;
	}
	return true;
}

static bool ok_params(const struct check *c, const struct btf_type *t)
{
	const struct btf_param *p = (const struct btf_param *)(t + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++)
		if (!ok_id(c, p[i].type) || !ok_name(c, p[i].name_off))
			return false;
	return ok_id(c, t->type);
}

static bool ok_datasec(const struct check *c, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const struct btf_var_secinfo *)(t + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++) {
		if (!ok_id(c, v[i].type))
			return false;
		if (kind_of(c, v[i].type) != BTF_KIND_VAR && kind_of(c, v[i].type) != BTF_KIND_FUNC)
			return false;	/* FUNC: externs in .ksyms and .ufuncs */
	}
	return true;
}

/* An int, enum or float of 1 to 16 bytes; arithmetic on sizes relies on it. */
static bool ok_scalar_size(uint32_t size)
{
	return size >= 1 && size <= 16 && !(size & (size - 1));
}

static bool ok_type(const struct check *c, uint32_t id)
{
	const struct btf_type *t = type_at(c, id);
	const struct btf_array *a = (const struct btf_array *)(t + 1);

	if (!ok_name(c, t->name_off))
		return false;
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
		return ok_scalar_size(t->size) &&
			BTF_INT_BITS(*(const uint32_t *)(t + 1)) <= 8 * t->size;
	case BTF_KIND_ARRAY:
		return ok_id(c, a->type) && a->type && ok_id(c, a->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return ok_members(c, t);
	case BTF_KIND_ENUM:
		return ok_scalar_size(t->size) && ok_enumerators(c, t, sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return ok_scalar_size(t->size) && ok_enumerators(c, t, sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return ok_params(c, t);
	case BTF_KIND_FUNC:
		return ok_id(c, t->type) && kind_of(c, t->type) == BTF_KIND_FUNC_PROTO;
	case BTF_KIND_DATASEC:
		return ok_datasec(c, t);
	case BTF_KIND_FWD:
	case BTF_KIND_FLOAT:
		return true;
	default:
		return ok_id(c, t->type);
	}
}

/* Depth-first over by-value references from `root`: none may lead back, and the path is
 * at most BTF_MAX_DEPTH long.  Depths of finished types are kept, so all roots together
 * take linear time. */
static const char *walk(struct check *c, uint32_t root)
{
	struct { uint32_t id, next; uint8_t below; } path[BTF_MAX_DEPTH];
	size_t n = 1;

	if (c->depth[root])
		return NULL;
	path[0].id = root, path[0].next = 0, path[0].below = 0;
	c->depth[root] = UNDER;
	while (n) {
		uint32_t part = 0, i = n - 1;

		if (!each_part(c, path[i].id, path[i].next, &part, &path[i].next)) {
			uint8_t d = path[i].below + 1;

			c->depth[path[i].id] = d;
			n--;
			if (n && path[n - 1].below < d)
				path[n - 1].below = d;
			continue;
		}
		if (!part)
			continue;
		if (c->depth[part] == UNDER)
			return arena_printf(c->a, "type %u contains itself", part);
		if (c->depth[part]) {
			if (n + c->depth[part] > BTF_MAX_DEPTH)
				return arena_printf(c->a, "type %u is nested too deep", path[i].id);
			if (path[i].below < c->depth[part])
				path[i].below = c->depth[part];
			continue;
		}
		if (n == BTF_MAX_DEPTH)
			return arena_printf(c->a, "type %u is nested too deep", path[i].id);
		c->depth[part] = UNDER;
		path[n].id = part, path[n].next = 0, path[n].below = 0;
		n++;
	}
	return NULL;
}

static const char *check_header(struct check *c, struct bytes raw)
{
	struct btf_header h;
	const void *types, *str;

	if (!bytes_get(raw, 0, &h, BTF_HDR_BYTES))
		return "no header";
	if (h.magic != BTF_MAGIC)
		return "bad magic";
	if (h.version != BTF_VERSION)
		return arena_printf(c->a, "version %u", h.version);
	if (h.hdr_len < BTF_HDR_BYTES || h.hdr_len % 4 || h.type_off % 4 || h.type_len % 4)
		return "bad header";
	types = bytes_at(raw, (uint64_t)h.hdr_len + h.type_off, h.type_len);
	str = bytes_at(raw, (uint64_t)h.hdr_len + h.str_off, h.str_len);
	if (!types || !str || (uint64_t)h.type_off + h.type_len > h.str_off)
		return "sections outside the data";
	c->types = (struct bytes){ types, h.type_len };
	c->str = (struct bytes){ str, h.str_len };
	if (!h.str_len || c->str.p[0] || c->str.p[h.str_len - 1])
		return "bad string section";
	return NULL;
}

const char *btf_check(struct arena *a, struct bytes raw)
{
	struct check c = { .a = a };
	const char *why;

	if ((uintptr_t)raw.p % 4)
		raw.p = arena_dup(a, raw.p, raw.n);
	why = check_header(&c, raw);
	if (!why)
		why = find_types(&c);
	for (uint32_t id = 1; !why && id < c.n; id++)
		if (!ok_type(&c, id))
			why = arena_printf(a, "type %u", id);
	if (why)
		return why;
	c.depth = arena_array(a, c.n, 1);
	for (uint32_t id = 1; !why && id < c.n; id++)
		why = walk(&c, id);
	return why;
}
