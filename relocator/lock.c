/* SPDX-License-Identifier: MIT
 *
 * The struct bpf_spin_lock in a map's values: by its type, as in the kernel (btf_parse_fields()). */
#include "maps.h"
#include "obj.h"

enum { LOCK_BYTES = 4 };

struct search {
	const struct btf *btf;
	uint64_t n;		/* locks found */
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
		if (strcmp(btf_str(s->btf, in->name_off), "bpf_spin_lock")) {
			look_into(s, in, at, n, depth + 1);
		} else if (in->size == LOCK_BYTES && at % LOCK_BYTES == 0) {
			s->n += n;
			s->off = at;
		}
	}
}

int obj_find_lock(struct obj *o, struct unit_map *m)
{
	const struct btf_type *t = m->value_btf_id ? btf_strip(o->btf, m->value_btf_id, NULL) : NULL;
	struct search s = { .btf = o->btf };

	if (!t || btf_kind(t) != BTF_KIND_STRUCT)
		return 0;
	look_into(&s, t, 0, 1, 0);
	if (!s.n)
		return 0;
	if (s.n > 1)
		return diag(o->dg, DIAG_R005, at_sec(o, m->name, -1), "more than one struct bpf_spin_lock "
			    "in a value");
	if (m->type != MAP_TYPE_hash && m->type != MAP_TYPE_array)
		return diag(o->dg, DIAG_R005, at_sec(o, m->name, -1), "a struct bpf_spin_lock can be in the "
			    "values of hash maps and arrays");
	if (m->flags & (MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG))
		return diag(o->dg, DIAG_R005, at_sec(o, m->name, -1), "a struct bpf_spin_lock where programs may "
			    "not both read and write");
	if (s.off + LOCK_BYTES > m->value_size)
		return diag(o->dg, DIAG_R005, at_sec(o, m->name, -1), "a struct bpf_spin_lock behind the value's "
			    "end");
	m->lock = (uint32_t)s.off + 1;
	return 0;
}
