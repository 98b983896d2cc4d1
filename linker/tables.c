/* SPDX-License-Identifier: MIT
 *
 * tables.c - reads the tables of a hook object (objfmt.h).
 *
 * Everything the runtime will follow without looking is checked here and in the files of rows.h: where each
 * field lands, how large what it lands on is, that strings end. */
#include <elf.h>
#include <string.h>

#include "rows.h"

enum { MAX_ROWS = 4096 };

static const uint64_t object_pointers =
	ROW_POINTER(objfmt_object, maps_rel) | ROW_POINTER(objfmt_object, hooks_rel) |
	ROW_POINTER(objfmt_object, stamp_rel) | ROW_POINTER(objfmt_object, name_rel) |
	ROW_POINTER(objfmt_object, btf_rel) | ROW_POINTER(objfmt_object, externs_rel);
static const uint64_t extern_pointers =
	ROW_POINTER(objfmt_extern, name_rel) | ROW_POINTER(objfmt_extern, slot_rel);

static int check_stamp(struct tables *t, struct lnk_ref at, const struct objfmt_stamp *s)
{
	const char *cpu = lnk_cpu(t->f->machine)->name;
	size_t n = strlen(cpu);
	struct loc loc = obj_loc(t->f, at.sec, (int64_t)at.off);
	int err = row_check_version(t, at, s->version, s->size, OBJFMT_STAMP_VERSION, sizeof(*s));

	if (err >= 0)
		err = row_check_untouched(t, at, sizeof(*s), 0);
	if (err < 0)
		return err;
	if (s->rt_abi != RT_ABI_VERSION)
		return diag(t->dg, DIAG_L010, loc, "runtime ABI %u; this runtime has %u",
			    s->rt_abi, RT_ABI_VERSION);
	if (s->target[sizeof(s->target) - 1] || s->cpu[sizeof(s->cpu) - 1] ||
	    s->compiler[sizeof(s->compiler) - 1])
		return row_damaged(t, at, "a stamp whose strings do not end");
	if (strncmp(s->target, cpu, n) || (s->target[n] && s->target[n] != '-'))
		return row_damaged(t, at, "a stamp for another CPU than the object's code");
	if (s->verdict != VERDICT_VERIFIED && s->verdict != VERDICT_UNVERIFIED)
		return row_damaged(t, at, "a stamp without a verdict");
	if (s->verdict == VERDICT_UNVERIFIED && !t->allow_unverified)
		return diag(t->dg, DIAG_L008, at_file(t->f->path),
			    "compiled with --unverified; --allow-unverified takes it");
	return 0;
}

static int read_extern(struct tables *t, struct lnk_ref at)
{
	struct objfmt_extern e;
	const char *name;
	struct lnk_ref slot;
	int err;

	row_get(t, at, &e, sizeof(e));
	err = row_check_version(t, at, e.version, e.size, OBJFMT_EXTERN_VERSION, sizeof(e));
	if (err >= 0)
		err = row_check_untouched(t, at, sizeof(e), extern_pointers);
	if (err >= 0)
		err = row_follow_str(t, at, ROW_FIELD(e, name_rel), 255, &name);
	if (err >= 0)
		err = row_follow(t, at, ROW_FIELD(e, slot_rel), &slot);
	if (err < 0)
		return err;
	if ((e.bits & ~OBJFMT_EXTERN_HOST) || (e.bits == OBJFMT_EXTERN_HOST) == (err != 0) || e.target_rel)
		return row_damaged(t, at, "an extern without a slot, or with more");
	if (e.bits & OBJFMT_EXTERN_HOST) {
		*ARENA_PUSH(t->l->arena, t->l->host, t->l->n_host, t->l->cap_host) =
			(struct lnk_host){ .name = name, .row = at };
		return 0;
	}
	err = row_check_slot(t, at, slot);
	if (err >= 0 && !t->l->extern_name)
		t->l->extern_name = name;
	return err;
}

static int read_externs(struct tables *t, struct lnk_ref object)
{
	const struct objfmt_object *row = &t->o->row;
	struct lnk_ref at;
	int err = row_follow_const(t, object, ROW_FIELD(*row, externs_rel),
				   (uint64_t)row->n_externs * sizeof(struct objfmt_extern), &at);

	if (err >= 0 && (row->n_externs > MAX_ROWS || (!err && row->n_externs)))
		return row_damaged(t, object, "an object without its externs, or with too many");
	for (uint32_t i = 0; err >= 0 && i < row->n_externs; i++) {
		err = read_extern(t, at);
		at.off += sizeof(struct objfmt_extern);
	}
	return err;
}

/* No two maps of one object may share a file. */
static int check_map_names(const struct tables *t)
{
	for (uint32_t i = 1; i < t->o->row.n_maps; i++)
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(t->map_name[i], t->map_name[k]))
				return row_damaged(t, t->maps, "two maps of one name");
	return 0;
}

static int read_object(struct tables *t, struct lnk_ref at)
{
	struct lnk *l = t->l;
	struct lnk_object *o = ARENA_PUSH(l->arena, l->object, l->n_object, l->cap_object);
	struct objfmt_object *row = &o->row;
	struct objfmt_stamp *stamp = arena_alloc(l->arena, sizeof(*stamp));
	struct lnk_ref hooks, stamp_at, btf;
	int err, has_maps = 0;

	t->o = o;
	o->at = at;
	o->first_hook = (uint32_t)l->n_hook;
	row_get(t, at, row, sizeof(*row));
	err = row_check_version(t, at, row->version, row->size, OBJFMT_OBJECT_VERSION, sizeof(*row));
	if (err >= 0)
		err = row_check_untouched(t, at, sizeof(*row), object_pointers);
	if (err >= 0)
		err = row_follow_str(t, at, ROW_FIELD(*row, name_rel), OBJFMT_NAME_BYTES - 1, &o->name);
	if (err >= 0)
		err = has_maps = row_follow_const(t, at, ROW_FIELD(*row, maps_rel),
						  (uint64_t)row->n_maps * sizeof(struct bpftime_map),
						  &t->maps);
	if (err >= 0)
		err = row_follow_const(t, at, ROW_FIELD(*row, btf_rel), row->btf_bytes, &btf);
	if (err >= 0)
		err = row_follow_const(t, at, ROW_FIELD(*row, stamp_rel), sizeof(*stamp), &stamp_at);
	if (err < 0)
		return err;
	if (!err)
		return row_damaged(t, at, "an object without a stamp");
	row_get(t, stamp_at, stamp, sizeof(*stamp));
	o->stamp = stamp;
	err = check_stamp(t, stamp_at, stamp);
	if (err >= 0)
		err = row_follow_const(t, at, ROW_FIELD(*row, hooks_rel),
				       (uint64_t)row->n_hooks * sizeof(struct objfmt_hook), &hooks);
	if (err < 0)
		return err;
	if (row->n_maps > MAX_ROWS || row->n_hooks > MAX_ROWS)
		return row_damaged(t, at, "too many maps or hooks");
	if ((!err && row->n_hooks) || (!has_maps && row->n_maps) || !row_is_file_name(o->name))
		return row_damaged(t, at, "an object without its hooks, maps or a name");
	t->map_name = arena_array(l->arena, row->n_maps, sizeof(*t->map_name));
	for (uint32_t i = 0; err >= 0 && i < row->n_maps; i++) {
		struct lnk_ref m = t->maps;

		m.off += i * sizeof(struct bpftime_map);
		err = lnk_read_map(t, m, &t->map_name[i]);
	}
	o->maps = t->maps;
	if (err >= 0)
		err = check_map_names(t);
	if (err >= 0)
		err = read_externs(t, at);
	for (uint32_t i = 0; err >= 0 && i < row->n_hooks; i++) {
		struct lnk_ref h = hooks;

		h.off += i * sizeof(struct objfmt_hook);
		err = lnk_read_hook(t, h);
	}
	return err;
}

/* Another linker may have joined several objects, with padding between. */
static int read_section(struct tables *t, uint32_t sec)
{
	const struct obj_sec *s = &t->f->sec[sec];
	struct lnk_ref at = { t->f, sec, 0 };
	uint32_t word;

	if (!(s->flags & SHF_ALLOC) || !s->data || s->flags & SHF_WRITE || s->align < 4)
		return row_damaged(t, at, "the object table is not constant data");
	while (at.off < s->bytes) {
		int err;

		if (s->bytes - at.off >= sizeof(word)) {
			row_get(t, at, &word, sizeof(word));
			if (!word) {
				at.off += sizeof(word);
				continue;
			}
		}
		if (s->bytes - at.off < sizeof(struct objfmt_object))
			return row_damaged(t, at, "the object table is cut short");
		err = read_object(t, at);
		if (err < 0)
			return err;
		at.off += sizeof(struct objfmt_object);
	}
	return 0;
}

int lnk_read_tables(struct lnk *l, struct obj_file *f, bool allow_unverified, struct diags *dg)
{
	struct tables t = { .l = l, .f = f, .dg = dg, .allow_unverified = allow_unverified };
	size_t n = l->n_object;

	for (uint32_t i = 1; i < f->n_sec; i++) {
		int err = strcmp(f->sec[i].name, ".bpftime.object") ? 0 : read_section(&t, i);

		if (err < 0)
			return err;
	}
	if (l->n_object == n)
		return diag(dg, DIAG_L001, at_file(f->path),
			    "no .bpftime.object; hook objects are made by bpftime-aot compile");
	if (l->room_bytes > OBJFMT_ROOM_TOTAL_BYTES)
		return diag(dg, DIAG_L011, at_file(f->path), "%llu bytes of rooms, at most %d",
			    (unsigned long long)l->room_bytes, OBJFMT_ROOM_TOTAL_BYTES);
	return 0;
}

static bool is_payload_map(const struct tables *t, struct lnk_ref at, const char *name,
			   struct bpftime_map *m)
{
	const char *its;

	row_get(t, at, m, sizeof(*m));
	return (m->bits & MAP_BIT_PAYLOAD) && row_follow_str(t, at, ROW_FIELD(*m, name_rel), OBJFMT_NAME_BYTES - 1,
							 &its) >= 0 && !strcmp(its, name);
}

bool lnk_room(struct lnk *l, uint32_t hook, const char *map, struct lnk_room *out)
{
	struct diags quiet = { 0 };
	struct tables t = { .l = l, .dg = &quiet };
	const struct lnk_object *o = &l->object[0];
	struct lnk_ref room;
	struct bpftime_map m;

	for (size_t i = 1; i < l->n_object && l->object[i].first_hook <= hook; i++)
		o = &l->object[i];
	t.f = o->at.file;
	for (uint32_t i = 0; i < o->row.n_maps; i++) {
		struct lnk_ref at = o->maps;
		struct obj_sec *s;

		at.off += i * sizeof(m);
		if (!is_payload_map(&t, at, map, &m) || row_follow(&t, at, ROW_FIELD(m, room_rel), &room) <= 0)
			continue;
		s = &t.f->sec[room.sec];
		if (!s->copied) {
			uint8_t *copy = arena_alloc(l->arena, s->bytes);

			if (s->data)
				memcpy(copy, s->data, s->bytes);
			s->data = copy;
			s->copied = true;
		}
		*out = (struct lnk_room){ m.value_size, m.max_entries,
					  (uint8_t *)(uintptr_t)s->data + room.off };
		return true;
	}
	return false;
}
