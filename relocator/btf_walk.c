/* SPDX-License-Identifier: MIT
 *
 * What a load from a structure gives, by the kernel's rules for pointers that nobody vouches for
 * (btf_struct_walk() in kernel/bpf/btf.c of Linux 6.18): a number of any part of a member, or of more than one
 * in a union or an array of no certain length; a pointer only as a whole. */
#include "btf_walk.h"

#include <bpf/btf.h>

#include "obj.h"

enum { POINTER_BYTES = 8 };

/* A member's type: one element of an array of any number of dimensions. */
struct element {
	const struct btf_type *t;
	uint64_t bytes, all;	/* of one; of all of them */
};

static struct element element_of(const struct btf *btf, uint32_t id)
{
	struct element e = { btf_strip(btf, id, NULL), 0, 0 };
	uint64_t n = 1;

	for (int depth = 0; btf_is_array(e.t) && depth < BTF_MAX_DEPTH; depth++) {
		n *= btf_array(e.t)->nelems;
		e.t = btf_strip(btf, btf_array(e.t)->type, NULL);
		if (n > UINT32_MAX)
			return (struct element){ e.t, 0, 0 };
	}
	if (btf_is_ptr(e.t))
		e.bytes = POINTER_BYTES;
	else if (btf_is_int(e.t) || btf_is_any_enum(e.t) || btf_is_float(e.t) || btf_is_composite(e.t))
		e.bytes = e.t->size;
	e.all = n * e.bytes;
	return e;
}

/* Does the structure end with an array of no certain length, and does the load lie there?  Then it is as
 * good as one of its first element, which *t and *off become. */
static bool in_flexible(const struct btf *btf, const struct btf_type **t, uint64_t *off)
{
	const struct btf_member *last = btf_members(*t) + btf_vlen(*t) - 1;
	const struct btf_type *a = btf_vlen(*t) ? btf_strip(btf, last->type, NULL) : NULL;
	uint64_t at = a ? btf_member_bit_offset(*t, btf_vlen(*t) - 1) / 8 : 0;

	if (!a || !btf_is_array(a) || btf_array(a)->nelems || *off < at)
		return false;
	*t = btf_strip(btf, btf_array(a)->type, NULL);
	if (btf_is_composite(*t) && (*t)->size)
		*off = (*off - at) % (*t)->size;
	return btf_is_int(*t) || (btf_is_composite(*t) && (*t)->size);
}

/* The member of *t where the load begins.  BTF_WALK_INSIDE: *t and *off are now a structure in it. */
static enum btf_walk find_member(const struct btf *btf, const struct btf_type **t, uint64_t *off, uint32_t bytes,
				 bool loose, uint32_t *next)
{
	for (uint32_t i = 0; i < btf_vlen(*t); i++) {
		const struct btf_member *m = btf_members(*t) + i;
		uint64_t bit = btf_member_bit_offset(*t, i), at = bit / 8;
		uint32_t field = btf_member_bitfield_size(*t, i);
		struct element e;
		uint64_t end;

		if (*off + bytes <= at)
			return BTF_WALK_NOTHING;
		if (field) {
			if (*off <= at && (bit + field + 7) / 8 <= *off + bytes)
				return BTF_WALK_NUMBER;
			continue;
		}
		if (*off < at)
			return BTF_WALK_NOTHING;
		e = element_of(btf, m->type);
		end = at + e.all;
		if (*off >= end)
			continue;
		at += (*off - at) / e.bytes * e.bytes;
		if (btf_is_composite(e.t)) {
			*t = e.t;
			*off -= at;
			return BTF_WALK_INSIDE;
		}
		if (!btf_is_ptr(e.t))
			return *off + bytes <= end || loose ? BTF_WALK_NUMBER : BTF_WALK_NOTHING;
		if (bytes != POINTER_BYTES || *off != at)
			return BTF_WALK_PART;
		if (!btf_is_composite(btf_strip(btf, e.t->type, next)))
			*next = 0;
		return BTF_WALK_POINTER;
	}
	return BTF_WALK_NOTHING;
}

bool btf_walk_is_struct(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_composite(t);
}

enum btf_walk btf_walk(const struct btf *btf, uint32_t id, uint32_t off, uint32_t bytes, uint32_t *next)
{
	const struct btf_type *t = btf_strip(btf, id, NULL);
	uint64_t at = off;
	enum btf_walk r = BTF_WALK_INSIDE;
	bool loose = false;

	for (int depth = 0; r == BTF_WALK_INSIDE; depth++) {
		if (depth == BTF_MAX_DEPTH)
			return BTF_WALK_NOTHING;
		loose |= btf_is_union(t) && btf_vlen(t) != 1;
		if (at + bytes <= t->size)
			r = find_member(btf, &t, &at, bytes, loose, next);
		else if (!in_flexible(btf, &t, &at))
			return BTF_WALK_BEYOND;
		else if (btf_is_int(t))
			return BTF_WALK_NUMBER;
		else
			loose = true;
	}
	return r;
}
