/* SPDX-License-Identifier: MIT
 *
 * Do a local and a target type stand for the same?  Two relations:
 *
 *     compat  TYPE_EXISTS and the like: same kind; pointers, arrays and functions also
 *             by what they point at, hold, take and return
 *     match   TYPE_MATCHES: besides, each local member and enumerator is in the target
 *
 * Hostile types can make both exponential: every comparison takes one from the budget. */
#include "core.h"

#include "obj.h"

enum { MAX_LEVEL = 32, MAX_CHAIN = 32 };

struct pair {	/* what is compared; level: nesting left */
	const struct btf *lb;
	uint32_t l, t;
	int level;
	bool behind_ptr;
};

size_t core_plain_len(const char *name)
{
	size_t n = strlen(name);

	/* x___y, with neither x nor y an underscore; the last one counts */
	for (size_t i = n >= 5 ? n - 4 : 0; i-- > 0;)
		if (name[i] != '_' && !memcmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return n;
}

bool core_same_plain(const char *a, const char *b)
{
	size_t n = core_plain_len(a);

	return n == core_plain_len(b) && !memcmp(a, b, n);
}

bool core_kinds_compat(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_any_enum(a) && btf_is_any_enum(b));
}

static bool spend(struct core_target *t)
{
	if (!t->budget)
		return false;
	t->budget--;
	return true;
}

static int compat(struct core_target *t, struct pair p);

static int compat_params(struct core_target *t, struct pair p, const struct btf_type *lt,
			 const struct btf_type *tt)
{
	if (btf_vlen(lt) != btf_vlen(tt))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(lt); i++) {
		int yes;

		if (p.level <= 0)
			return -1;
		yes = compat(t, (struct pair){ p.lb, btf_params(lt)[i].type, btf_params(tt)[i].type,
					       p.level - 1, false });
		if (yes <= 0)
			return yes;
	}
	return 1;
}

/* What both are of that is no branch: pointee, element, result.  Followed in a loop. */
static void descend(struct pair *p, const struct btf_type *lt, const struct btf_type *tt)
{
	p->l = btf_is_array(lt) ? btf_array(lt)->type : lt->type;
	p->t = btf_is_array(tt) ? btf_array(tt)->type : tt->type;
}

static int compat(struct core_target *t, struct pair p)
{
	for (int chain = 0; chain < MAX_CHAIN; chain++) {
		const struct btf_type *lt = btf_strip(p.lb, p.l, &p.l);
		const struct btf_type *tt = btf_strip(t->btf, p.t, &p.t);
		int yes;

		if (!spend(t))
			return -1;
		if (!core_kinds_compat(lt, tt))
			return 0;
		switch (btf_kind(lt)) {
		case BTF_KIND_UNKN: case BTF_KIND_STRUCT: case BTF_KIND_UNION: case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64: case BTF_KIND_FWD:
			return 1;
		case BTF_KIND_INT:
			return !btf_int_offset(lt) && !btf_int_offset(tt);
		case BTF_KIND_PTR:
		case BTF_KIND_ARRAY:
			break;
		case BTF_KIND_FUNC_PROTO:
			yes = compat_params(t, p, lt, tt);
			if (yes <= 0)
				return yes;
			break;
		default:
			return 0;
		}
		descend(&p, lt, tt);
	}
	return -1;
}

int core_types_compat(const struct btf *lb, uint32_t l, struct core_target *t, uint32_t id)
{
	if (!core_kinds_compat(btf__type_by_id(lb, l), btf__type_by_id(t->btf, id)))
		return 0;
	return compat(t, (struct pair){ lb, l, id, MAX_LEVEL, false });
}

static bool same_name(const struct btf *lb, uint32_t l_off, const struct btf *tb, uint32_t t_off)
{
	return core_same_plain(btf_str(lb, l_off), btf_str(tb, t_off));
}

static uint32_t enumerator(const struct btf_type *t, uint32_t i)
{
	return btf_is_enum(t) ? btf_enum(t)[i].name_off : btf_enum64(t)[i].name_off;
}

static int match_enums(struct core_target *t, const struct btf *lb, const struct btf_type *lt,
		       const struct btf_type *tt)
{
	if (!btf_is_any_enum(tt) || lt->size != tt->size || btf_vlen(lt) > btf_vlen(tt))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(lt); i++) {
		uint32_t k = 0;

		while (k < btf_vlen(tt) &&
		       !same_name(lb, enumerator(lt, i), t->btf, enumerator(tt, k))) {
			if (!spend(t))
				return -1;
			k++;
		}
		if (k == btf_vlen(tt))
			return 0;
	}
	return 1;
}

static int match(struct core_target *t, struct pair p);

static int match_members(struct core_target *t, struct pair p, const struct btf_type *lt,
			 const struct btf_type *tt)
{
	const struct btf_member *lm = btf_members(lt), *tm = btf_members(tt);

	if (btf_vlen(lt) > btf_vlen(tt))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(lt); i++) {
		int yes = 0;

		for (uint32_t k = 0; k < btf_vlen(tt) && !yes; k++) {
			if (!spend(t))
				return -1;
			if (same_name(p.lb, lm[i].name_off, t->btf, tm[k].name_off))
				yes = match(t, (struct pair){ p.lb, lm[i].type, tm[k].type,
							      p.level - 1, p.behind_ptr });
		}
		if (yes <= 0)
			return yes;
	}
	return 1;
}

/* Behind a pointer the name is enough, and a declaration stands for the type. */
static int match_composites(struct core_target *t, struct pair p, const struct btf_type *lt,
			    const struct btf_type *tt)
{
	if (!p.behind_ptr)
		return btf_kind(lt) == btf_kind(tt) ? match_members(t, p, lt, tt) : 0;
	if (btf_kind(lt) == btf_kind(tt))
		return 1;
	return btf_is_fwd(tt) && btf_is_union(lt) == btf_kflag(tt);
}

static int match_fwd(const struct btf_type *lt, const struct btf_type *tt, bool behind_ptr)
{
	if (btf_is_fwd(tt))
		return btf_kflag(lt) == btf_kflag(tt);
	return behind_ptr && (btf_kflag(lt) ? btf_is_union(tt) : btf_is_struct(tt));
}

static int match_params(struct core_target *t, struct pair p, const struct btf_type *lt,
			const struct btf_type *tt)
{
	if (btf_vlen(lt) != btf_vlen(tt))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(lt); i++) {
		int yes = match(t,
				(struct pair){ p.lb, btf_params(lt)[i].type, btf_params(tt)[i].type,
					       p.level - 1, p.behind_ptr });
		if (yes <= 0)
			return yes;
	}
	return 1;
}

static int match_ints(const struct btf_type *lt, const struct btf_type *tt)
{
	return btf_is_int(tt) && lt->size == tt->size &&
	       !((btf_int_encoding(lt) ^ btf_int_encoding(tt)) & BTF_INT_SIGNED);
}

static int match(struct core_target *t, struct pair p)
{
	if (p.level <= 0)
		return -1;
	for (int chain = 0; chain < MAX_CHAIN; chain++) {
		const struct btf_type *lt = btf_strip(p.lb, p.l, &p.l);
		const struct btf_type *tt = btf_strip(t->btf, p.t, &p.t);
		int yes;

		if (!spend(t))
			return -1;
		if (!same_name(p.lb, lt->name_off, t->btf, tt->name_off))
			return 0;
		switch (btf_kind(lt)) {
		case BTF_KIND_UNKN:
			return btf_kind(tt) == BTF_KIND_UNKN;
		case BTF_KIND_FWD:
			return match_fwd(lt, tt, p.behind_ptr);
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return match_enums(t, p.lb, lt, tt);
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return match_composites(t, p, lt, tt);
		case BTF_KIND_INT:
			return match_ints(lt, tt);
		case BTF_KIND_PTR:
			if (!btf_is_ptr(tt))
				return 0;
			p.behind_ptr = true;
			break;
		case BTF_KIND_ARRAY:
			if (!btf_is_array(tt) || btf_array(lt)->nelems != btf_array(tt)->nelems)
				return 0;
			break;
		case BTF_KIND_FUNC_PROTO:
			yes = btf_is_func_proto(tt) ? match_params(t, p, lt, tt) : 0;
			if (yes <= 0)
				return yes;
			break;
		default:
			return 0;
		}
		descend(&p, lt, tt);
	}
	return -1;
}

int core_types_match(const struct btf *lb, uint32_t l, struct core_target *t, uint32_t id)
{
	return match(t, (struct pair){ lb, l, id, MAX_LEVEL, false });
}
