/* SPDX-License-Identifier: MIT
 *
 * --set VAR=VALUE: another first value for a global variable, a member of one or an
 * element (`cfg.pid=7`, `ports[2]=443`), read by its BTF type. */
#include <ctype.h>
#include <errno.h>

#include "obj.h"

struct target {
	struct obj *o;
	const char *arg;	/* "VAR=VALUE" */
	struct unit_map *map;
	uint32_t type_id;
	uint64_t bit_off, bits;	/* in the map's first contents; bits: 0 unless a bit field */
};

static int refuse(const struct target *t, const char *why)
{
	return diag(t->o->dg, DIAG_R009, at_file(t->o->path), "--set %s: %s", t->arg, why);
}

static void mark_kconfig(struct obj *o, const char *name)
{
	for (size_t i = 0; i < o->n_ext; i++)
		if (o->ext[i].kind == EXT_KCONFIG && !strcmp(o->ext[i].name, name))
			o->ext[i].found = true;
}

static int find_variable(struct target *t, const char *name)
{
	struct obj *o = t->o;
	size_t found = 0;

	for (size_t i = 0; i < o->u->n_map; i++) {
		struct unit_map *m = &o->u->map[i];
		const struct btf_type *sec;

		if (!m->init.n || !m->value_btf_id)
			continue;
		sec = btf__type_by_id(o->btf, m->value_btf_id);
		for (uint32_t k = 0; k < btf_vlen(sec); k++) {
			const struct btf_var_secinfo *v = btf_var_secinfos(sec) + k;
			const struct btf_type *var = btf__type_by_id(o->btf, v->type);

			if (strcmp(btf_str(o->btf, var->name_off), name))
				continue;
			t->map = m;
			t->type_id = var->type;
			t->bit_off = v->offset * 8ull;
			found++;
		}
	}
	if (found > 1)
		return refuse(t, "more than one variable of this name");
	if (!found)
		return refuse(t, o->btf ? "no such global variable" : "no BTF: compile with -g");
	mark_kconfig(o, name);
	return 0;
}

static int step_member(struct target *t, const struct btf_type *s, const char *name)
{
	for (uint32_t i = 0; btf_is_composite(s) && i < btf_vlen(s); i++) {
		const struct btf_member *m = btf_members(s) + i;

		if (strcmp(btf_str(t->o->btf, m->name_off), name))
			continue;
		t->type_id = m->type;
		t->bit_off += btf_member_bit_offset(s, i);
		t->bits = btf_member_bitfield_size(s, i);
		return 0;
	}
	return refuse(t, "no such member");
}

static int step_element(struct target *t, const struct btf_type *a, char *index)
{
	char *end;
	unsigned long long i;
	int64_t size;

	if (!btf_is_array(a) || t->bits)
		return refuse(t, "not an array");
	i = strtoull(index, &end, 0);
	size = btf__resolve_size(t->o->btf, btf_array(a)->type);
	if (!isdigit((unsigned char)index[0]) || *end != ']' || end[1] ||
	    i >= btf_array(a)->nelems || size < 0)
		return refuse(t, "no such element");
	t->type_id = btf_array(a)->type;
	t->bit_off += i * (uint64_t)size * 8;
	return 0;
}

/* path: "name.member[3].member", taken apart in place. */
static int find_place(struct target *t, char *path)
{
	char *p = path + strcspn(path, ".["), c = *p;
	int err;

	if (c)
		*p++ = '\0';
	err = find_variable(t, path);
	while (!err && c) {
		const struct btf_type *s = btf_strip(t->o->btf, t->type_id, NULL);
		char *word = p, kind = c;

		p += strcspn(p, ".[");
		c = *p;
		if (c)
			*p++ = '\0';
		err = kind == '.' ? step_member(t, s, word) : step_element(t, s, word);
	}
	return err;
}

static int store(const struct target *t, uint64_t v, uint32_t bytes)
{
	uint64_t bits = t->bits ? t->bits : bytes * 8ull;
	uint8_t *p = (uint8_t *)(uintptr_t)t->map->init.p;

	if (bits > 64 || t->bit_off + bits > t->map->init.n * 8ull)
		return refuse(t, "outside its section");
	for (uint64_t i = 0; i < bits; i++) {
		uint64_t at = t->bit_off + i;

		p[at / 8] = (uint8_t)((p[at / 8] & ~(1u << at % 8)) | (v >> i & 1) << at % 8);
	}
	return 0;
}

static int store_number(const struct target *t, const char *value, uint32_t bytes, bool is_signed)
{
	unsigned bits = t->bits ? (unsigned)t->bits : bytes * 8;
	bool minus = value[0] == '-';
	uint64_t v;
	char *end;

	errno = 0;
	v = minus ? (uint64_t)strtoll(value, &end, 0) : strtoull(value, &end, 0);
	if (end == value || *end || isspace((unsigned char)value[0]))
		return refuse(t, "not a number");
	if (errno || bytes > 8 || (minus && !is_signed) ||
	    (is_signed && !minus && v > (uint64_t)INT64_MAX) ||
	    (bits < 64 && (is_signed ? v + (1ull << (bits - 1)) >= 1ull << bits : v >> bits)))
		return refuse(t, "does not fit the variable");
	return store(t, v, bytes);
}

static int store_bool(const struct target *t, const char *value)
{
	static const char *const words[] = { "0", "1", "false", "true", "n", "y" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(value, words[i]))
			return store(t, i & 1, 1);
	return refuse(t, "neither true nor false");
}

static int store_enum(const struct target *t, const struct btf_type *e, const char *value)
{
	const struct btf *btf = t->o->btf;

	for (uint32_t i = 0; i < btf_vlen(e); i++) {
		uint32_t name = btf_is_enum(e) ? btf_enum(e)[i].name_off
					       : btf_enum64(e)[i].name_off;

		if (!strcmp(btf_str(btf, name), value))
			return store(t, btf_is_enum(e) ? (uint64_t)btf_enum(e)[i].val :
				     btf_enum64_value(btf_enum64(e) + i), e->size);
	}
	if (!isdigit((unsigned char)value[0]) && value[0] != '-')
		return refuse(t, "no such enumerator");
	return store_number(t, value, e->size, btf_kflag(e));
}

/* A string fills the array, with zeros behind it; there is room for its NUL. */
static int store_string(const struct target *t, const struct btf_type *a, const char *value)
{
	uint32_t n = btf_array(a)->nelems;
	uint64_t off = t->bit_off / 8;

	if (off > t->map->init.n || n > t->map->init.n - off)
		return refuse(t, "outside its section");
	if (strlen(value) >= n)
		return refuse(t, "longer than the array");
	memset((uint8_t *)(uintptr_t)t->map->init.p + off, 0, n);
	memcpy((uint8_t *)(uintptr_t)t->map->init.p + off, value, strlen(value));
	return 0;
}

static int store_value(const struct target *t, const char *value)
{
	const struct btf *btf = t->o->btf;
	const struct btf_type *ty = btf_strip(btf, t->type_id, NULL), *elem;

	if (btf_is_array(ty)) {
		elem = btf_strip(btf, btf_array(ty)->type, NULL);
		if (btf_is_int(elem) && elem->size == 1)
			return store_string(t, ty, value);
		return refuse(t, "an array: set its elements, as in NAME[0]=VALUE");
	}
	if (btf_is_any_enum(ty))
		return store_enum(t, ty, value);
	if (!btf_is_int(ty))
		return refuse(t, btf_is_composite(ty)
					 ? "a struct: set its members, as in NAME.MEMBER=VALUE"
					 : "neither an integer, an enum nor a string");
	if (btf_int_encoding(ty) & BTF_INT_BOOL)
		return store_bool(t, value);
	return store_number(t, value, ty->size, btf_int_encoding(ty) & BTF_INT_SIGNED);
}

int obj_set_vars(struct obj *o)
{
	for (size_t i = 0; i < o->opts->n_set; i++) {
		struct target t = { .o = o, .arg = o->opts->set[i] };
		const char *eq = strchr(t.arg, '=');
		int err;

		if (!eq || eq == t.arg)
			return refuse(&t, "not VAR=VALUE");
		err = find_place(&t, arena_strndup(o->tmp, t.arg, (size_t)(eq - t.arg)));
		if (!err)
			err = store_value(&t, eq + 1);
		if (err)
			return err;
	}
	return 0;
}
