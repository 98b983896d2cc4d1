/* SPDX-License-Identifier: MIT
 *
 * map_rows.c - the maps of a hook object. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "mapfmt.h"
#include "maps.h"
#include "rows.h"

static const uint64_t map_pointers =
	ROW_POINTER(bpftime_map, name_rel) | ROW_POINTER(bpftime_map, object_rel) |
	ROW_POINTER(bpftime_map, slot_rel) | ROW_POINTER(bpftime_map, room_rel) |
	ROW_POINTER(bpftime_map, init_rel) | ROW_POINTER(bpftime_map, inner_rel) |
	ROW_POINTER(bpftime_map, kind_rel) | ROW_POINTER(bpftime_map, arena_rel);

/* The maps that one of maps holds from the start, and what they are like. */
static int check_inside(struct tables *t, struct lnk_ref at, const struct bpftime_map *m,
			struct lnk_ref init)
{
	struct objfmt_inside in;

	if (!m->inner_rel && !obj_rel_at(&t->f->sec[at.sec], at.off + offsetof(struct bpftime_map, inner_rel)))
		return row_damaged(t, at, "a map of maps without a template");
	if (m->init_bytes % sizeof(in))
		return row_damaged(t, at, "first contents that are not maps");
	for (uint32_t i = 0; i < m->init_bytes; i += sizeof(in)) {
		struct lnk_ref one = { init.file, init.sec, init.off + i };

		row_get(t, one, &in, sizeof(in));
		if (in.map >= t->o->row.n_maps)
			return row_damaged(t, at, "a map of maps that holds what the object has not");
	}
	return init.file ? row_check_untouched(t, init, m->init_bytes, 0) : 0;
}

/* The first contents of an arena: init copies them into its first pages. */
static int check_arena(const struct tables *t, struct lnk_ref at, const struct bpftime_map *m)
{
	struct lnk_ref init;
	int has = row_follow_const(t, at, ROW_FIELD(*m, arena_rel), m->init_bytes, &init);

	if (has < 0 || m->type != MAP_TYPE_arena)
		return has <= 0 ? has : row_damaged(t, at, "pages of a map that has none");
	if (has ? m->init_bytes > (uint64_t)m->max_entries * MAPFMT_ARENA_PAGE : m->init_bytes)
		return row_damaged(t, at, "first contents that do not suit the arena");
	return 0;
}

/* The data of a map: a slot, a room, or first contents. */
static int check_place(struct tables *t, struct lnk_ref at, const struct bpftime_map *m)
{
	struct lnk_ref slot, room, init;
	uint64_t bytes = ((uint64_t)m->value_size + 7) / 8 * 8 * m->max_entries;
	const struct obj_sec *s;
	int err, has_slot = row_follow(t, at, ROW_FIELD(*m, slot_rel), &slot);
	int has_room = has_slot < 0 ? has_slot : row_follow(t, at, ROW_FIELD(*m, room_rel), &room);
	int has_init = has_room < 0 ? has_room :
		row_follow_const(t, at, ROW_FIELD(*m, init_rel), m->init_bytes, &init);

	if (has_init < 0)
		return has_init;
	if ((err = check_arena(t, at, m)) < 0)
		return err;
	if (map_holds_maps(m->type) && (has_init ? 0 : m->init_bytes))
		return row_damaged(t, at, "first contents that are not there");
	if (map_holds_maps(m->type) && (err = check_inside(t, at, m, init)) < 0)
		return err;
	if (m->bits & MAP_BIT_TEMPLATE && (has_slot || has_room || has_init))
		return row_damaged(t, at, "a template with data");
	if (has_slot && has_room)
		return row_damaged(t, at, "a map with a slot and a room");
	if (has_slot && (has_slot = row_check_slot(t, at, slot)) < 0)
		return has_slot;
	if (!has_room)
		return m->room_bytes ? row_damaged(t, at, "bytes of a room that is not there") : 0;
	s = &t->f->sec[room.sec];
	if (!(s->flags & SHF_WRITE) || strncmp(s->name, ".bpftime.room", 13) ||
	    room.off % OBJ_PAGE_BYTES || s->align < OBJ_PAGE_BYTES ||
	    m->room_bytes % OBJ_PAGE_BYTES || s->bytes - room.off < m->room_bytes)
		return row_damaged(t, at, "a room that is not whole pages of .bpftime.room");
	if (map_row(m->type)->place != MAP_PLACE_ROOM || m->room_bytes < bytes || !m->room_bytes)
		return row_damaged(t, at, "a room that does not suit its map");
	t->l->room_bytes += m->room_bytes;
	return 0;
}

/* init calls what kind_rel points at: it must be the runtime's code of the map's own kind. */
static int check_kind(const struct tables *t, struct lnk_ref at, const struct bpftime_map *m)
{
	char want[64];
	const struct obj_rel *r = obj_rel_at(&t->f->sec[at.sec],
					     at.off + offsetof(struct bpftime_map, kind_rel));
	const struct obj_sym *s = r ? &t->f->sym[r->sym] : NULL;

	snprintf(want, sizeof(want), "bpftime_rt1_%s_%s", m->room_bytes ? "room" : "kind",
		 map_row(m->type)->name);
	if (!s || !lnk_cpu(t->f->machine)->reloc(r->type)->rel32 || r->addend || s->sec != SEC_UNDEF ||
	    s->bind == STB_WEAK || strcmp(s->name, want))
		return row_damaged(t, at, "a map without the code of its kind");
	return 0;
}

int lnk_read_map(struct tables *t, struct lnk_ref at, const char **name)
{
	struct bpftime_map m;
	const struct map_row *row;
	struct lnk_ref to;
	int err;

	row_get(t, at, &m, sizeof(m));
	err = row_check_version(t, at, m.version, m.size, OBJFMT_MAP_VERSION, sizeof(m));
	if (err >= 0)
		err = row_check_untouched(t, at, sizeof(m), map_pointers);
	if (err >= 0)
		err = row_follow_str(t, at, ROW_FIELD(m, name_rel), OBJFMT_NAME_BYTES - 1, name);
	if (err >= 0)
		err = row_follow(t, at, ROW_FIELD(m, object_rel), &to);
	if (err < 0)
		return err;
	if (to.sec != t->o->at.sec || to.off != t->o->at.off)
		return row_damaged(t, at, "a map of another object");
	if (!row_is_file_name(*name))
		return row_damaged(t, at, "a map's name is not letters, digits, '_', '.' and '-'");
	row = map_row(m.type);
	if (!row || row->refused)
		return row_damaged(t, at, "a map of a type that is not supported");
	if ((row->key_size && m.key_size != row->key_size) ||
	    (row->value_size && m.value_size != row->value_size) ||
	    (!m.max_entries && m.type != MAP_TYPE_perf_event_array && m.type != MAP_TYPE_task_storage))
		return row_damaged(t, at, "a map's sizes do not suit its type");
	if (m.lock && ((m.type != MAP_TYPE_hash && m.type != MAP_TYPE_array) || m.room_rel || (m.lock - 1) % 4 ||
		       m.value_size < 4 || m.lock - 1 > m.value_size - 4))
		return row_damaged(t, at, "a lock where a map has none");
	if (m.cpus)
		return row_damaged(t, at, "a number of CPUs, which is the machine's");
	if (m.timer && ((m.type != MAP_TYPE_hash && m.type != MAP_TYPE_lru_hash && m.type != MAP_TYPE_array) ||
			m.room_rel || (m.timer - 1) % 8 || m.value_size < 16 || m.timer - 1 > m.value_size - 16))
		return row_damaged(t, at, "a timer where a map has none");
	err = row_follow_const(t, at, ROW_FIELD(m, inner_rel), sizeof(m), &to);
	if (err < 0)
		return err;
	if (err && (to.sec != t->maps.sec || to.off < t->maps.off || to.off == at.off ||
		    (to.off - t->maps.off) % sizeof(m) ||
		    (to.off - t->maps.off) / sizeof(m) >= t->o->row.n_maps))
		return row_damaged(t, at, "an inner map that is not a map of the object");
	err = check_place(t, at, &m);
	return err < 0 ? err : check_kind(t, at, &m);
}
