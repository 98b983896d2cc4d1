/* SPDX-License-Identifier: MIT
 *
 * From the local path to the target's: each candidate type is searched for the same
 * names, each that has them gives a value, all values must agree. */
#include "core.h"

#include "obj.h"

/* May a field of one type be read as one of the other?  Sizes of numbers do not matter. */
static bool fields_compat(const struct btf *lb, uint32_t l, const struct btf *tb, uint32_t t)
{
	for (;;) {	/* btf_check: arrays of arrays end */
		const struct btf_type *lt = btf_strip(lb, l, NULL), *tt = btf_strip(tb, t, NULL);
		const char *ln = btf_str(lb, lt->name_off), *tn = btf_str(tb, tt->name_off);

		if (btf_is_composite(lt) && btf_is_composite(tt))
			return true;
		if (!core_kinds_compat(lt, tt))
			return false;
		switch (btf_kind(lt)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return true;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return !core_plain_len(ln) || !core_plain_len(tn) ||
			       core_same_plain(ln, tn);
		case BTF_KIND_INT:
			return !btf_int_offset(lt) && !btf_int_offset(tt);
		case BTF_KIND_ARRAY:
			l = btf_array(lt)->type;
			t = btf_array(tt)->type;
			break;
		default:
			return false;
		}
	}
}

/* Searches struct `id` of the target, and anonymous ones in it, for the member that the
 * local step names.  1: found, *p and *next say where.  0: not there, or of another
 * type; *p is as before.  -1: cannot be told. */
static int find_member(const struct btf *lb, const struct core_step *want, struct core_target *t,
		       uint32_t id, struct core_path *p, uint32_t *next)
{
	const struct btf_type *lt = btf__type_by_id(lb, want->type_id);
	const struct btf_type *tt = btf_strip(t->btf, id, &id);
	const struct btf_member *m = btf_members(tt);

	if (!btf_is_composite(tt))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(tt); i++) {
		const char *name = btf_str(t->btf, m[i].name_off);
		uint32_t off = btf_member_bit_offset(tt, i);
		int found = 0;

		if (!t->budget || p->depth == CORE_MAX_PATH)
			return -1;
		t->budget--;
		if (name[0] && strcmp(name, want->name))
			continue;
		p->bit_off += off;
		p->depth++;
		if (!name[0]) {
			found = find_member(lb, want, t, m[i].type, p, next);
		} else if (fields_compat(lb, btf_members(lt)[want->idx].type, t->btf, m[i].type)) {
			p->step[p->n++] = (struct core_step){ id, i, name };
			*next = m[i].type;
			return 1;
		}
		if (found)
			return found;
		p->depth--;
		p->bit_off -= off;
		if (name[0])
			return 0;	/* the name is there, and means something else */
	}
	return 0;
}

static int follow_element(const struct core_step *want, bool first, struct core_path *p,
			  uint32_t *id)
{
	int64_t bytes;

	if (!first) {
		const struct btf_type *t = btf__type_by_id(p->btf, *id);
		const struct btf_array *a = btf_array(t);

		if (!btf_is_array(t) ||
		    (want->idx >= a->nelems && !core_is_flexible(p->btf, &p->step[p->n - 1], a)))
			return 0;
		btf_strip(p->btf, a->type, id);
	}
	if (p->depth == CORE_MAX_PATH)
		return -1;
	p->step[p->n++] = (struct core_step){ *id, want->idx, NULL };
	p->depth++;
	bytes = btf__resolve_size(p->btf, *id);
	if (bytes < 0 || (uint64_t)bytes * want->idx > INT32_MAX)
		return -1;
	p->bit_off += (uint64_t)bytes * want->idx * 8;
	return 1;
}

static int find_field(const struct core_path *local, struct core_target *t, uint32_t id,
		      struct core_path *p)
{
	for (uint32_t i = 0; i < local->n; i++) {
		const struct core_step *want = &local->step[i];
		int yes;

		btf_strip(t->btf, id, &id);
		yes = want->name ? find_member(local->btf, want, t, id, p, &id) :
				   follow_element(want, i == 0, p, &id);
		if (yes <= 0)
			return yes;
	}
	return 1;
}

static int find_enumval(const struct core_path *local, struct core_target *t, uint32_t id,
			struct core_path *p)
{
	const struct btf_type *e = btf_strip(t->btf, id, &id);

	for (uint32_t i = 0; btf_is_any_enum(e) && i < btf_vlen(e); i++) {
		const char *name = btf_str(t->btf, btf_is_enum(e) ? btf_enum(e)[i].name_off :
					   btf_enum64(e)[i].name_off);

		if (core_same_plain(local->step[0].name, name)) {
			p->step[p->n++] = (struct core_step){ id, i, name };
			return 1;
		}
	}
	return 0;
}

/* Does target type `id` have what the local path names?  Then *p is its path there. */
static int find_in(enum core_kind kind, const struct core_path *local, struct core_target *t,
		   uint32_t id, struct core_path *p)
{
	*p = (struct core_path){ .btf = t->btf, .root = id };
	if (kind == CORE_TYPE_MATCHES)
		return core_types_match(local->btf, local->root, t, id);
	switch (core_class(kind)) {
	case CORE_OF_TYPE: return core_types_compat(local->btf, local->root, t, id);
	case CORE_OF_ENUMVAL: return find_enumval(local, t, id, p);
	default: return find_field(local, t, id, p);
	}
}

/* What one side gives. */
struct side {
	uint64_t val;
	bool     poison, validate;
	uint32_t bytes, type_id;	/* of the field, for loads of it; 0: none */
};

/* Bytes of one element, through arrays of arrays; -1: no size. */
static int64_t element_bytes(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_strip(btf, id, &id);

	while (btf_is_array(t))
		t = btf_strip(btf, btf_array(t)->type, &id);
	return btf__resolve_size(btf, id);
}

static const char *side_of_element(enum core_kind kind, const struct core_path *p, struct side *s)
{
	uint32_t id = p->step[p->n - 1].type_id;
	int64_t bytes = kind == CORE_BYTE_OFFSET ? element_bytes(p->btf, id)
						 : btf__resolve_size(p->btf, id);

	s->validate = true;
	if (kind != CORE_BYTE_OFFSET && kind != CORE_BYTE_SIZE)
		return "not defined for an element of an array";
	if (bytes < 0)
		return "a type without a size";
	if (kind == CORE_BYTE_SIZE) {
		s->val = (uint64_t)bytes;
		return NULL;
	}
	s->val = p->bit_off / 8;
	s->bytes = (uint32_t)bytes;
	s->type_id = id;
	return NULL;
}

/* The load that a field is read with: bytes at byte_off, of which bit_size bits count. */
struct window { uint64_t byte_off, bytes, bit_size; bool bitfield; };

static const char *window_of(const struct core_path *p, uint32_t *field_id, struct window *w)
{
	const struct core_step *last = &p->step[p->n - 1];
	const struct btf_type *t = btf__type_by_id(p->btf, last->type_id);
	const struct btf_type *ft = btf_strip(p->btf, btf_members(t)[last->idx].type, field_id);
	int64_t bytes = btf__resolve_size(p->btf, *field_id);

	w->bit_size = btf_member_bitfield_size(t, last->idx);
	w->bitfield = w->bit_size > 0;
	if (bytes < 0 || (w->bitfield && !btf_is_int(ft) && !btf_is_any_enum(ft)))
		return "a field without a size";
	w->bytes = (uint64_t)bytes;
	w->byte_off = p->bit_off / 8;
	if (!w->bitfield) {
		w->bit_size = w->bytes * 8;
		return NULL;
	}
	for (;; w->bytes *= 2) {	/* the smallest aligned load that has it whole */
		w->byte_off = p->bit_off / 8 / w->bytes * w->bytes;
		if (p->bit_off + w->bit_size - w->byte_off * 8 <= w->bytes * 8)
			return NULL;
		if (w->bytes >= 8)
			return "a bit field that no 8-byte load has whole";
	}
}

static const char *side_of_field(enum core_kind kind, const struct core_path *p, struct side *s)
{
	const struct btf_type *ft;
	struct window w;
	const char *why;
	uint32_t id;

	if (kind == CORE_FIELD_EXISTS) {
		*s = (struct side){ .val = p != NULL, .validate = true };
		return NULL;
	}
	if (!p) {
		s->poison = true;
		return NULL;
	}
	if (!p->step[p->n - 1].name)
		return side_of_element(kind, p, s);
	why = window_of(p, &id, &w);
	if (why)
		return why;
	ft = btf__type_by_id(p->btf, id);
	/* Where a bit field is read from is the compiler's choice. */
	s->validate = !w.bitfield || kind == CORE_SIGNED || kind == CORE_RSHIFT;
	switch (kind) {
	case CORE_BYTE_OFFSET:
		s->val = w.byte_off;
		if (!w.bitfield) {
			int64_t bytes = element_bytes(p->btf, id);

			if (bytes < 0)
				return "a type without a size";
			s->bytes = (uint32_t)bytes;
			s->type_id = id;
		}
		return NULL;
	case CORE_BYTE_SIZE:
		s->val = w.bytes;
		return NULL;
	case CORE_SIGNED:
		s->val = (btf_is_any_enum(ft) && btf_kflag(ft)) ||
			 (btf_is_int(ft) && btf_int_encoding(ft) & BTF_INT_SIGNED);
		return NULL;
	case CORE_LSHIFT:	/* little endian: bits above the field */
		s->val = 64 - (p->bit_off + w.bit_size - w.byte_off * 8);
		return NULL;
	default:
		s->val = 64 - w.bit_size;
		return NULL;
	}
}

static const char *side_of_type(enum core_kind kind, const struct core_path *p, struct side *s)
{
	int64_t bytes;

	s->validate = kind != CORE_TYPE_ID_TARGET;
	if (!p)
		return NULL;	/* 0, whatever was asked */
	if (kind == CORE_TYPE_ID_TARGET) {
		s->val = p->root;
	} else if (kind == CORE_TYPE_SIZE) {
		bytes = btf__resolve_size(p->btf, p->root);
		if (bytes < 0)
			return "a type without a size";
		s->val = (uint64_t)bytes;
	} else {
		s->val = 1;
	}
	return NULL;
}

static void side_of_enumval(enum core_kind kind, const struct core_path *p, struct side *s)
{
	const struct btf_type *e;

	s->validate = true;
	if (kind == CORE_ENUMVAL_EXISTS) {
		s->val = p != NULL;
	} else if (!p) {
		s->poison = true;
	} else {
		e = btf__type_by_id(p->btf, p->step[0].type_id);
		s->val = btf_is_enum(e) ? (uint64_t)btf_enum(e)[p->step[0].idx].val :
					  btf_enum64_value(btf_enum64(e) + p->step[0].idx);
	}
}

static const char *side_of(enum core_kind kind, const struct core_path *p, struct side *s)
{
	*s = (struct side){ 0 };
	switch (core_class(kind)) {
	case CORE_OF_FIELD: return side_of_field(kind, p, s);
	case CORE_OF_TYPE: return side_of_type(kind, p, s);
	default: side_of_enumval(kind, p, s); return NULL;
	}
}

/* A load may be resized when what it reads stays the same number: pointers, and integers
 * without a sign. */
static bool can_resize(const struct btf *lb, const struct side *l, const struct btf *tb,
		       const struct side *t)
{
	const struct btf_type *a = btf__type_by_id(lb, l->type_id);
	const struct btf_type *b = btf__type_by_id(tb, t->type_id);

	if (btf_is_ptr(a) && btf_is_ptr(b))
		return true;
	return btf_is_int(a) && btf_is_int(b) && btf_int_encoding(a) != BTF_INT_SIGNED &&
	       btf_int_encoding(b) != BTF_INT_SIGNED;
}

/* target: NULL when no candidate has it */
static const char *value_of(enum core_kind kind, const struct core_path *local,
			    const struct core_path *target, struct core_value *v)
{
	struct side l, t;
	const char *why = side_of(kind, local, &l);

	if (!why)
		why = side_of(kind, target, &t);
	if (why)
		return why;
	*v = (struct core_value){ .orig = l.val,
				  .now = t.val,
				  .poison = t.poison,
				  .validate = l.validate,
				  .orig_bytes = l.bytes,
				  .now_bytes = t.bytes };
	if (!t.poison && l.bytes != t.bytes)
		v->bad_size = !can_resize(local->btf, &l, target->btf, &t);
	return NULL;
}

const char *core_calc(enum core_kind kind, const struct core_path *local, struct core_target *t,
		      struct core_cands *cands, struct core_value *out)
{
	struct core_path p;
	uint64_t bit_off = 0;
	size_t n = 0;

	if (kind == CORE_TYPE_ID_LOCAL) {
		*out = (struct core_value){ .orig = local->root, .now = local->root };
		return NULL;
	}
	if (!btf_str(local->btf, btf__type_by_id(local->btf, local->root)->name_off)[0])
		return "a type without a name";
	for (size_t i = 0; i < cands->n; i++) {
		struct core_value v;
		const char *why;
		int yes = find_in(kind, local, t, cands->id[i], &p);

		if (yes < 0)
			return "types nested too deep to be compared";
		if (!yes)
			continue;
		why = value_of(kind, local, &p, &v);
		if (why)
			return why;
		if (n && (p.bit_off != bit_off || v.poison != out->poison || v.now != out->now))
			return "several types of this name, which disagree";
		if (!n) {
			*out = v;
			bit_off = p.bit_off;
		}
		cands->id[n++] = cands->id[i];
	}
	if (n) {
		cands->n = n;
		return NULL;
	}
	return value_of(kind, local, NULL, out);
}
