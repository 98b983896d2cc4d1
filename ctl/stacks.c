/* SPDX-License-Identifier: MIT */
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#include "btfval.h"
#include "entry.h"
#include "rt_maps.h"

/* A number or a text in a key or value; bytes 0: not there. */
struct field {
	size_t off, bytes;
};
struct layout {
	struct field id, pid, comm;	/* in the key */
	struct field number, value_comm;	/* in the value */
	bool named;		/* the type says that it is a stack's id */
};

static bool field_of(const struct btf *btf, const struct btf_type *t, uint16_t i, struct field *f)
{
	int64_t bytes = btfval_size(btf, btf_members(t)[i].type);

	if (btf_member_bitfield_size(t, i) || bytes <= 0)
		return false;
	f->off = btf_member_bit_offset(t, i) / 8;
	f->bytes = (size_t)bytes;
	return true;
}

/* 0: it names no stack of the process; the more, the surer. */
static int names_stack(const char *name)
{
	if (!strstr(name, "stack") && !strstr(name, "stk"))
		return 0;
	if (name[0] == 'k' || strstr(name, "kern"))
		return 0;
	return name[0] == 'u' || strstr(name, "user") ? 2 : 1;
}

static void read_key_struct(const struct btf *btf, const struct btf_type *t, struct layout *l)
{
	int best = 0;

	for (uint16_t i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, btf_members(t)[i].name_off);
		uint32_t type = btf_members(t)[i].type;
		struct field f;

		if (!name || !field_of(btf, t, i, &f))
			continue;
		if (btfval_is_string(btf, type)) {
			l->comm = f;
		} else if (btfval_is_scalar(btf, type, NULL)) {
			if ((f.bytes == 4 || f.bytes == 8) && names_stack(name) > best) {
				best = names_stack(name);
				l->id = f;
				l->named = true;
			}
			if (f.bytes == 4 && (!strcmp(name, "tgid") || (!strcmp(name, "pid") && !l->pid.bytes)))
				l->pid = f;
		}
	}
}

static void read_value_struct(const struct btf *btf, const struct btf_type *t, struct layout *l)
{
	for (uint16_t i = 0; i < btf_vlen(t); i++) {
		uint32_t type = btf_members(t)[i].type;
		struct field f;

		if (!field_of(btf, t, i, &f))
			continue;
		if (btfval_is_string(btf, type))
			l->value_comm = f;
		else if (!l->number.bytes && btfval_is_scalar(btf, type, NULL) && (f.bytes == 4 || f.bytes == 8))
			l->number = f;
	}
}

static bool fits(const struct field *f, size_t bytes)
{
	return f->off <= bytes && f->bytes <= bytes - f->off;
}

static bool read_layout(const struct mapfile *c, struct layout *l)
{
	const struct btf_type *k = c->key_type ? btfval_resolve(c->btf, c->key_type, NULL) : NULL;
	const struct btf_type *v = c->value_type ? btfval_resolve(c->btf, c->value_type, NULL) : NULL;
	size_t key = c->h.key_size, value = c->h.value_size;

	*l = (struct layout){ 0 };
	if (k && btf_is_struct(k))
		read_key_struct(c->btf, k, l);
	else if (key == 4 || key == 8)
		l->id = (struct field){ 0, key };
	if (v && btf_is_struct(v))
		read_value_struct(c->btf, v, l);
	else if (value == 4 || value == 8)
		l->number = (struct field){ 0, value };
	return l->id.bytes && l->number.bytes && fits(&l->id, key) && fits(&l->pid, key) &&
	       fits(&l->comm, key) && fits(&l->number, value) && fits(&l->value_comm, value);
}

static bool may_count(const struct mapfmt_header *h)
{
	return h->type == MAP_TYPE_hash || h->type == MAP_TYPE_percpu_hash || h->type == MAP_TYPE_lru_hash ||
	       h->type == MAP_TYPE_lru_percpu_hash;
}

int stacks_find_counts(const struct mapdir *d, const struct mapfile *m, struct arena *a, struct mapfile *out)
{
	struct diags quiet = { 0 };
	struct mapref_list all;
	struct mapfile c;
	struct layout l;
	size_t n_named = 0, n_plain = 0;

	if (mapdir_list(d, a, &all, &quiet) < 0)
		return 0;
	for (size_t i = 0; i < all.n; i++) {
		bool better;

		if (!all.ref[i].dir || !m->ref.dir || strcmp(all.ref[i].dir, m->ref.dir) ||
		    mapfile_open_ref(d, a, &all.ref[i], &c, &quiet) < 0)
			continue;
		if (!may_count(&c.h) || !read_layout(&c, &l)) {
			mapfile_close(&c);
			continue;
		}
		better = l.named ? !n_named : !n_named && !n_plain;
		if (better && n_plain)
			mapfile_close(out);
		if (better)
			*out = c;
		else
			mapfile_close(&c);
		n_named += l.named;
		n_plain += !l.named;
	}
	if ((n_named ? n_named : n_plain) == 1)
		return 1;
	if (n_named || n_plain)
		mapfile_close(out);
	return 0;
}

/* ---- reading ---- */

static uint64_t number(const uint8_t *p, const struct field *f)
{
	uint64_t v = 0;

	memcpy(&v, p + f->off, f->bytes);
	return v;
}

/* Ids are negative where there is none. */
static int64_t id_of(const uint8_t *key, const struct field *f)
{
	uint64_t v = number(key, f);

	return f->bytes == 4 ? (int32_t)v : (int64_t)v;
}

static const char *text(struct arena *a, const uint8_t *p, const struct field *f)
{
	return f->bytes ? arena_strndup(a, (const char *)p + f->off, f->bytes) : NULL;
}

/* Up to the first 0: there is no code. */
static void read_stack(const struct mapfile *m, struct arena *a, struct stack *s)
{
	bool build_ids = m->h.flags & MAP_F_STACK_BUILD_ID;
	size_t depth = m->h.value_size / (build_ids ? sizeof(*s->frame) : sizeof(uint64_t));
	struct mapfmt_build_id *f = arena_array(a, depth + 1, sizeof(*f));
	uint64_t *ip = arena_alloc(a, m->h.value_size + sizeof(*ip));
	uint32_t id = (uint32_t)s->id;

	s->frame = f;
	if (s->id < 0 || rt_map_lookup(&m->m, m->base, &id, build_ids ? (void *)f : ip, 0))
		return;
	for (size_t i = 0; i < depth && !build_ids; i++)
		f[i] = (struct mapfmt_build_id){ .status = ip[i] ? MAPFMT_BUILD_ID_IP : MAPFMT_BUILD_ID_EMPTY, .at = ip[i] };
	while (s->n_frame < depth &&
	       (f[s->n_frame].status == MAPFMT_BUILD_ID_VALID || f[s->n_frame].status == MAPFMT_BUILD_ID_IP))
		s->n_frame++;
}

static int read_counted(const struct mapfile *m, const struct mapfile *c, struct arena *a,
			struct stack_list *out, struct diags *dg)
{
	uint8_t *value = arena_alloc(a, c->value_bytes + 8);
	struct entry_keys keys;
	struct layout l;
	int r;

	if (!may_count(&c->h) || !read_layout(c, &l))
		return diag(dg, DIAG_M008, at_file(c->ref.label),
			    "its keys do not name stacks, or its values are no numbers");
	r = entry_keys(c, a, &keys, dg);
	for (size_t i = 0; r >= 0 && i < keys.n; i++) {
		const uint8_t *key = keys.key + i * c->h.key_size;
		struct stack *s;

		if (rt_map_lookup(&c->m, c->base, key, value, 0))
			continue;
		s = ARENA_PUSH(a, out->s, out->n, out->cap);
		*s = (struct stack){ .id = id_of(key, &l.id), .counted = true };
		for (uint32_t cpu = 0; cpu < (c->percpu ? c->cpus : 1); cpu++)
			s->count = (int64_t)((uint64_t)s->count + number(value + cpu * c->stride, &l.number));
		s->pid = l.pid.bytes ? (uint32_t)number(key, &l.pid) : 0;
		s->comm = text(a, key, &l.comm);
		s->comm = s->comm ? s->comm : text(a, value, &l.value_comm);
		read_stack(m, a, s);
	}
	return r < 0 ? r : 0;
}

static int by_count(const void *x, const void *y)
{
	const struct stack *a = x, *b = y;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->id != b->id ? (a->id < b->id ? -1 : 1) : (a->pid > b->pid) - (a->pid < b->pid);
}

int stacks_read(const struct mapfile *m, const struct mapfile *counts, struct arena *a,
		struct stack_list *out, struct diags *dg)
{
	struct entry_keys keys;
	int r;

	*out = (struct stack_list){ 0 };
	if (m->h.type != MAP_TYPE_stack_trace)
		return diag(dg, DIAG_M008, at_file(m->ref.label), "it is a %s, not a stack_trace map",
			    map_row(m->h.type)->name);
	if (counts) {
		r = read_counted(m, counts, a, out, dg);
		if (r >= 0 && out->n)
			qsort(out->s, out->n, sizeof(*out->s), by_count);
		return r;
	}
	r = entry_keys(m, a, &keys, dg);
	for (size_t i = 0; r >= 0 && i < keys.n; i++) {
		struct stack *s = ARENA_PUSH(a, out->s, out->n, out->cap);
		uint32_t id;

		memcpy(&id, keys.key + i * sizeof(id), sizeof(id));
		*s = (struct stack){ .id = id };
		read_stack(m, a, s);
	}
	return r < 0 ? r : 0;
}
