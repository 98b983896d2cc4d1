/* SPDX-License-Identifier: MIT
 *
 * .BTF.ext: which function and which source line an instruction belongs to, and the
 * CO-RE relocations.  A segment is the size of a record, then for each section its name,
 * a count, and the records.
 *
 * Source: Documentation/bpf/btf.rst of the kernel. */
#include <stdlib.h>

#include "obj.h"

struct ext_header {
	uint16_t magic;
	uint8_t  version, flags;
	uint32_t hdr_len;
	uint32_t func_off, func_len, line_off, line_len;
	uint32_t core_off, core_len;	/* when hdr_len reaches this far */
};
enum { HDR_NO_CORE = 24 };

struct func_rec { uint32_t insn_off, type_id; };
struct line_rec { uint32_t insn_off, file, text, line_col; };
struct core_rec { uint32_t insn_off, type_id, access, kind; };

typedef int (*take_fn)(struct obj *o, uint32_t sec, const void *rec);

static int bad(const struct obj *o, const char *what)
{
	return diag(o->dg, DIAG_R003, at_sec(o, ".BTF.ext", -1), "%s", what);
}

static int read_segment(struct obj *o, struct bytes seg, size_t min_bytes, take_fn take)
{
	uint64_t off = 4;
	uint32_t rec_bytes, head[2];

	if (!seg.n)
		return 0;
	if (!bytes_get(seg, 0, &rec_bytes, 4) || rec_bytes < min_bytes || rec_bytes % 4)
		return bad(o, "size of a record");
	while (off < seg.n) {
		const struct obj_sec *s;
		const char *name;

		if (!bytes_get(seg, off, head, 8) ||
		    !bytes_at(seg, off + 8, (uint64_t)head[1] * rec_bytes))
			return bad(o, "cut off");
		off += 8;
		name = btf_str(o->btf, head[0]);
		s = obj_sec_named(o, name);
		if (!s || s->role != ROLE_CODE)	/* a discarded section's records stay behind */
			s = NULL;
		for (uint32_t i = 0; i < head[1]; i++, off += rec_bytes) {
			uint32_t rec[4];
			int err;

			bytes_get(seg, off, rec, min_bytes);
			if (!s)
				continue;
			if (rec[0] % 8 || rec[0] >= s->size)
				return bad(o, "instruction offset outside its section");
			err = take(o, (uint32_t)(s - o->sec), rec);
			if (err)
				return err;
		}
	}
	return 0;
}

static int take_func(struct obj *o, uint32_t sec, const void *rec)
{
	const struct func_rec *r = rec;
	struct obj_func_info *f = ARENA_PUSH(o->tmp, o->finfo, o->n_finfo, o->finfo_cap);
	const struct btf_type *t = btf__type_by_id(o->btf, r->type_id);

	if (!t || !btf_is_func(t))
		return bad(o, "function record without a function");
	*f = (struct obj_func_info){ sec, r->insn_off / 8, r->type_id };
	return 0;
}

static int take_line(struct obj *o, uint32_t sec, const void *rec)
{
	const struct line_rec *r = rec;
	struct obj_line_info *l = ARENA_PUSH(o->tmp, o->linfo, o->n_linfo, o->linfo_cap);

	*l = (struct obj_line_info){
		.sec = sec, .insn = r->insn_off / 8,
		.line = { .line = r->line_col >> 10, .col = r->line_col & 0x3ff,
			  .file = btf_str(o->btf, r->file), .text = btf_str(o->btf, r->text) },
	};
	return 0;
}

static int take_core(struct obj *o, uint32_t sec, const void *rec)
{
	const struct core_rec *r = rec;
	struct obj_core *c = ARENA_PUSH(o->tmp, o->core, o->n_core, o->core_cap);

	if (!r->type_id || r->type_id >= btf__type_cnt(o->btf))
		return bad(o, "CO-RE record without a type");
	*c = (struct obj_core){ sec, r->insn_off / 8, r->type_id, r->kind,
				btf_str(o->btf, r->access) };
	return 0;
}

/* All three records start with {sec, insn}.  Ties keep file order, which the addresses
 * of the records tell: qsort() is not stable. */
#define BY_PLACE(name_, type_)                                                    \
	static int name_(const void *a, const void *b)                            \
	{                                                                         \
		const type_ *x = *(const type_ *const *)a, *y = *(const type_ *const *)b; \
                                                                                  \
		if (x->sec != y->sec)                                             \
			return x->sec < y->sec ? -1 : 1;                          \
		if (x->insn != y->insn)                                           \
			return x->insn < y->insn ? -1 : 1;                        \
		return x < y ? -1 : x > y;                                        \
	}
BY_PLACE(func_by_place, struct obj_func_info)
BY_PLACE(line_by_place, struct obj_line_info)
BY_PLACE(core_by_place, struct obj_core)

static void *sorted(struct obj *o, const void *vec, size_t n, size_t bytes,
		    int (*cmp)(const void *, const void *))
{
	const uint8_t **ref = arena_array(o->tmp, n, sizeof(*ref));
	uint8_t *out = arena_array(o->tmp, n, bytes);

	for (size_t i = 0; i < n; i++)
		ref[i] = (const uint8_t *)vec + i * bytes;
	qsort(ref, n, sizeof(*ref), cmp);
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * bytes, ref[i], bytes);
	return out;
}

int obj_load_btf_ext(struct obj *o)
{
	const struct obj_sec *s = obj_sec_named(o, ".BTF.ext");
	struct ext_header h = { 0 };
	struct bytes part[3];
	int err;

	if (!s || !o->btf)
		return 0;
	if (!bytes_get(s->data, 0, &h, HDR_NO_CORE) || h.magic != BTF_MAGIC || h.version != 1)
		return bad(o, "header");
	if (h.hdr_len >= sizeof(h) && !bytes_get(s->data, 0, &h, sizeof(h)))
		return bad(o, "header");
	part[0] = (struct bytes){ bytes_at(s->data, (uint64_t)h.hdr_len + h.func_off, h.func_len),
				 h.func_len };
	part[1] = (struct bytes){ bytes_at(s->data, (uint64_t)h.hdr_len + h.line_off, h.line_len),
				 h.line_len };
	part[2] = (struct bytes){ bytes_at(s->data, (uint64_t)h.hdr_len + h.core_off, h.core_len),
				 h.core_len };
	if (h.hdr_len < HDR_NO_CORE || !part[0].p || !part[1].p || !part[2].p)
		return bad(o, "segments outside the section");
	err = read_segment(o, part[0], sizeof(struct func_rec), take_func);
	if (!err)
		err = read_segment(o, part[1], sizeof(struct line_rec), take_line);
	if (!err)
		err = read_segment(o, part[2], sizeof(struct core_rec), take_core);
	if (err)
		return err;
	o->finfo = sorted(o, o->finfo, o->n_finfo, sizeof(*o->finfo), func_by_place);
	o->linfo = sorted(o, o->linfo, o->n_linfo, sizeof(*o->linfo), line_by_place);
	o->core = sorted(o, o->core, o->n_core, sizeof(*o->core), core_by_place);
	return 0;
}
