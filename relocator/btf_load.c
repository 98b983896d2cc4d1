/* SPDX-License-Identifier: MIT
 *
 * The object's own BTF.  clang leaves work to the loader: .rel.BTF says where variables
 * are in their sections, section sizes are 0, and hidden symbols count as static. */
#include <elf.h>
#include <stdlib.h>

#include "obj.h"

const struct btf_type *btf_strip(const struct btf *btf, uint32_t id, uint32_t *out_id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_mod(t) || btf_is_typedef(t)) {	/* btf_check: ends within BTF_MAX_DEPTH */
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	if (out_id)
		*out_id = id;
	return t;
}

const char *btf_str(const struct btf *btf, uint32_t off)
{
	const char *s = btf__str_by_offset(btf, off);

	return s ? s : "";
}

struct btf_type *btf_mut(struct btf *btf, uint32_t id)
{
	return (struct btf_type *)(uintptr_t)btf__type_by_id(btf, id);
}

/* 32-bit references from BTF to code and data: the value in place is the addend.  The
 * places of undefined symbols are left as they are. */
static int relocate_btf(struct obj *o, uint32_t sec, uint8_t *raw, size_t n)
{
	struct bytes b = { raw, n };
	struct obj_rel *rel;
	size_t n_rel;
	int err = obj_rels(o, sec, &rel, &n_rel);

	if (err)
		return err;
	for (size_t i = 0; i < n_rel; i++) {
		uint32_t v;

		if ((rel[i].type != R_64_ABS32 && rel[i].type != R_64_NODYLD32) ||
		    !bytes_get(b, rel[i].off, &v, 4))
			return diag(o->dg, DIAG_R007,
				    at_sec(o, o->sec[sec].name, (int64_t)rel[i].off), "type %u",
				    rel[i].type);
		v += (uint32_t)o->sym[rel[i].sym].value;
		memcpy(raw + rel[i].off, &v, 4);
	}
	return 0;
}

static const struct obj_sym *symbol_named(const struct obj *o, uint32_t sec, const char *name)
{
	for (size_t i = 1; i < o->n_sym; i++)
		if (o->sym[i].sec == sec && o->sym[i].bind != STB_LOCAL &&
		    !strcmp(o->sym[i].name, name))
			return &o->sym[i];
	return NULL;
}

static int by_offset(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void btf_sort_datasec(struct btf_type *t)
{
	qsort(btf_var_secinfos(t), btf_vlen(t), sizeof(struct btf_var_secinfo), by_offset);
}

static bool all_extern(const struct btf *btf, const struct btf_type *sec)
{
	for (uint32_t i = 0; i < btf_vlen(sec); i++) {
		const struct btf_type *t = btf__type_by_id(btf, btf_var_secinfos(sec)[i].type);

		if (!btf_is_var(t) || btf_var(t)->linkage != BTF_VAR_GLOBAL_EXTERN)
			return false;
	}
	return true;
}

/* Sizes and visibility, from the ELF, of one data section's BTF. */
static int fix_datasec(struct obj *o, struct btf_type *t)
{
	const char *name = btf_str(o->btf, t->name_off);
	struct btf_var_secinfo *v = btf_var_secinfos(t);
	const struct obj_sec *s;

	if (!strcmp(name, ".kconfig") || !strcmp(name, ".ksyms") || !strcmp(name, ".ufuncs"))
		return 0;	/* no section: externs.c lays them out */
	s = obj_sec_named(o, name);
	if (!s && all_extern(o->btf, t))
		return 0;	/* defined in another object: externs.c says so where it is used */
	if (!s)
		return diag(o->dg, DIAG_R003, at_sec(o, ".BTF", -1), "no section '%s'", name);
	if (!t->size)
		t->size = (uint32_t)s->size;
	if (t->size != s->size)
		return diag(o->dg, DIAG_R003, at_sec(o, name, -1), "BTF says %u bytes, ELF %llu",
			    t->size, (unsigned long long)s->size);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct btf_type *var = btf_mut(o->btf, v[i].type);
		const struct obj_sym *y;

		if (!btf_is_var(var) || v[i].offset > t->size || v[i].size > t->size - v[i].offset)
			return diag(o->dg, DIAG_R003, at_sec(o, name, v[i].offset),
				    "variable '%s'", btf_str(o->btf, var->name_off));
		if (btf_var(var)->linkage != BTF_VAR_GLOBAL_ALLOCATED)
			continue;
		y = symbol_named(o, (uint32_t)(s - o->sec), btf_str(o->btf, var->name_off));
		if (y && (y->vis == STV_HIDDEN || y->vis == STV_INTERNAL))
			btf_var(var)->linkage = BTF_VAR_STATIC;
	}
	btf_sort_datasec(t);
	return 0;
}

int obj_load_btf(struct obj *o)
{
	const struct obj_sec *s = obj_sec_named(o, ".BTF");
	uint8_t *raw;
	const char *why;
	int err;

	if (!s)
		return 0;
	raw = arena_dup(o->tmp, s->data.p, s->data.n);
	err = relocate_btf(o, (uint32_t)(s - o->sec), raw, s->data.n);
	if (err)
		return err;
	why = btf_check(o->tmp, (struct bytes){ raw, s->data.n });
	if (why)
		return diag(o->dg, DIAG_R003, at_sec(o, ".BTF", -1), "%s", why);
	o->btf = o->u->btf = btf__new(raw, (uint32_t)s->data.n);
	if (!o->btf)
		return diag(o->dg, DIAG_R003, at_sec(o, ".BTF", -1), "libbpf refuses it");
	for (uint32_t id = 1; id < btf__type_cnt(o->btf); id++) {
		struct btf_type *t = btf_mut(o->btf, id);

		err = btf_is_datasec(t) ? fix_datasec(o, t) : 0;
		if (err)
			return err;
	}
	return 0;
}
