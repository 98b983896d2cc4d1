/* SPDX-License-Identifier: MIT
 *
 * `.values = { [2] = &target }` of a prog_array or a map of maps: each is a relocation
 * in .maps, inside the variable, behind the struct's own fields. */
#include <elf.h>

#include "obj.h"

enum { PTR_BYTES = 8, KMAP_PROG_ARRAY = 3, KMAP_ARRAY_OF_MAPS = 12, KMAP_HASH_OF_MAPS = 13 };

static int bad(const struct obj *o, const struct obj_rel *r, const char *what)
{
	return diag(o->dg, DIAG_R005, at_sec(o, ".maps", (int64_t)r->off), "%s '%s'", what,
		    o->sym[r->sym].name);
}

static int32_t map_at(const struct obj *o, uint32_t sec, uint64_t off, bool inside)
{
	for (size_t i = 0; i < o->n_place; i++) {
		const struct obj_place *p = &o->place[i];

		if (p->def_id && p->sec == sec &&
		    (inside ? off >= p->off && off - p->off < p->size : off == p->off))
			return (int32_t)i;
	}
	return -1;
}

/* Byte offset of the member `values`, the last one; UINT64_MAX without. */
static uint64_t values_off(const struct obj *o, uint32_t def_id)
{
	const struct btf_type *t = btf__type_by_id(o->btf, def_id);
	uint32_t n = btf_vlen(t);

	if (!n || strcmp(btf_str(o->btf, btf_members(t)[n - 1].name_off), "values"))
		return UINT64_MAX;
	return btf_member_bit_offset(t, n - 1) / 8;
}

static int32_t target_of(const struct obj *o, const struct obj_rel *r, bool prog, uint64_t addend)
{
	const struct obj_sym *y = &o->sym[r->sym];
	const struct obj_func *f;

	if (y->sec == SHN_UNDEF || y->sec >= o->n_sec)
		return -1;
	if (!prog)
		return map_at(o, y->sec, y->value + addend, false);
	f = (y->value + addend) % 8 ? NULL : obj_func_at(o, y->sec, (y->value + addend) / 8);
	return f && f->entry && f->first * 8ull == y->value + addend ? f->prog : -1;
}

static int add_slot(struct obj *o, uint32_t sec, const struct obj_rel *r)
{
	int32_t map = map_at(o, sec, r->off, true), target;
	const struct obj_place *p;
	struct unit_map *m;
	struct map_init_slot *slots;
	uint64_t from, slot, addend;

	if (r->type != R_64_ABS64 || !bytes_get(o->sec[sec].data, r->off, &addend, 8))
		return bad(o, r, "relocation to");
	if (map < 0)
		return bad(o, r, "no map holds this reference to");
	p = &o->place[map];
	m = &o->u->map[map];
	from = values_off(o, p->def_id);
	if (from == UINT64_MAX || r->off - p->off < from || (r->off - p->off - from) % PTR_BYTES)
		return bad(o, r, "not an element of .values:");
	slot = (r->off - p->off - from) / PTR_BYTES;
	if (m->type == KMAP_HASH_OF_MAPS ? m->key_size != 4 || slot > UINT32_MAX :
	    slot >= m->max_entries)
		return bad(o, r, "index of .values outside the map, for");
	target = target_of(o, r, m->type == KMAP_PROG_ARRAY, addend);
	if (target < 0)
		return bad(o, r, m->type == KMAP_PROG_ARRAY ? "not a program:" : "not a map:");
	for (size_t i = 0; i < m->n_slots; i++)
		if (m->slots[i].slot == slot)
			return bad(o, r, "second value of one slot:");
	slots = (struct map_init_slot *)(uintptr_t)m->slots;
	*ARENA_PUSH(o->a, slots, m->n_slots, o->place[map].slot_cap) =
		(struct map_init_slot){ (uint32_t)slot, target };
	m->slots = slots;
	return 0;
}

int obj_map_values(struct obj *o)
{
	for (uint32_t i = 1; i < o->n_sec; i++) {
		struct obj_rel *rel;
		size_t n;
		int err = o->sec[i].role == ROLE_MAPS ? obj_rels(o, i, &rel, &n) : 0;

		if (err)
			return err;
		for (size_t k = 0; o->sec[i].role == ROLE_MAPS && k < n; k++) {
			err = add_slot(o, i, &rel[k]);
			if (err)
				return err;
		}
	}
	return 0;
}
