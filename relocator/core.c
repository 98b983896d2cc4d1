/* SPDX-License-Identifier: MIT
 *
 * CO-RE over an object: each record of .BTF.ext is parsed, calculated and applied. */
#include "core.h"

#include "obj.h"

struct session {
	struct obj *o;
	struct core_target target, maps;
	struct core_cands *cands;	/* by local type id */
	bool *searched;
};

static int refuse(const struct obj *o, const struct obj_core *r, const struct obj_func *f,
		  const char *what, const char *why)
{
	return diag(o->dg, DIAG_R011, at_insn(o->path, f->name, r->insn - f->first, NULL), "%s: %s",
		    what, why);
}

/* Is it a field of a map? */
static bool is_map(const struct obj *o, uint32_t type_id)
{
	const char *name = btf_str(o->btf, btf__type_by_id(o->btf, type_id)->name_off);

	return core_same_plain(name, "bpf_map") || core_same_plain(name, "bpf_arena");
}

static int relocate_one(struct session *s, const struct obj_core *r)
{
	struct obj *o = s->o;
	struct obj_func *f = obj_func_at(o, r->sec, r->insn);
	enum core_kind kind = (enum core_kind)r->kind;
	struct core_path local;
	struct core_target *target = &s->target;
	struct core_value v;
	const char *why, *what;
	uint32_t at;
	bool poison;

	if (!f)
		return 0;	/* what the static linker left of an overridden weak function */
	at = r->insn - f->first;
	why = core_parse(o->btf, r->type_id, kind, r->access, &local);
	if (why)
		return refuse(o, r, f, why, r->access);
	what = arena_printf(o->tmp, "%s of %s", core_kind_name(kind),
			    core_describe(o->tmp, &local, kind));
	if (is_map(o, r->type_id)) {
		if (kind == CORE_TYPE_ID_TARGET)
			return refuse(o, r, f, what, "maps are not the kernel's here, and their type has no id");
		target = &s->maps;
	}
	if (kind != CORE_TYPE_ID_LOCAL && !s->searched[r->type_id]) {
		s->cands[r->type_id] = core_candidates(o->tmp, target, o->btf, r->type_id);
		s->searched[r->type_id] = true;
	}
	why = core_calc(kind, &local, target, &s->cands[r->type_id], &v);
	if (!why)
		why = core_apply(&f->insn[at], f->n - at, &v, &poison);
	if (why)
		return refuse(o, r, f, what, why);
	if (poison)
		obj_poison(o, f, at,
			   arena_printf(o->a,
					v.poison ? "%s: not in the target's BTF"
						 : "%s: has another size in the target's BTF",
					what));
	return 0;
}

int obj_apply_core(struct obj *o)
{
	struct session s = { .o = o };
	bool need_target = o->opts->btf_path;	/* named, it has to be there */
	int err = 0;

	for (size_t i = 0; i < o->n_core; i++)
		need_target |= o->core[i].kind != CORE_TYPE_ID_LOCAL;
	if (need_target)
		err = core_target_load(&s.target, o->tmp, o->opts->btf_path, o->dg);
	if (!err && need_target)
		err = core_target_maps(&s.maps, o->tmp, o->dg);
	if (!err && o->n_core) {
		s.cands = arena_array(o->tmp, btf__type_cnt(o->btf), sizeof(*s.cands));
		s.searched = arena_array(o->tmp, btf__type_cnt(o->btf), sizeof(*s.searched));
	}
	for (size_t i = 0; i < o->n_core && !err; i++)
		err = relocate_one(&s, &o->core[i]);
	for (size_t i = 0; i < o->n_core && !err; i++)
		if (o->core[i].kind == CORE_TYPE_ID_TARGET && !o->u->target_btf) {
			o->u->target_btf = s.target.btf;
			s.target.btf = NULL;
		}
	core_target_free(&s.target);
	core_target_free(&s.maps);
	return err;
}
