/* SPDX-License-Identifier: MIT
 *
 * tables.c - reads the tables of a hook object (objfmt.h).  Their pointers are relocations
 * still, or, where the assembler or another linker knew the distance, plain numbers.
 *
 * Everything the runtime will follow without looking is checked here: where each field
 * lands, how large what it lands on is, that strings end. */
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "lnk.h"
#include "mapfmt.h"
#include "maps.h"

enum { MAX_ROWS = 4096 };

struct tables {
	struct lnk        *l;
	struct obj_file   *f;
	struct diags      *dg;
	struct lnk_object *o;	/* the object being read */
	struct lnk_ref     maps;	/* its maps, */
	const char       **map_name;	/* and what each is called */
	bool               allow_unverified;
};

static int damaged(const struct tables *t, struct lnk_ref at, const char *what)
{
	return diag(t->dg, DIAG_L005, obj_loc(t->f, at.sec, (int64_t)at.off), "%s", what);
}

/* Relocations change what has been read here unless they are of the fields that `pointers`
 * names: bit i for the i-th 4 bytes of the row. */
static int check_untouched(const struct tables *t, struct lnk_ref at, uint64_t n,
			   uint64_t pointers)
{
	const struct obj_sec *s = &t->f->sec[at.sec];
	const struct lnk_cpu *cpu = lnk_cpu(t->f->machine);

	for (size_t i = obj_rel_from(s, at.off < 8 ? 0 : at.off - 8); i < s->n_rel; i++) {
		const struct obj_rel *r = &s->rel[i];
		uint64_t slot = (r->off - at.off) / 4;

		if (r->off >= at.off + n)
			break;
		if (r->off + cpu->reloc(r->type)->bytes <= at.off)
			continue;
		if (r->off < at.off || (r->off - at.off) % 4 || slot > 63 ||
		    !(pointers >> slot & 1))
			return damaged(t, at, "a relocation of what is not a pointer");
	}
	return 0;
}

#define POINTER(row_, field_) (1ull << offsetof(struct row_, field_) / 4)
static const uint64_t object_pointers =
	POINTER(objfmt_object, maps_rel) | POINTER(objfmt_object, hooks_rel) |
	POINTER(objfmt_object, stamp_rel) | POINTER(objfmt_object, name_rel) |
	POINTER(objfmt_object, btf_rel) | POINTER(objfmt_object, externs_rel);
static const uint64_t map_pointers =
	POINTER(bpftime_map, name_rel) | POINTER(bpftime_map, object_rel) |
	POINTER(bpftime_map, slot_rel) | POINTER(bpftime_map, room_rel) |
	POINTER(bpftime_map, init_rel) | POINTER(bpftime_map, inner_rel) |
	POINTER(bpftime_map, kind_rel) | POINTER(bpftime_map, arena_rel);
static const uint64_t extern_pointers =
	POINTER(objfmt_extern, name_rel) | POINTER(objfmt_extern, slot_rel);
static const uint64_t hook_pointers =
	POINTER(objfmt_hook, entry_rel) | POINTER(objfmt_hook, body_rel) |
	POINTER(objfmt_hook, prog_rel) | POINTER(objfmt_hook, spec_rel);

/* Where a self-relative field leads.  0: nowhere (*out zeroed), 1: *out, or negative. */
static int follow(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		  struct lnk_ref *out)
{
	uint64_t off = row.off + field;
	const struct obj_rel *rel = obj_rel_at(&t->f->sec[row.sec], off);
	const struct reloc_desc *d;
	const struct obj_sym *s;

	*out = (struct lnk_ref){ 0 };
	if (!rel && !value)
		return 0;
	*out = (struct lnk_ref){ t->f, row.sec, off + (uint64_t)(int64_t)value };
	if (rel) {
		d = lnk_cpu(t->f->machine)->reloc(rel->type);
		s = &t->f->sym[rel->sym];
		if (!d->rel32 || s->sec == SEC_UNDEF || s->sec == SEC_ABS)
			return damaged(t, row, "a table's field leads out of the object");
		*out = (struct lnk_ref){ t->f, s->sec, s->value + (uint64_t)rel->addend };
	}
	if (out->off > t->f->sec[out->sec].bytes || !(t->f->sec[out->sec].flags & SHF_ALLOC))
		return damaged(t, row, "a table's field leads nowhere");
	return 1;
}

/* `follow` to n constant bytes. 0, 1 or negative. */
static int follow_const(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
			uint64_t n, struct lnk_ref *out)
{
	int r = follow(t, row, field, value, out);
	const struct obj_sec *s;

	if (r <= 0)
		return r;
	s = &t->f->sec[out->sec];
	if (!s->data || s->flags & (SHF_WRITE | SHF_EXECINSTR) || s->bytes - out->off < n)
		return damaged(t, row, "a table's field leads to no table");
	return 1;
}

/* `follow` to a string; -DIAG_L005 also when there is none. */
static int follow_str(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		      size_t max, const char **out)
{
	struct lnk_ref at;
	int r = follow_const(t, row, field, value, 1, &at);

	if (r < 0)
		return r;
	if (!r)
		return damaged(t, row, "a name is missing");
	*out = bytes_str((struct bytes){ t->f->sec[at.sec].data, t->f->sec[at.sec].bytes }, at.off);
	if (!*out || !**out || strlen(*out) > max)
		return damaged(t, row, "a name does not end, is empty or is too long");
	return check_untouched(t, at, strlen(*out) + 1, 0);
}

/* Names become those of files. */
static bool file_name(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return false;
	return strcmp(s, ".") && strcmp(s, "..") && strcmp(s, MAPFMT_BTF_FILE);
}

static void get(const struct tables *t, struct lnk_ref at, void *dst, size_t n)
{
	memcpy(dst, t->f->sec[at.sec].data + at.off, n);
}

#define FIELD(row_, name_) offsetof(__typeof__(row_), name_), (row_).name_

static int check_version(const struct tables *t, struct lnk_ref at, uint16_t version, uint16_t size,
			 uint16_t want_version, size_t want_size)
{
	if (version == want_version && size == want_size)
		return 0;
	return diag(t->dg, DIAG_L010, obj_loc(t->f, at.sec, (int64_t)at.off),
		    "table of version %u, %u bytes; this linker knows version %u, %zu bytes",
		    version, size, want_version, want_size);
}

static int check_slot(const struct tables *t, struct lnk_ref at, struct lnk_ref slot)
{
	const struct obj_sec *s = &t->f->sec[slot.sec];

	if (!(s->flags & SHF_WRITE) || strncmp(s->name, ".bpftime.slots", 14) || slot.off % 8 ||
	    s->align < 8 || s->bytes - slot.off < 8)
		return damaged(t, at, "a slot outside .bpftime.slots");
	return 0;
}

/* The maps that one of maps holds from the start, and what they are like. */
static int check_inside(struct tables *t, struct lnk_ref at, const struct bpftime_map *m,
			struct lnk_ref init)
{
	struct objfmt_inside in;

	if (!m->inner_rel && !obj_rel_at(&t->f->sec[at.sec], at.off + offsetof(struct bpftime_map, inner_rel)))
		return damaged(t, at, "a map of maps without a template");
	if (m->init_bytes % sizeof(in))
		return damaged(t, at, "first contents that are not maps");
	for (uint32_t i = 0; i < m->init_bytes; i += sizeof(in)) {
		struct lnk_ref one = { init.file, init.sec, init.off + i };

		get(t, one, &in, sizeof(in));
		if (in.map >= t->o->row.n_maps)
			return damaged(t, at, "a map of maps that holds what the object has not");
	}
	return init.file ? check_untouched(t, init, m->init_bytes, 0) : 0;
}

/* The first contents of an arena: init copies them into its first pages. */
static int check_arena(const struct tables *t, struct lnk_ref at, const struct bpftime_map *m)
{
	struct lnk_ref init;
	int has = follow_const(t, at, FIELD(*m, arena_rel), m->init_bytes, &init);

	if (has < 0 || m->type != MAP_TYPE_arena)
		return has <= 0 ? has : damaged(t, at, "pages of a map that has none");
	if (has ? m->init_bytes > (uint64_t)m->max_entries * MAPFMT_ARENA_PAGE : m->init_bytes)
		return damaged(t, at, "first contents that do not suit the arena");
	return 0;
}

/* The data of a map: a slot, a room, or first contents. */
static int check_place(struct tables *t, struct lnk_ref at, const struct bpftime_map *m)
{
	struct lnk_ref slot, room, init;
	uint64_t bytes = ((uint64_t)m->value_size + 7) / 8 * 8 * m->max_entries;
	const struct obj_sec *s;
	int err, has_slot = follow(t, at, FIELD(*m, slot_rel), &slot);
	int has_room = has_slot < 0 ? has_slot : follow(t, at, FIELD(*m, room_rel), &room);
	int has_init = has_room < 0 ? has_room :
		follow_const(t, at, FIELD(*m, init_rel), m->init_bytes, &init);

	if (has_init < 0)
		return has_init;
	if ((err = check_arena(t, at, m)) < 0)
		return err;
	if (map_holds_maps(m->type) && (has_init ? 0 : m->init_bytes))
		return damaged(t, at, "first contents that are not there");
	if (map_holds_maps(m->type) && (err = check_inside(t, at, m, init)) < 0)
		return err;
	if (m->bits & MAP_BIT_TEMPLATE && (has_slot || has_room || has_init))
		return damaged(t, at, "a template with data");
	if (has_slot && has_room)
		return damaged(t, at, "a map with a slot and a room");
	if (has_slot && (has_slot = check_slot(t, at, slot)) < 0)
		return has_slot;
	if (!has_room)
		return m->room_bytes ? damaged(t, at, "bytes of a room that is not there") : 0;
	s = &t->f->sec[room.sec];
	if (!(s->flags & SHF_WRITE) || strncmp(s->name, ".bpftime.room", 13) ||
	    room.off % OBJ_PAGE_BYTES || s->align < OBJ_PAGE_BYTES ||
	    m->room_bytes % OBJ_PAGE_BYTES || s->bytes - room.off < m->room_bytes)
		return damaged(t, at, "a room that is not whole pages of .bpftime.room");
	if (map_row(m->type)->place != MAP_PLACE_ROOM || m->room_bytes < bytes || !m->room_bytes)
		return damaged(t, at, "a room that does not suit its map");
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
		return damaged(t, at, "a map without the code of its kind");
	return 0;
}

static int read_map(struct tables *t, struct lnk_ref at, const char **name)
{
	struct bpftime_map m;
	const struct map_row *row;
	struct lnk_ref to;
	int err;

	get(t, at, &m, sizeof(m));
	err = check_version(t, at, m.version, m.size, OBJFMT_MAP_VERSION, sizeof(m));
	if (err >= 0)
		err = check_untouched(t, at, sizeof(m), map_pointers);
	if (err >= 0)
		err = follow_str(t, at, FIELD(m, name_rel), OBJFMT_NAME_BYTES - 1, name);
	if (err >= 0)
		err = follow(t, at, FIELD(m, object_rel), &to);
	if (err < 0)
		return err;
	if (to.sec != t->o->at.sec || to.off != t->o->at.off)
		return damaged(t, at, "a map of another object");
	if (!file_name(*name))
		return damaged(t, at, "a map's name is not letters, digits, '_', '.' and '-'");
	row = map_row(m.type);
	if (!row || row->refused)
		return damaged(t, at, "a map of a type that is not supported");
	if ((row->key_size && m.key_size != row->key_size) ||
	    (row->value_size && m.value_size != row->value_size) ||
	    (!m.max_entries && m.type != MAP_TYPE_perf_event_array && m.type != MAP_TYPE_task_storage))
		return damaged(t, at, "a map's sizes do not suit its type");
	if (m.lock && ((m.type != MAP_TYPE_hash && m.type != MAP_TYPE_array) || m.room_rel || (m.lock - 1) % 4 ||
		       m.value_size < 4 || m.lock - 1 > m.value_size - 4))
		return damaged(t, at, "a lock where a map has none");
	if (m.cpus)
		return damaged(t, at, "a number of CPUs, which is the machine's");
	if (m.timer && ((m.type != MAP_TYPE_hash && m.type != MAP_TYPE_lru_hash && m.type != MAP_TYPE_array) ||
			m.room_rel || (m.timer - 1) % 8 || m.value_size < 16 || m.timer - 1 > m.value_size - 16))
		return damaged(t, at, "a timer where a map has none");
	err = follow_const(t, at, FIELD(m, inner_rel), sizeof(m), &to);
	if (err < 0)
		return err;
	if (err && (to.sec != t->maps.sec || to.off < t->maps.off || to.off == at.off ||
		    (to.off - t->maps.off) % sizeof(m) ||
		    (to.off - t->maps.off) / sizeof(m) >= t->o->row.n_maps))
		return damaged(t, at, "an inner map that is not a map of the object");
	err = check_place(t, at, &m);
	return err < 0 ? err : check_kind(t, at, &m);
}

static bool mask_suits(uint8_t form, uint32_t mask)
{
	switch (form) {
	case ENTRY_NATURAL:
		return !(mask & ~CTX_MASK_NATURAL);
	case ENTRY_PACKED:
		return __builtin_popcount(mask) <= 6;
	default:
		return form == ENTRY_FRAME;
	}
}

static bool bits_suit(const struct objfmt_hook *row)
{
	uint8_t entry = hook_table[row->kind].entry;
	bool says = row->bits & OBJFMT_HOOK_OUTCOME, decides = row->bits & OBJFMT_HOOK_DECIDES;

	if (row->bits & ~(OBJFMT_HOOK_OUTCOME | OBJFMT_HOOK_DECIDES) || (decides && !says))
		return false;
	return decides || (entry != HOOK_ENTRY_REPLACE && entry != HOOK_ENTRY_FILTER);
}

static int follow_code(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		       struct lnk_ref *out)
{
	int r = follow(t, row, field, value, out);

	if (r > 0 && (!(t->f->sec[out->sec].flags & SHF_EXECINSTR) || !t->f->sec[out->sec].data ||
		      out->off >= t->f->sec[out->sec].bytes))
		return damaged(t, row, "an entry that is not code");
	return r;
}

/* Each step that is a distance from somewhere waits for one relocation, and nothing else does. */
static bool relocs_are(const struct obj_file *f, const struct obj_sec *s, uint64_t off, const struct code_body *b)
{
	const struct lnk_cpu *cpu = lnk_cpu(f->machine);

	for (uint32_t i = 0; i < b->n; i++) {
		const struct code_step *step = &b->step[i];
		size_t k = obj_rel_from(s, off + step->off), n = 0;

		for (; k + n < s->n_rel && s->rel[k + n].off < off + step->off + step->len; n++)
			if (!cpu->reloc(s->rel[k + n].type)->rel32)
				return false;
		if (n != step->distance)
			return false;
	}
	return true;
}

/* Does the table of guarded code (runtime-min/fault.h) speak of this section?  Then its code works
 * where it is, and nowhere else. */
static bool is_guarded(const struct obj_file *f, uint32_t sec)
{
	uint32_t table = obj_find(f, "bpftime_guarded");
	const struct obj_sec *s = &f->sec[table];

	for (size_t i = 0; table && i < s->n_rel; i++)
		if (f->sym[s->rel[i].sym].sec == sec)
			return true;
	return false;
}

/* The entry's body, if it can stand elsewhere. */
static const struct code_body *body_of(const struct tables *t, const struct objfmt_hook *row, struct lnk_ref entry)
{
	const struct obj_sec *s = &t->f->sec[entry.sec];
	struct code_step step[CODE_BODY_MAX];
	struct code_body b;

	if (is_guarded(t->f, entry.sec) ||
	    !lnk_cpu(t->f->machine)->body(s->data + entry.off, s->bytes - entry.off, row->bits & OBJFMT_HOOK_OUTCOME,
					  step, &b) || !relocs_are(t->f, s, entry.off, &b))
		return NULL;
	b.step = arena_dup(t->l->arena, step, b.n * sizeof(*step));
	return arena_dup(t->l->arena, &b, sizeof(b));
}

static int read_hook(struct tables *t, struct lnk_ref at)
{
	struct lnk *l = t->l;
	struct objfmt_hook *row = arena_alloc(l->arena, sizeof(*row));
	struct lnk_hook_at h = { 0 };
	const char *prog, *sec;
	struct code_cost cost = { 0 };
	int err;

	get(t, at, row, sizeof(*row));
	err = check_version(t, at, row->version, row->size, OBJFMT_HOOK_VERSION, sizeof(*row));
	if (err >= 0)
		err = check_untouched(t, at, sizeof(*row), hook_pointers);
	if (err >= 0)
		err = follow_str(t, at, FIELD(*row, prog_rel), 255, &prog);
	if (err >= 0)
		err = follow_str(t, at, FIELD(*row, spec_rel), 4095, &sec);
	if (err >= 0)
		err = follow_code(t, at, FIELD(*row, entry_rel), &h.entry);
	if (err >= 0)
		err = follow_code(t, at, FIELD(*row, body_rel), &h.body);
	if (err < 0)
		return err;
	if (row->kind >= HOOK_COUNT || row->flags & ~SEC_KNOWN || !bits_suit(row) ||
	    row->ctx_mask >> CTX_FIELDS || !mask_suits(row->form, row->ctx_mask))
		return damaged(t, at, "a hook whose kind, flags, form or mask is unknown");
	if (!h.entry.sec && (!h.body.sec || hook_table[row->kind].entry != HOOK_ENTRY_NONE))
		return damaged(t, at, "a hook without an entry");
	if (h.entry.sec) {
		const struct obj_sec *s = &t->f->sec[h.entry.sec];

		cost = lnk_cpu(t->f->machine)->cost(s->data, s->bytes, h.entry.off);
		h.row.body = body_of(t, row, h.entry);
	}
	h.row = (struct lnk_hook){
		.object_index = (uint32_t)l->n_file, .object = t->o->name, .prog = prog,
		.sec = sec, .row = row, .stamp = t->o->stamp, .insns = cost.insns, .body = h.row.body,
		.keeps_all = cost.keeps_all, .saved_regs = cost.saved_regs, .atomics = cost.atomics,
	};
	*ARENA_PUSH(l->arena, l->hook, l->n_hook, l->cap_hook) = h;
	return 0;
}

static int check_stamp(struct tables *t, struct lnk_ref at, const struct objfmt_stamp *s)
{
	const char *cpu = lnk_cpu(t->f->machine)->name;
	size_t n = strlen(cpu);
	struct loc loc = obj_loc(t->f, at.sec, (int64_t)at.off);
	int err = check_version(t, at, s->version, s->size, OBJFMT_STAMP_VERSION, sizeof(*s));

	if (err >= 0)
		err = check_untouched(t, at, sizeof(*s), 0);
	if (err < 0)
		return err;
	if (s->rt_abi != RT_ABI_VERSION)
		return diag(t->dg, DIAG_L010, loc, "runtime ABI %u; this runtime has %u",
			    s->rt_abi, RT_ABI_VERSION);
	if (s->target[sizeof(s->target) - 1] || s->cpu[sizeof(s->cpu) - 1] ||
	    s->compiler[sizeof(s->compiler) - 1])
		return damaged(t, at, "a stamp whose strings do not end");
	if (strncmp(s->target, cpu, n) || (s->target[n] && s->target[n] != '-'))
		return damaged(t, at, "a stamp for another CPU than the object's code");
	if (s->verdict != VERDICT_VERIFIED && s->verdict != VERDICT_UNVERIFIED)
		return damaged(t, at, "a stamp without a verdict");
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

	get(t, at, &e, sizeof(e));
	err = check_version(t, at, e.version, e.size, OBJFMT_EXTERN_VERSION, sizeof(e));
	if (err >= 0)
		err = check_untouched(t, at, sizeof(e), extern_pointers);
	if (err >= 0)
		err = follow_str(t, at, FIELD(e, name_rel), 255, &name);
	if (err >= 0)
		err = follow(t, at, FIELD(e, slot_rel), &slot);
	if (err < 0)
		return err;
	if ((e.bits & ~OBJFMT_EXTERN_HOST) || (e.bits == OBJFMT_EXTERN_HOST) == (err != 0) || e.target_rel)
		return damaged(t, at, "an extern without a slot, or with more");
	if (e.bits & OBJFMT_EXTERN_HOST) {
		*ARENA_PUSH(t->l->arena, t->l->host, t->l->n_host, t->l->cap_host) =
			(struct lnk_host){ .name = name, .row = at };
		return 0;
	}
	err = check_slot(t, at, slot);
	if (err >= 0 && !t->l->extern_name)
		t->l->extern_name = name;
	return err;
}

static int read_externs(struct tables *t, struct lnk_ref object)
{
	const struct objfmt_object *row = &t->o->row;
	struct lnk_ref at;
	int err = follow_const(t, object, FIELD(*row, externs_rel),
			       (uint64_t)row->n_externs * sizeof(struct objfmt_extern), &at);

	if (err >= 0 && (row->n_externs > MAX_ROWS || (!err && row->n_externs)))
		return damaged(t, object, "an object without its externs, or with too many");
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
				return damaged(t, t->maps, "two maps of one name");
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
	get(t, at, row, sizeof(*row));
	err = check_version(t, at, row->version, row->size, OBJFMT_OBJECT_VERSION, sizeof(*row));
	if (err >= 0)
		err = check_untouched(t, at, sizeof(*row), object_pointers);
	if (err >= 0)
		err = follow_str(t, at, FIELD(*row, name_rel), OBJFMT_NAME_BYTES - 1, &o->name);
	if (err >= 0)
		err = has_maps = follow_const(t, at, FIELD(*row, maps_rel),
					      (uint64_t)row->n_maps * sizeof(struct bpftime_map),
					      &t->maps);
	if (err >= 0)
		err = follow_const(t, at, FIELD(*row, btf_rel), row->btf_bytes, &btf);
	if (err >= 0)
		err = follow_const(t, at, FIELD(*row, stamp_rel), sizeof(*stamp), &stamp_at);
	if (err < 0)
		return err;
	if (!err)
		return damaged(t, at, "an object without a stamp");
	get(t, stamp_at, stamp, sizeof(*stamp));
	o->stamp = stamp;
	err = check_stamp(t, stamp_at, stamp);
	if (err >= 0)
		err = follow_const(t, at, FIELD(*row, hooks_rel),
				   (uint64_t)row->n_hooks * sizeof(struct objfmt_hook), &hooks);
	if (err < 0)
		return err;
	if (row->n_maps > MAX_ROWS || row->n_hooks > MAX_ROWS)
		return damaged(t, at, "too many maps or hooks");
	if ((!err && row->n_hooks) || (!has_maps && row->n_maps) || !file_name(o->name))
		return damaged(t, at, "an object without its hooks, maps or a name");
	t->map_name = arena_array(l->arena, row->n_maps, sizeof(*t->map_name));
	for (uint32_t i = 0; err >= 0 && i < row->n_maps; i++) {
		struct lnk_ref m = t->maps;

		m.off += i * sizeof(struct bpftime_map);
		err = read_map(t, m, &t->map_name[i]);
	}
	o->maps = t->maps;
	if (err >= 0)
		err = check_map_names(t);
	if (err >= 0)
		err = read_externs(t, at);
	for (uint32_t i = 0; err >= 0 && i < row->n_hooks; i++) {
		struct lnk_ref h = hooks;

		h.off += i * sizeof(struct objfmt_hook);
		err = read_hook(t, h);
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
		return damaged(t, at, "the object table is not constant data");
	while (at.off < s->bytes) {
		int err;

		if (s->bytes - at.off >= sizeof(word)) {
			get(t, at, &word, sizeof(word));
			if (!word) {
				at.off += sizeof(word);
				continue;
			}
		}
		if (s->bytes - at.off < sizeof(struct objfmt_object))
			return damaged(t, at, "the object table is cut short");
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

	get(t, at, m, sizeof(*m));
	return (m->bits & MAP_BIT_PAYLOAD) && follow_str(t, at, FIELD(*m, name_rel), OBJFMT_NAME_BYTES - 1,
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
		if (!is_payload_map(&t, at, map, &m) || follow(&t, at, FIELD(m, room_rel), &room) <= 0)
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
