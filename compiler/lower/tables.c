/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include <string.h>

#include "maps.h"

struct table table_new(struct lower *l, const char *name, const char *section, size_t bytes,
		       const size_t *rel, size_t n_rel)
{
	struct table t = { l, NULL, bytes, rel, n_rel };
	LLVMTypeRef *field = arena_array(l->a, 2 * n_rel + 1, sizeof(LLVMTypeRef));
	size_t at = 0, n = 0;

	for (size_t i = 0; i < n_rel; i++) {
		field[n++] = LLVMArrayType2(l->i8, rel[i] - at);
		field[n++] = l->i32;
		at = rel[i] + 4;
	}
	field[n++] = LLVMArrayType2(l->i8, bytes - at);
	t.global = LLVMAddGlobal(l->mod, LLVMStructTypeInContext(l->ctx, field, (unsigned)n, 1), name);
	LLVMSetLinkage(t.global, LLVMInternalLinkage);
	LLVMSetGlobalConstant(t.global, 1);
	LLVMSetSection(t.global, section);
	LLVMSetAlignment(t.global, 8);
	lower_keep(l, t.global);
	return t;
}

LLVMValueRef table_at(const struct table *t, size_t off)
{
	LLVMValueRef o = lower_imm(t->l->i64, (int64_t)off);

	return LLVMConstInBoundsGEP2(t->l->i8, t->global, &o, 1);
}

/* target - &field, as any linker can compute it. */
static LLVMValueRef self_relative(const struct table *t, size_t off, LLVMValueRef target)
{
	LLVMTypeRef i64 = t->l->i64;
	LLVMValueRef diff;

	if (!target)
		return lower_imm(t->l->i32, 0);
	diff = LLVMConstSub(LLVMConstPtrToInt(target, i64), LLVMConstPtrToInt(table_at(t, off), i64));
	return LLVMConstTrunc(diff, t->l->i32);
}

void table_fill(struct table *t, const void *bytes, const LLVMValueRef *target)
{
	struct lower *l = t->l;
	LLVMValueRef *field = arena_array(l->a, 2 * t->n_rel + 1, sizeof(LLVMValueRef));
	const char *p = bytes;
	size_t at = 0, n = 0;

	for (size_t i = 0; i < t->n_rel; i++) {
		field[n++] = LLVMConstStringInContext2(l->ctx, p + at, t->rel[i] - at, 1);
		field[n++] = self_relative(t, t->rel[i], target[i]);
		at = t->rel[i] + 4;
	}
	field[n++] = LLVMConstStringInContext2(l->ctx, p + at, t->bytes - at, 1);
	LLVMSetInitializer(t->global, LLVMConstStructInContext(l->ctx, field, (unsigned)n, 1));
}

LLVMValueRef table_str(struct lower *l, const char *s)
{
	LLVMValueRef v = LLVMConstStringInContext2(l->ctx, s, strlen(s), 0);
	LLVMValueRef g = LLVMAddGlobal(l->mod, LLVMTypeOf(v), "str");

	LLVMSetInitializer(g, v);
	LLVMSetLinkage(g, LLVMPrivateLinkage);
	LLVMSetGlobalConstant(g, 1);
	LLVMSetSection(g, ".bpftime.str");
	LLVMSetAlignment(g, 1);
	lower_keep(l, g);
	return g;
}

void lower_keep(struct lower *l, LLVMValueRef global)
{
	*ARENA_PUSH(l->a, l->used, l->n_used, l->cap_used) = global;
}

void lower_keep_done(struct lower *l)
{
	LLVMValueRef v = LLVMConstArray2(l->ptr, l->used, l->n_used);
	LLVMValueRef g = LLVMAddGlobal(l->mod, LLVMTypeOf(v), "llvm.compiler.used");

	LLVMSetInitializer(g, v);
	LLVMSetLinkage(g, LLVMAppendingLinkage);
	LLVMSetSection(g, "llvm.metadata");
}

#define OFF(type_, field_) offsetof(struct type_, field_)

static const size_t object_rel[] = {
	OFF(objfmt_object, maps_rel), OFF(objfmt_object, hooks_rel), OFF(objfmt_object, stamp_rel),
	OFF(objfmt_object, name_rel), OFF(objfmt_object, btf_rel),
	OFF(objfmt_object, externs_rel),
};
enum { N_OBJECT_REL = sizeof(object_rel) / sizeof(object_rel[0]) };

static const size_t extern_rel[] = { OFF(objfmt_extern, name_rel), OFF(objfmt_extern, slot_rel) };
enum { N_EXTERN_REL = sizeof(extern_rel) / sizeof(extern_rel[0]) };

/* n rows of some bytes each, with pointers at field[n_field] of each row. */
static struct table rows_new(struct lower *l, const char *name, const char *section, size_t n, size_t bytes,
			     const size_t *field, size_t n_field)
{
	size_t *rel = arena_array(l->a, n * n_field + 1, sizeof(*rel));

	for (size_t i = 0; i < n * n_field; i++)
		rel[i] = i / n_field * bytes + field[i % n_field];
	return table_new(l, name, section, n * bytes, rel, n * n_field);
}

void tables_open(struct lower *l)
{
	l->btf = btf_slim(l->a, l->u);
	l->object = table_new(l, "object", ".bpftime.object", sizeof(struct objfmt_object),
			      object_rel, N_OBJECT_REL).global;
	if (l->u->n_ext)
		l->externs = rows_new(l, "externs", ".bpftime.externs", l->u->n_ext, sizeof(struct objfmt_extern),
				      extern_rel, N_EXTERN_REL);
}

static const size_t map_rel[] = {
	OFF(bpftime_map, name_rel), OFF(bpftime_map, object_rel), OFF(bpftime_map, slot_rel),
	OFF(bpftime_map, room_rel), OFF(bpftime_map, init_rel), OFF(bpftime_map, inner_rel),
	OFF(bpftime_map, kind_rel), OFF(bpftime_map, arena_rel),
};
enum { N_MAP_REL = sizeof(map_rel) / sizeof(map_rel[0]) };

/* First contents of a prog_array: ids of programs, up to the last slot that has one. */
static struct bytes prog_ids(struct lower *l, const struct unit_map *m)
{
	uint32_t *id, n = 0;

	for (size_t i = 0; i < m->n_slots; i++)
		if (m->slots[i].slot >= n && m->slots[i].slot < m->max_entries)
			n = m->slots[i].slot + 1;
	id = arena_array(l->a, n, sizeof(*id));
	for (size_t i = 0; i < m->n_slots; i++) {
		uint32_t *to = &id[m->slots[i].slot];

		if (m->slots[i].slot >= n || (uint32_t)m->slots[i].target >= l->u->n_prog)
			continue;
		memcpy(to, l->hook[m->slots[i].target].hash, sizeof(*to));
		if (!*to)
			*to = 1;
	}
	return (struct bytes){ (const uint8_t *)id, n * sizeof(*id) };
}

/* First contents of a map of maps. */
static struct bytes maps_inside(struct lower *l, const struct unit_map *m)
{
	struct objfmt_inside *in = arena_array(l->a, m->n_slots, sizeof(*in));

	for (size_t i = 0; i < m->n_slots; i++)
		in[i] = (struct objfmt_inside){ m->slots[i].slot, (uint32_t)m->slots[i].target };
	return (struct bytes){ (const uint8_t *)in, m->n_slots * sizeof(*in) };
}

/* First contents of a map without a room. */
static LLVMValueRef init_of(struct lower *l, size_t i, uint32_t *n)
{
	const struct unit_map *m = &l->u->map[i];
	struct bytes init = m->type == MAP_TYPE_prog_array ? prog_ids(l, m) :
			    map_holds_maps(m->type) ? maps_inside(l, m) : m->init;
	LLVMValueRef v, g;

	*n = 0;
	if (l->map[i].room || !init.n)
		return NULL;
	*n = (uint32_t)init.n;
	if (l->map[i].constant)
		return l->map[i].constant;
	v = LLVMConstStringInContext2(l->ctx, (const char *)init.p, init.n, 1);
	g = LLVMAddGlobal(l->mod, LLVMTypeOf(v), arena_printf(l->a, "init.%s", m->name));
	LLVMSetInitializer(g, v);
	LLVMSetLinkage(g, LLVMInternalLinkage);
	LLVMSetGlobalConstant(g, 1);
	LLVMSetAlignment(g, 8);
	return g;
}

/* The runtime's code of a kind of map.  A module that stays here has no runtime of its own, and
 * nobody who would ask. */
static LLVMValueRef kind_of(struct lower *l, size_t i)
{
	const char *name = arena_printf(l->a, "bpftime_rt1_%s_%s", l->map[i].room ? "room" : "kind",
					map_row(l->u->map[i].type)->name);
	LLVMValueRef f = LLVMGetNamedFunction(l->mod, name);

	if (l->no_rooms)
		return NULL;
	if (!f) {
		f = LLVMAddFunction(l->mod, name, LLVMFunctionType(l->i64, NULL, 0, 0));
		LLVMSetVisibility(f, LLVMHiddenVisibility);
	}
	return f;
}

void tables_maps(struct lower *l)
{
	size_t n = l->u->n_map;
	LLVMValueRef *target = arena_array(l->a, n * N_MAP_REL + 1, sizeof(*target));
	struct bpftime_map *row = arena_array(l->a, n + 1, sizeof(*row));
	struct table t;

	if (!n)
		return;
	t = rows_new(l, "maps", ".bpftime.maps", n, sizeof(*row), map_rel, N_MAP_REL);
	l->maps = t.global;
	for (size_t i = 0; i < n; i++) {
		const struct unit_map *m = &l->u->map[i];
		uint32_t init_bytes;
		LLVMValueRef init = init_of(l, i, &init_bytes);

		l->map[i].desc = table_at(&t, i * sizeof(*row));
		row[i] = (struct bpftime_map){
			.version = OBJFMT_MAP_VERSION, .size = sizeof(*row), .type = m->type,
			.key_size = m->key_size, .value_size = m->value_size,
			.max_entries = m->max_entries, .flags = m->flags, .map_extra = m->map_extra,
			.key_btf_id = btf_slim_id(&l->btf, m->key_btf_id),
			.value_btf_id = btf_slim_id(&l->btf, m->value_btf_id),
			.bits = m->bits, .room_bytes = l->map[i].room_bytes,
			.init_bytes = init_bytes, .lock = m->lock, .timer = m->timer,
		};
		memcpy(&target[i * N_MAP_REL], (LLVMValueRef[N_MAP_REL]){
			table_str(l, m->name), l->object, l->map[i].slot, l->map[i].room,
			m->type == MAP_TYPE_arena ? NULL : init,
			m->inner >= 0 && (size_t)m->inner < n
				? table_at(&t, (size_t)m->inner * sizeof(*row)) : NULL,
			kind_of(l, i), m->type == MAP_TYPE_arena ? init : NULL,
		}, N_MAP_REL * sizeof(*target));
	}
	table_fill(&t, row, target);
}

static const size_t hook_rel[] = {
	OFF(objfmt_hook, entry_rel), OFF(objfmt_hook, body_rel), OFF(objfmt_hook, prog_rel),
	OFF(objfmt_hook, spec_rel),
};
enum { N_HOOK_REL = sizeof(hook_rel) / sizeof(hook_rel[0]) };

static LLVMValueRef hooks_table(struct lower *l)
{
	const struct lower_hook *hook = l->hook;
	size_t n = l->u->n_prog;
	LLVMValueRef *target = arena_array(l->a, n * N_HOOK_REL + 1, sizeof(*target));
	struct objfmt_hook *row = arena_array(l->a, n + 1, sizeof(*row));
	struct table t;

	if (!n)
		return NULL;
	t = rows_new(l, "hooks", ".bpftime.hooks", n, sizeof(*row), hook_rel, N_HOOK_REL);
	for (size_t i = 0; i < n; i++) {
		const struct unit_prog *p = &l->u->prog[i];

		row[i] = (struct objfmt_hook){
			.version = OBJFMT_HOOK_VERSION, .size = sizeof(*row),
			.kind = (uint8_t)p->kind, .form = (uint8_t)hook[i].form,
			.flags = (uint8_t)p->flags, .bits = hook[i].bits, .ctx_mask = hook[i].ctx_mask,
		};
		memcpy(row[i].hash, hook[i].hash, sizeof(row[i].hash));
		memcpy(&target[i * N_HOOK_REL], (LLVMValueRef[N_HOOK_REL]){
			hook[i].entry, hook[i].body, table_str(l, p->name), table_str(l, p->sec),
		}, N_HOOK_REL * sizeof(*target));
	}
	table_fill(&t, row, target);
	return t.global;
}

static LLVMValueRef btf_table(struct lower *l)
{
	struct table t;

	if (!l->btf.raw.n)
		return NULL;
	t = table_new(l, "btf", ".BTF", l->btf.raw.n, NULL, 0);
	table_fill(&t, l->btf.raw.p, NULL);
	return t.global;
}


LLVMValueRef tables_extern(struct lower *l, size_t i)
{
	return table_at(&l->externs, i * sizeof(struct objfmt_extern));
}

static LLVMValueRef externs_table(struct lower *l)
{
	size_t n = l->u->n_ext;
	LLVMValueRef *target = arena_array(l->a, n * N_EXTERN_REL + 1, sizeof(*target));
	struct objfmt_extern *row = arena_array(l->a, n + 1, sizeof(*row));

	if (!n)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct unit_extern *e = &l->u->ext[i];

		row[i] = (struct objfmt_extern){ .version = OBJFMT_EXTERN_VERSION,
						 .size = sizeof(*row), .id = e->id, .ret = e->proto.ret,
						 .bits = e->host ? OBJFMT_EXTERN_HOST : 0 };
		memcpy(row[i].arg, e->proto.arg, sizeof(row[i].arg));
		target[i * N_EXTERN_REL] = table_str(l, e->proto.name);
		target[i * N_EXTERN_REL + 1] = l->ext_slot[i];
	}
	table_fill(&l->externs, row, target);
	return l->externs.global;
}

void tables_close(struct lower *l, const struct objfmt_stamp *stamp)
{
	struct table object = { l, l->object, sizeof(struct objfmt_object), object_rel, N_OBJECT_REL };
	struct table t = table_new(l, "stamp", ".bpftime.stamp", sizeof(*stamp), NULL, 0);
	struct objfmt_object row = {
		.version = OBJFMT_OBJECT_VERSION, .size = sizeof(row),
		.n_maps = (uint32_t)l->u->n_map, .n_hooks = (uint32_t)l->u->n_prog,
		.n_externs = (uint32_t)l->u->n_ext,
		.btf_bytes = (uint32_t)l->btf.raw.n,
	};
	LLVMValueRef btf = btf_table(l);

	table_fill(&t, stamp, NULL);
	table_fill(&object, &row, (LLVMValueRef[N_OBJECT_REL]){
		l->maps, hooks_table(l), t.global, table_str(l, l->u->name), btf, externs_table(l),
	});
}
