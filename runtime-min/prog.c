/* SPDX-License-Identifier: MIT
 *
 * prog.c - from a program's id to its code in this payload. */
#include "hooks.h"
#include "init.h"
#include "mem.h"

static uint64_t type_of(uint8_t kind)
{
	switch (kind) {
#define HOOK(name_, prog_type_, entry_, text_) case HOOK_##name_: return PROG_##prog_type_;
#include "hooks.def"
	}
	return PROG_TYPE_COUNT;
}

/* The first four bytes of the hash; 0 means an empty slot. */
static uint32_t id_of(const struct objfmt_hook *h)
{
	uint32_t id = RT_LOAD_AT(uint32_t, h->hash, 0);

	return id ? id : 1;
}

uint64_t rt_prog(uint64_t id, uint64_t type)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const int32_t *rel = BPFTIME_REL(const int32_t, pl->objects_rel);

	for (uint32_t i = 0; i < pl->n_objects; i++) {
		const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, rel[i]);
		const struct objfmt_hook *h = BPFTIME_REL(const struct objfmt_hook, o->hooks_rel);

		for (uint32_t k = 0; k < o->n_hooks; k++)
			if (id_of(&h[k]) == id && type_of(h[k].kind) == type && h[k].body_rel)
				return (uint64_t)BPFTIME_REL(void, h[k].body_rel);
	}
	return 0;
}
