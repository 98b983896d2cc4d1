/* SPDX-License-Identifier: MIT
 *
 * Maps: those that .maps defines by the type of a variable (`__uint(type, ..)` is a
 * pointer to an array of that many ints), and one array of one element for each section
 * of global data. */
#include <inttypes.h>

#include "maps.h"
#include "objfmt.h"
#include "obj.h"

enum { MAX_DATA_BYTES = 256 << 20, PIN_BY_NAME = 1, ARENA_PAGE = 4096 };

/* Kinds whose definitions have rules of their own; the kernel's numbers. */
enum { KMAP_ARRAY = 2, KMAP_PROG_ARRAY = 3, KMAP_ARRAY_OF_MAPS = 12, KMAP_HASH_OF_MAPS = 13,
      KMAP_RINGBUF = 27, KMAP_ARENA = 33 };

struct unit_map *obj_add_map(struct obj *o, const char *name, struct obj_place at)
{
	struct unit_map *m = ARENA_PUSH(o->a, o->u->map, o->u->n_map, o->map_cap);

	*ARENA_PUSH(o->tmp, o->place, o->n_place, o->place_cap) = at;
	m->name = arena_strdup(o->a, name);
	m->inner = -1;
	return m;
}

int32_t obj_map_named(const struct obj *o, const char *name)
{
	for (size_t i = 0; i < o->u->n_map; i++)
		if (!strcmp(o->u->map[i].name, name))
			return (int32_t)i;
	return -1;
}

/* One definition being read. */
struct def {
	struct obj *o;
	const char *map;	/* its name, for messages */
	const struct btf_type *t;
	bool inner, has_inner;
	uint32_t type, key_size, value_size, max_entries, flags, pinning;
	uint32_t key_id, value_id, inner_id;
	uint64_t extra;
};

static int bad(const struct def *d, const char *field, const char *what)
{
	return diag(d->o->dg, DIAG_R005, at_sec(d->o, d->map, -1), "field '%s': %s", field, what);
}

/* __uint(): int (*field)[N] */
static int read_uint(const struct def *d, const struct btf_member *m, uint32_t *out)
{
	const struct btf *btf = d->o->btf;
	const struct btf_type *t = btf_strip(btf, m->type, NULL);

	t = btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : t;
	if (!btf_is_array(t))
		return bad(d, btf_str(btf, m->name_off), "not written with __uint()");
	*out = btf_array(t)->nelems;
	return 0;
}

/* __uint() or __ulong(): an enum of one value */
static int read_ulong(const struct def *d, const struct btf_member *m, uint64_t *out)
{
	const struct btf_type *t = btf_strip(d->o->btf, m->type, NULL);
	uint32_t v;
	int err;

	if (btf_is_any_enum(t)) {
		if (btf_vlen(t) != 1)
			return bad(d, btf_str(d->o->btf, m->name_off),
				   "not written with __ulong()");
		*out = btf_is_enum(t) ? (uint32_t)btf_enum(t)->val
				      : btf_enum64_value(btf_enum64(t));
		return 0;
	}
	err = read_uint(d, m, &v);
	*out = v;
	return err;
}

/* __type(): T *field.  Also fits a size given before. */
static int read_type(const struct def *d, const struct btf_member *m, uint32_t *id, uint32_t *size)
{
	const struct btf *btf = d->o->btf;
	const struct btf_type *t = btf_strip(btf, m->type, NULL);
	const char *field = btf_str(btf, m->name_off);
	int64_t n;

	if (!btf_is_ptr(t))
		return bad(d, field, "not written with __type()");
	n = btf__resolve_size(btf, t->type);
	if (n < 0 || n > INT32_MAX)
		return bad(d, field, "its type has no size");
	if (*size && *size != n)
		return bad(d, field, "contradicts a size given before");
	*id = t->type;
	*size = (uint32_t)n;
	return 0;
}

static int read_size(const struct def *d, const struct btf_member *m, uint32_t *size)
{
	uint32_t n;
	int err = read_uint(d, m, &n);

	if (err)
		return err;
	if (*size && *size != n)
		return bad(d, btf_str(d->o->btf, m->name_off), "contradicts a type given before");
	*size = n;
	return 0;
}

/* __array(values, T): T *field[], as the last member; T is a map or a function. */
static int read_values(struct def *d, const struct btf_member *m, bool last)
{
	const struct btf *btf = d->o->btf;
	const struct btf_type *t = btf__type_by_id(btf, m->type);
	bool progs = d->type == KMAP_PROG_ARRAY;
	uint32_t id;

	if (d->inner)
		return bad(d, "values", "maps of maps have two levels, not more");
	if (!last || (!progs && d->type != KMAP_ARRAY_OF_MAPS && d->type != KMAP_HASH_OF_MAPS))
		return bad(d, "values", "the last field of a map of maps or of programs");
	if (d->value_size && d->value_size != 4)
		return bad(d, "values", "values are 4 bytes");
	d->value_size = 4;
	if (!btf_is_array(t) || btf_array(t)->nelems)
		return bad(d, "values", "not written with __array()");
	t = btf_strip(btf, btf_array(t)->type, NULL);
	if (!btf_is_ptr(t))
		return bad(d, "values", "not written with __array()");
	t = btf_strip(btf, t->type, &id);
	if (progs ? !btf_is_func_proto(t) : !btf_is_struct(t))
		return bad(d, "values",
			   progs ? "not an array of functions" : "not an array of maps");
	d->has_inner = !progs;
	d->inner_id = id;
	return 0;
}

static int read_field(struct def *d, uint32_t i)
{
	const struct btf_member *m = btf_members(d->t) + i;
	const char *field = btf_str(d->o->btf, m->name_off);
	uint32_t ignored;
	int err;

	if (!strcmp(field, "type"))
		return read_uint(d, m, &d->type);
	if (!strcmp(field, "max_entries"))
		return read_uint(d, m, &d->max_entries);
	if (!strcmp(field, "map_flags"))
		return read_uint(d, m, &d->flags);
	if (!strcmp(field, "numa_node"))
		return read_uint(d, m, &ignored);
	if (!strcmp(field, "map_extra"))
		return read_ulong(d, m, &d->extra);
	if (!strcmp(field, "key_size"))
		return read_size(d, m, &d->key_size);
	if (!strcmp(field, "value_size"))
		return read_size(d, m, &d->value_size);
	if (!strcmp(field, "key"))
		return read_type(d, m, &d->key_id, &d->key_size);
	if (!strcmp(field, "value"))
		return read_type(d, m, &d->value_id, &d->value_size);
	if (!strcmp(field, "values"))
		return read_values(d, m, i + 1u == btf_vlen(d->t));
	if (!strcmp(field, "pinning")) {
		if (d->inner)
			return bad(d, field, "an inner map cannot be pinned");
		err = read_uint(d, m, &d->pinning);
		if (!err && d->pinning > PIN_BY_NAME)
			err = bad(d, field, "neither LIBBPF_PIN_NONE nor LIBBPF_PIN_BY_NAME");
		return err;
	}
	return bad(d, field, "unknown field");
}

static int read_def(struct def *d)
{
	for (uint32_t i = 0; i < btf_vlen(d->t); i++) {
		int err = read_field(d, i);

		if (err)
			return err;
	}
	if (!d->type)
		return diag(d->o->dg, DIAG_R005, at_sec(d->o, d->map, -1), "no type");
	return 0;
}

/* A ring is a power of two of whole pages; libbpf rounds up, so users write any size. */
static uint32_t ring_bytes(uint32_t n)
{
	uint32_t p = 4096;

	while (p < n && p < 1u << 31)
		p <<= 1;
	return n ? p : 0;
}

/* The maps of libbpf's usdt.bpf.h, which whoever attaches fills. */
static bool is_usdt_map(const char *name)
{
	return !strcmp(name, "__bpf_usdt_specs") || !strcmp(name, "__bpf_usdt_ip_to_spec_id");
}

/* Index of the map, or a negative diagnostic. */
static int32_t add_def(struct obj *o, const struct def *d, struct obj_place at)
{
	struct unit_map *m = obj_add_map(o, d->map, at);
	int err;

	m->type = d->type;
	m->key_size = d->key_size;
	m->value_size = d->value_size;
	m->max_entries = d->type == KMAP_RINGBUF ? ring_bytes(d->max_entries) : d->max_entries;
	m->flags = d->flags;
	m->map_extra = d->extra;
	m->key_btf_id = d->key_id;
	m->value_btf_id = d->value_id;
	m->bits = d->pinning == PIN_BY_NAME ? MAP_BIT_PINNED : 0;
	if (is_usdt_map(d->map))
		m->bits = MAP_BIT_PAYLOAD;
	if (d->inner)
		m->bits = MAP_BIT_TEMPLATE;
	err = obj_find_lock(o, m);
	return err < 0 ? err : (int32_t)(o->u->n_map - 1);
}

/* One variable of .maps. */
static int add_btf_map(struct obj *o, uint32_t sec, const struct btf_var_secinfo *v)
{
	const struct btf_type *var = btf__type_by_id(o->btf, v->type);
	struct def d = { .o = o, .map = btf_str(o->btf, var->name_off) };
	struct obj_place at = { .sec = sec, .off = v->offset, .size = v->size };
	int32_t outer;
	int err;

	if (!d.map[0] || !btf_is_var(var))
		return diag(o->dg, DIAG_R005, at_sec(o, ".maps", v->offset), "not a variable");
	if (btf_var(var)->linkage == BTF_VAR_GLOBAL_EXTERN)
		return 0;	/* as in fix_datasec() */
	if (obj_map_named(o, d.map) >= 0)
		return diag(o->dg, DIAG_R005, at_sec(o, ".maps", v->offset), "second map '%s'",
			    d.map);
	d.t = btf_strip(o->btf, var->type, &at.def_id);
	if (!btf_is_struct(d.t) || d.t->size > v->size)
		return diag(o->dg, DIAG_R005, at_sec(o, d.map, -1), "not a struct");
	err = read_def(&d);
	if (err)
		return err;
	outer = add_def(o, &d, at);
	if (outer < 0)
		return outer;
	if (d.has_inner) {
		struct def in = { .o = o, .inner = true,
				  .map = arena_printf(o->tmp, "%s.inner", d.map),
				  .t = btf__type_by_id(o->btf, d.inner_id) };

		if (obj_map_named(o, in.map) >= 0)
			return diag(o->dg, DIAG_R005, at_sec(o, d.map, -1), "second map '%s'",
				    in.map);
		err = read_def(&in);
		if (err)
			return err;
		err = add_def(o, &in, (struct obj_place){ 0 });
		if (err < 0)
			return err;
		o->u->map[outer].inner = err;
	}
	return 0;
}

static int add_btf_maps(struct obj *o, uint32_t sec)
{
	const struct btf_type *t;
	int32_t id = o->btf ? btf__find_by_name_kind(o->btf, ".maps", BTF_KIND_DATASEC) : -1;

	if (id < 0)
		return diag(o->dg, DIAG_R005, at_sec(o, ".maps", -1), "no BTF: compile with -g");
	t = btf__type_by_id(o->btf, (uint32_t)id);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		int err = add_btf_map(o, sec, btf_var_secinfos(t) + i);

		if (err)
			return err;
	}
	return 0;
}

/* libbpf asks for BPF_F_MMAPABLE when user space could want to see the section: when it
 * has a variable that is not static. */
static bool is_mmapable(const struct obj *o, int32_t id)
{
	const struct btf_type *t;

	if (id <= 0)
		return false;
	t = btf__type_by_id(o->btf, (uint32_t)id);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *var = btf__type_by_id(o->btf, btf_var_secinfos(t)[i].type);

		if (btf_is_var(var) && btf_var(var)->linkage != BTF_VAR_STATIC)
			return true;
	}
	return false;
}

/* There is no address that a pointer in global data could hold: maps have none. */
static int warn_of_pointers(struct obj *o, uint32_t sec)
{
	struct obj_rel *rel;
	size_t n;
	int err = obj_rels(o, sec, &rel, &n);

	if (!err && n)
		diag_warn(o->dg, at_sec(o, o->sec[sec].name, (int64_t)rel[0].off),
			  "%zu pointers in global data keep their stored bytes (the first to '%s')", n,
			  o->sym[rel[0].sym].name);
	return err;
}

static int add_data_map(struct obj *o, uint32_t sec)
{
	struct obj_sec *s = &o->sec[sec];
	struct unit_map *m;
	int32_t id = o->btf ? btf__find_by_name_kind(o->btf, s->name, BTF_KIND_DATASEC) : 0;
	uint8_t *init;

	if (s->size > MAX_DATA_BYTES)
		return diag(o->dg, DIAG_R013, at_sec(o, s->name, -1),
			    "%" PRIu64 " bytes of global data", s->size);
	if (obj_map_named(o, s->name) >= 0)
		return diag(o->dg, DIAG_R002, at_sec(o, s->name, -1), "two sections of this name");
	m = obj_add_map(o, s->name, (struct obj_place){ .sec = sec, .size = s->size });
	s->map = (int32_t)(o->u->n_map - 1);
	m->type = KMAP_ARRAY;
	m->key_size = 4;
	m->value_size = (uint32_t)s->size;
	m->max_entries = 1;
	m->value_btf_id = id > 0 ? (uint32_t)id : 0;
	m->bits = s->role == ROLE_RODATA ? MAP_BIT_RODATA : MAP_BIT_DATA;
	m->flags = s->role == ROLE_RODATA ? MAP_F_RDONLY_PROG : 0;
	if (is_mmapable(o, id))
		m->flags |= MAP_F_MMAPABLE;
	init = arena_alloc(o->a, s->size);
	if (s->data.n)
		memcpy(init, s->data.p, s->data.n);
	m->init = (struct bytes){ init, s->size };
	return warn_of_pointers(o, sec);
}

/* Variables in the arena lie in its first pages.  Source: libbpf, init_arena_map_data(). */
static int fill_arena(struct obj *o, uint32_t sec)
{
	struct obj_sec *s = &o->sec[sec];
	struct unit_map *m = NULL;
	uint8_t *init;
	int32_t id;

	for (size_t i = 0; i < o->u->n_map; i++)
		if (o->u->map[i].type == KMAP_ARENA) {
			s->map = (int32_t)i;
			m = &o->u->map[i];
		}
	if (!m)
		return diag(o->dg, DIAG_R005, at_sec(o, s->name, -1), "variables in an arena, but no map of "
			    "the type BPF_MAP_TYPE_ARENA");
	if (s->size > MAX_DATA_BYTES || s->size > (uint64_t)m->max_entries * ARENA_PAGE)
		return diag(o->dg, DIAG_R013, at_sec(o, s->name, -1), "%" PRIu64 " bytes of variables in '%s', an "
			    "arena of %u pages", s->size, m->name, m->max_entries);
	id = o->btf ? btf__find_by_name_kind(o->btf, s->name, BTF_KIND_DATASEC) : 0;
	m->value_btf_id = id > 0 ? (uint32_t)id : 0;
	init = arena_alloc(o->a, s->size);
	if (s->data.n)
		memcpy(init, s->data.p, s->data.n);
	m->init = (struct bytes){ init, s->size };
	return warn_of_pointers(o, sec);
}

/* As libbpf has it. */
static int check_one_arena(struct obj *o)
{
	const char *first = NULL;

	for (size_t i = 0; i < o->u->n_map; i++) {
		const struct unit_map *m = &o->u->map[i];

		if (m->type != KMAP_ARENA)
			continue;
		if (first)
			return diag(o->dg, DIAG_R005, at_sec(o, m->name, -1), "a second arena, besides '%s'", first);
		first = m->name;
	}
	return 0;
}

int obj_make_maps(struct obj *o)
{
	int err;

	for (uint32_t i = 1; i < o->n_sec; i++)
		if (o->sec[i].role == ROLE_MAPS && o->sec[i].size) {
			err = add_btf_maps(o, i);
			if (err)
				return err;
		}
	for (uint32_t i = 1; i < o->n_sec; i++)
		if (o->sec[i].role == ROLE_DATA || o->sec[i].role == ROLE_RODATA ||
		    o->sec[i].role == ROLE_BSS) {
			err = add_data_map(o, i);
			if (err)
				return err;
		}
	err = check_one_arena(o);
	for (uint32_t i = 1; i < o->n_sec && !err; i++)
		if (o->sec[i].role == ROLE_ARENA)
			err = fill_arena(o, i);
	return err;
}
