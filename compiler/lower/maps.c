/* SPDX-License-Identifier: MIT
 *
 * Maps as globals: descriptors (objfmt.h), rooms, slots and frozen contents.
 *
 * Nothing here may be folded by the optimiser except what is truly constant: other
 * processes write to rooms, init writes the slots. */
#include <string.h>

#include "lower.h"
#include "mapfmt.h"
#include "maps.h"
#include "tables.h"

enum { PAGE_BYTES = 4096 };

/* Bytes of an array's data part, 0 when the sum does not fit. */
static uint64_t array_bytes(const struct unit_map *m)
{
	uint64_t stride = ((uint64_t)m->value_size + 7) & ~7ull, bytes;

	if (m->max_entries && stride > UINT64_MAX / 2 / m->max_entries)
		return 0;
	return align_up_u64(stride * m->max_entries, PAGE_BYTES, &bytes) ? bytes : 0;
}

/* Contents of a value: the bytes given, then zeros. */
static LLVMValueRef contents(struct lower *l, struct bytes init, uint64_t bytes)
{
	uint8_t *p;

	for (size_t i = 0; i <= init.n; i++) {
		if (i == init.n)
			return LLVMConstNull(LLVMArrayType2(l->i8, bytes));
		if (init.p[i])
			break;
	}
	p = arena_alloc(l->a, bytes);
	memcpy(p, init.p, init.n);
	return LLVMConstStringInContext2(l->ctx, (const char *)p, bytes, 1);
}

static LLVMValueRef data_global(struct lower *l, const char *name, struct bytes init,
				uint64_t bytes)
{
	LLVMValueRef v = contents(l, init, bytes);
	LLVMValueRef g = LLVMAddGlobal(l->mod, LLVMTypeOf(v), name);

	LLVMSetInitializer(g, v);
	LLVMSetLinkage(g, LLVMInternalLinkage);
	return g;
}

/* Page-aligned memory that init maps the map's file over. */
static void make_room(struct lower *l, size_t i, uint64_t bytes)
{
	const struct unit_map *m = &l->u->map[i];
	char *section = arena_printf(l->a, ".bpftime.room.%s", m->name);
	LLVMValueRef g = data_global(l, arena_printf(l->a, "room.%s", m->name), m->init, bytes);

	LLVMSetSection(g, section);
	LLVMSetAlignment(g, PAGE_BYTES);
	LLVMSetExternallyInitialized(g, 1);
	lower_keep(l, g);
	l->map[i].room = g;
	l->map[i].room_bytes = (uint32_t)bytes;
}

static void make_constant(struct lower *l, size_t i)
{
	const struct unit_map *m = &l->u->map[i];
	LLVMValueRef g = data_global(l, arena_printf(l->a, "const.%s", m->name), m->init,
				     m->value_size);

	LLVMSetGlobalConstant(g, 1);
	LLVMSetAlignment(g, 8);
	l->map[i].constant = g;
}

static LLVMValueRef make_slots(struct lower *l, size_t n)
{
	LLVMTypeRef t = LLVMArrayType2(l->ptr, n);
	LLVMValueRef g = LLVMAddGlobal(l->mod, t, LOWER_SLOTS);

	LLVMSetInitializer(g, LLVMConstNull(t));
	LLVMSetLinkage(g, LLVMInternalLinkage);
	LLVMSetSection(g, ".bpftime.slots");
	LLVMSetAlignment(g, 8);
	LLVMSetExternallyInitialized(g, 1);
	lower_keep(l, g);
	return g;
}

static LLVMValueRef slot_at(struct lower *l, LLVMValueRef slots, size_t n, size_t i)
{
	LLVMValueRef at[2] = { lower_imm(l->i64, 0), lower_imm(l->i64, (int64_t)i) };

	return LLVMConstInBoundsGEP2(LLVMArrayType2(l->ptr, n), slots, at, 2);
}

static struct mapfmt_inner like(const struct unit_map *m)
{
	return (struct mapfmt_inner){ m->type, m->key_size, m->value_size, m->max_entries, m->flags,
				      m->lock };
}

static int check_outer(struct lower *l, const struct unit_map *m)
{
	struct loc at = { l->u->path, m->name, -1, NULL };
	struct mapfmt_inner template, inside;
	const struct unit_map *t, *in;

	if (m->inner < 0 || (size_t)m->inner >= l->u->n_map)
		return diag(l->dg, DIAG_C005, at, "it does not say what its maps are like: "
			    "__array(values, ...)");
	t = &l->u->map[m->inner];
	if (t->timer)
		return diag(l->dg, DIAG_C005, at, "a map with timers cannot be in it");
	if (map_holds_maps(t->type) || t->type == MAP_TYPE_prog_array || t->type == MAP_TYPE_arena)
		return diag(l->dg, DIAG_C005, at, "a map of kind %s cannot be in it",
			    map_row(t->type)->name);
	template = like(t);
	for (size_t i = 0; i < m->n_slots; i++) {
		if ((uint32_t)m->slots[i].target >= l->u->n_map)
			return diag(l->dg, DIAG_C005, at, "slot %u holds no map", m->slots[i].slot);
		in = &l->u->map[m->slots[i].target];
		inside = like(in);
		if (!mapfmt_fits(&template, &inside))
			return diag(l->dg, DIAG_C005, at, "%s in slot %u is not like its other maps",
				    in->name, m->slots[i].slot);
		if (m->bits & MAP_BIT_PINNED && !(in->bits & MAP_BIT_PINNED))
			return diag(l->dg, DIAG_C005, at, "it is pinned, and %s in slot %u is not",
				    in->name, m->slots[i].slot);
	}
	return 0;
}

/* Is it in a map of maps from the start?  Then it is reached through that more often than by name. */
static bool is_inside(const struct unit *u, size_t map)
{
	for (size_t i = 0; i < u->n_map; i++)
		for (size_t k = 0; map_holds_maps(u->map[i].type) && k < u->map[i].n_slots; k++)
			if ((size_t)u->map[i].slots[k].target == map)
				return true;
	return false;
}

static int check_map(struct lower *l, const struct unit_map *m)
{
	const struct map_row *row = map_row(m->type);
	struct loc at = { l->u->path, m->name, -1, NULL };

	if (!row)
		return diag(l->dg, DIAG_C005, at, "unknown type %u", m->type);
	if (row->refused)
		return diag(l->dg, DIAG_C005, at, "%s: %s", row->name, row->refused);
	if (m->type != MAP_TYPE_arena && (m->init.n > m->value_size || m->value_size > INT32_MAX))
		return diag(l->dg, DIAG_C005, at, "value of %u bytes", m->value_size);
	return 0;
}

/* Rooms go to maps in order while they fit together.  With a lock or a timer goes the header of its
 * map's file, which a room does not have. */
static void place(struct lower *l)
{
	uint64_t room_bytes = 0;
	size_t n_slots = 0, slot = 0;
	LLVMValueRef slots = NULL;

	for (size_t i = 0; i < l->u->n_map; i++) {
		const struct unit_map *m = &l->u->map[i];
		uint64_t bytes = array_bytes(m);

		if (m->bits & MAP_BIT_TEMPLATE && !l->no_rooms)
			continue;
		if (m->bits & MAP_BIT_RODATA) {
			make_constant(l, i);
		} else if (!l->no_rooms && !m->lock && !m->timer && map_row(m->type)->place == MAP_PLACE_ROOM &&
			   !is_inside(l->u, i) && bytes && bytes <= OBJFMT_ROOM_TOTAL_BYTES - room_bytes) {
			make_room(l, i, bytes);
			room_bytes += bytes;
		}
		n_slots += !l->map[i].room;
	}
	for (size_t i = 0; i < l->u->n_ext; i++)
		n_slots += !l->u->ext[i].host;
	if (n_slots)
		slots = make_slots(l, n_slots);
	for (size_t i = 0; i < l->u->n_map; i++)
		if (!l->map[i].room && (l->no_rooms || !(l->u->map[i].bits & MAP_BIT_TEMPLATE)))
			l->map[i].slot = slot_at(l, slots, n_slots, slot++);
	for (size_t i = 0; i < l->u->n_ext; i++)
		if (!l->u->ext[i].host)
			l->ext_slot[i] = slot_at(l, slots, n_slots, slot++);
}

LLVMValueRef lower_slot(struct lower *l, LLVMValueRef slot)
{
	LLVMValueRef v = LLVMBuildLoad2(l->b, l->ptr, slot, "");
	unsigned kind = LLVMGetMDKindIDInContext(l->ctx, "invariant.load", 14);

	LLVMSetMetadata(v, kind, LLVMMetadataAsValue(l->ctx, LLVMMDNodeInContext2(l->ctx, NULL, 0)));
	return v;
}

LLVMValueRef lower_map_base(struct lower *l, size_t i)
{
	return l->map[i].room ? l->map[i].room : lower_slot(l, l->map[i].slot);
}

/* ptr + self-relative int32 at byte `off` of a descriptor; *zero: is it "none"? */
static LLVMValueRef follow(struct lower *l, LLVMValueRef desc, size_t off, LLVMValueRef *none)
{
	LLVMValueRef o = lower_imm(l->i64, (int64_t)off), field, rel;

	field = LLVMBuildGEP2(l->b, l->i8, desc, &o, 1, "");
	rel = LLVMBuildSExt(l->b, LLVMBuildLoad2(l->b, l->i32, field, ""), l->i64, "");
	*none = LLVMBuildICmp(l->b, LLVMIntEQ, rel, lower_imm(l->i64, 0), "");
	return LLVMBuildGEP2(l->b, l->i8, field, &rel, 1, "");
}

/* For a map that is known only at run time. */
static void make_map_base(struct lower *l)
{
	LLVMValueRef desc, room, slot, none;
	LLVMBasicBlockRef in_room, in_slot;

	l->map_base = LLVMAddFunction(l->mod, "map_base", LLVMFunctionType(l->ptr, &l->ptr, 1, 0));
	LLVMSetLinkage(l->map_base, LLVMInternalLinkage);
	desc = LLVMGetParam(l->map_base, 0);
	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, l->map_base, ""));
	in_room = LLVMAppendBasicBlockInContext(l->ctx, l->map_base, "");
	in_slot = LLVMAppendBasicBlockInContext(l->ctx, l->map_base, "");
	room = follow(l, desc, offsetof(struct bpftime_map, room_rel), &none);
	LLVMBuildCondBr(l->b, none, in_slot, in_room);
	LLVMPositionBuilderAtEnd(l->b, in_room);
	LLVMBuildRet(l->b, room);
	LLVMPositionBuilderAtEnd(l->b, in_slot);
	slot = follow(l, desc, offsetof(struct bpftime_map, slot_rel), &none);
	LLVMBuildRet(l->b, LLVMBuildLoad2(l->b, l->ptr, slot, ""));
}

int lower_maps(struct lower *l)
{
	int r;

	l->map = arena_array(l->a, l->u->n_map + 1, sizeof(*l->map));
	l->ext_slot = arena_array(l->a, l->u->n_ext + 1, sizeof(*l->ext_slot));
	for (size_t i = 0; i < l->u->n_map; i++)
		if ((r = check_map(l, &l->u->map[i])) < 0)
			return r;
	for (size_t i = 0; i < l->u->n_map; i++)
		if (map_holds_maps(l->u->map[i].type) && (r = check_outer(l, &l->u->map[i])) < 0)
			return r;
	place(l);
	make_map_base(l);
	tables_maps(l);
	return 0;
}
