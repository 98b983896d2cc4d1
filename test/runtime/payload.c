/* SPDX-License-Identifier: MIT */
#include "payload.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwindfmt.h"

__attribute__((visibility("hidden"))) struct bpftime_payload bpftime_rt1_payload;
__attribute__((visibility("hidden"))) struct unwind_table bpftime_rt1_unwind;	/* none */
__attribute__((aligned(4096))) struct test_payload tp;

#define POINT(field_, target_) ((field_) = (int32_t)((char *)(target_) - (char *)&(field_)))

#define MAP(id_, name_, key_, value_, place_)                                             \
	extern char bpftime_rt1_kind_##name_[] __attribute__((visibility("hidden")));
#include "maps.def"

extern char bpftime_rt1_room_array[] __attribute__((visibility("hidden")));

static char *kind_of(uint32_t type, bool room)
{
	if (room)
		return bpftime_rt1_room_array;
	switch (type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return bpftime_rt1_kind_##name_;
#include "maps.def"
	}
	abort();
}

struct bpftime_map *tp_map(const char *name, uint32_t type, uint32_t key, uint32_t value,
			   uint32_t entries, uint32_t room_bytes)
{
	uint32_t i = tp.object.n_maps++;
	struct bpftime_map *m = &tp.map[i];

	m->version = OBJFMT_MAP_VERSION;
	m->size = sizeof(*m);
	m->type = type;
	m->key_size = key;
	m->value_size = value;
	m->max_entries = entries;
	snprintf(tp.name[i], sizeof(tp.name[i]), "%s", name);
	POINT(m->name_rel, tp.name[i]);
	POINT(m->object_rel, &tp.object);
	POINT(m->kind_rel, kind_of(type, room_bytes));
	if (room_bytes) {
		POINT(m->room_rel, tp.room[i]);
		m->room_bytes = room_bytes;
	} else {
		POINT(m->slot_rel, &tp.slot[i]);
	}
	return m;
}

void tp_inside(struct bpftime_map *outer, struct bpftime_map *like, const struct objfmt_inside *in,
	       uint32_t n)
{
	memcpy(tp.inside, in, n * sizeof(*in));
	POINT(outer->inner_rel, like);
	POINT(outer->init_rel, tp.inside);
	outer->init_bytes = (uint32_t)(n * sizeof(*in));
	like->bits |= MAP_BIT_TEMPLATE;
	like->slot_rel = 0;
}

void tp_hook(uint8_t kind, uint32_t id, uint64_t (*body)(void *))
{
	struct objfmt_hook *h = &tp.hook[tp.object.n_hooks++];

	h->version = OBJFMT_HOOK_VERSION;
	h->size = sizeof(*h);
	h->kind = kind;
	memcpy(h->hash, &id, sizeof(id));
	if (body)
		POINT(h->body_rel, body);
}

void tp_finish(const char *dir, uint32_t n_attach)
{
	struct bpftime_payload *p = &bpftime_rt1_payload;
	struct objfmt_object *o = &tp.object;

	snprintf(tp.object_name, sizeof(tp.object_name), "obj");
	o->version = OBJFMT_OBJECT_VERSION;
	o->size = sizeof(*o);
	POINT(o->maps_rel, tp.map);
	POINT(o->hooks_rel, tp.hook);
	POINT(o->stamp_rel, &tp.stamp);
	POINT(o->name_rel, tp.object_name);
	tp.stamp.version = OBJFMT_STAMP_VERSION;
	tp.stamp.size = sizeof(tp.stamp);
	memset(tp.stamp.hash, 0xab, sizeof(tp.stamp.hash));
	for (uint32_t i = 0; i < n_attach; i++)
		tp.attach[i].word = i;
	POINT(tp.objects[0], o);
	p->magic = OBJFMT_PAYLOAD_MAGIC;
	p->version = OBJFMT_PAYLOAD_VERSION;
	p->size = sizeof(*p);
	p->n_objects = 1;
	p->n_attach = n_attach;
	POINT(p->objects_rel, tp.objects);
	POINT(p->attach_rel, tp.attach);
	POINT(p->control_rel, &tp.control);
	POINT(p->rw_rel, &tp.control);
	p->control_bytes = 2 * 4096;
	if (dir) {
		snprintf(tp.dir, sizeof(tp.dir), "%s", dir);
		POINT(p->dir_rel, tp.dir);
	}
	memset(p->id, 0xcd, sizeof(p->id));
}

const uint32_t *tp_words(void)
{
	return (const uint32_t *)((char *)&tp.control + RT_CONTROL_WORDS_OFF);
}
