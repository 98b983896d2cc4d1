/* SPDX-License-Identifier: MIT
 *
 * The struct bpf_spin_lock and the struct bpf_timer in a map's values: by their types, as in the
 * kernel (btf_parse_fields()). */
#include "maps.h"
#include "obj.h"

struct special {
	const char *name;
	uint32_t bytes, align;
};
static const struct special a_lock = { "bpf_spin_lock", 4, 4 }, a_timer = { "bpf_timer", 16, 8 };

struct search {
	const struct btf *btf;
	const struct special *what;
	uint64_t n;		/* found */
	uint64_t off;		/* of the last one */
};

/* In a struct of type `t`, at byte `off` of the value, of which there are `copies`. */
static void look_into(struct search *s, const struct btf_type *t, uint64_t off, uint64_t copies,
		      unsigned depth)
{
	if (depth > BTF_MAX_DEPTH || !copies)
		return;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const struct btf_type *in = btf_strip(s->btf, m->type, NULL);
		uint64_t at = off + btf_member_bit_offset(t, i) / 8, n = copies;

		while (btf_is_array(in)) {
			n = btf_array(in)->nelems && n <= UINT32_MAX ? n * btf_array(in)->nelems : 0;
			in = btf_strip(s->btf, btf_array(in)->type, NULL);
		}
		if (!n || btf_kind(in) != BTF_KIND_STRUCT)
			continue;
		if (strcmp(btf_str(s->btf, in->name_off), s->what->name)) {
			look_into(s, in, at, n, depth + 1);
		} else if (in->size == s->what->bytes && at % s->what->align == 0) {
			s->n += n;
			s->off = at;
		}
	}
}

/* *place: 1 + its offset, 0: there is none.  kinds: of map that may have one, as a text. */
static int find(struct obj *o, struct unit_map *m, const struct btf_type *t, const struct special *what,
		bool fits, const char *kinds, uint32_t *place)
{
	struct search s = { .btf = o->btf, .what = what };
	struct loc at = at_sec(o, m->name, -1);

	look_into(&s, t, 0, 1, 0);
	if (!s.n)
		return 0;
	if (s.n > 1)
		return diag(o->dg, DIAG_R005, at, "more than one struct %s in a value", what->name);
	if (!fits)
		return diag(o->dg, DIAG_R005, at, "a struct %s can be in the values of %s", what->name, kinds);
	if (m->flags & (MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG))
		return diag(o->dg, DIAG_R005, at, "a struct %s where programs may not both read and write",
			    what->name);
	if (s.off + what->bytes > m->value_size)
		return diag(o->dg, DIAG_R005, at, "a struct %s behind the value's end", what->name);
	*place = (uint32_t)s.off + 1;
	return 0;
}

int obj_find_lock(struct obj *o, struct unit_map *m)
{
	const struct btf_type *t = m->value_btf_id ? btf_strip(o->btf, m->value_btf_id, NULL) : NULL;
	bool hash_or_array = m->type == MAP_TYPE_hash || m->type == MAP_TYPE_array;
	int r;

	if (!t || btf_kind(t) != BTF_KIND_STRUCT)
		return 0;
	r = find(o, m, t, &a_lock, hash_or_array, "hash maps and arrays", &m->lock);
	if (r < 0)
		return r;
	return find(o, m, t, &a_timer, hash_or_array || m->type == MAP_TYPE_lru_hash,
		    "hash maps, LRU hash maps and arrays", &m->timer);
}
