/* SPDX-License-Identifier: MIT
 *
 * Symbols that the object expects from outside: kernel configuration (__kconfig), which
 * becomes the frozen map ".kconfig", and kernel symbols and functions (__ksym), of which
 * a process has none but the functions of kfuncs.def: a weak one is absent (address 0), a
 * strong variable is refused, a known or strong function is named in unit->kfunc. */
#include <elf.h>

#include "core.h"
#include "helpers.h"
#include "maps.h"
#include "obj.h"
#include "objfmt.h"

enum { MAX_KCONFIG_BYTES = 1 << 20 };

static uint32_t find_type(const struct obj *o, const char *name)
{
	for (uint32_t id = 1; id < btf__type_cnt(o->btf); id++) {
		const struct btf_type *t = btf__type_by_id(o->btf, id);

		if (btf_is_var(t) ? btf_var(t)->linkage == BTF_VAR_GLOBAL_EXTERN :
		    btf_is_func(t) && btf_vlen(t) == BTF_FUNC_EXTERN)
			if (!strcmp(btf_str(o->btf, t->name_off), name))
				return id;
	}
	return 0;
}

/* Name of the DATASEC that lists a variable or function, or "". */
static const char *section_of(const struct obj *o, uint32_t type)
{
	for (uint32_t id = 1; id < btf__type_cnt(o->btf); id++) {
		const struct btf_type *t = btf__type_by_id(o->btf, id);

		for (uint32_t i = 0; btf_is_datasec(t) && i < btf_vlen(t); i++)
			if (btf_var_secinfos(t)[i].type == type)
				return btf_str(o->btf, t->name_off);
	}
	return "";
}

/* Size and alignment of what a __kconfig variable can be: an integer, an enum or an
 * array of characters. */
static int size_kconfig(struct obj *o, struct obj_ext *x)
{
	const struct btf_type *t = btf_strip(o->btf, btf__type_by_id(o->btf, x->btf_id)->type,
					     &x->type_id);
	const struct btf_type *elem = t;
	uint64_t n = 1;

	if (btf_is_array(t)) {
		n = btf_array(t)->nelems;
		elem = btf_strip(o->btf, btf_array(t)->type, NULL);
	}
	if ((!btf_is_int(elem) && !btf_is_any_enum(elem)) || (elem != t && elem->size != 1) ||
	    elem->size > 8 || !n || n > MAX_KCONFIG_BYTES)
		return diag(o->dg, DIAG_R008, at_sec(o, ".kconfig", -1),
			    "'%s': its type is not one that a configuration value can have",
			    x->name);
	x->align = elem->size;
	x->size = (uint32_t)(n * elem->size);
	return 0;
}

static int classify(struct obj *o, struct obj_ext *x)
{
	const char *sec;

	x->btf_id = o->btf ? find_type(o, x->name) : 0;
	sec = x->btf_id ? section_of(o, x->btf_id) : "";
	if (!strcmp(sec, ".ksyms")) {
		x->kind = btf_is_func(btf__type_by_id(o->btf, x->btf_id)) ? EXT_KFUNC : EXT_KSYM;
		return 0;
	}
	if (!strcmp(sec, ".ufuncs") && btf_is_func(btf__type_by_id(o->btf, x->btf_id))) {
		x->kind = EXT_HOST;
		return obj_add_host_function(o, x);
	}
	if (!strcmp(sec, ".kconfig") && btf_is_var(btf__type_by_id(o->btf, x->btf_id))) {
		x->kind = EXT_KCONFIG;
		return size_kconfig(o, x);
	}
	diag(o->dg, DIAG_R008, at_file(o->path), "'%s' is defined nowhere", x->name);
	diag_more(o->dg, "link its object in (bpftool gen object), or mark it __kconfig or __ksym");
	return -DIAG_R008;
}

/* By alignment, so that there are no gaps; then size and name, so that order in the
 * object does not matter (libbpf: cmp_externs). */
static int by_layout(const void *a, const void *b)
{
	const struct obj_ext *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct obj_ext *ext_named(const struct obj *o, const char *name)
{
	for (size_t i = 0; i < o->n_ext; i++)
		if (!strcmp(o->ext[i].name, name))
			return &o->ext[i];
	return NULL;
}

/* Places in the map, also written to the BTF that describes it. */
static int lay_out_kconfig(struct obj *o)
{
	int32_t id = btf__find_by_name_kind(o->btf, ".kconfig", BTF_KIND_DATASEC);
	struct btf_type *t;
	uint32_t off = 0;

	for (size_t i = 0; i < o->n_ext && o->ext[i].kind == EXT_KCONFIG; i++) {
		struct obj_ext *x = &o->ext[i];

		off = (off + x->align - 1) & ~(x->align - 1);
		x->off = off;
		off += x->size;
		if (off > MAX_KCONFIG_BYTES)
			return diag(o->dg, DIAG_R013, at_sec(o, ".kconfig", -1), "over %u bytes",
				    MAX_KCONFIG_BYTES);
	}
	o->kconfig_bytes = off;
	if (!off || id < 0)
		return 0;
	t = btf_mut(o->btf, (uint32_t)id);
	t->size = off;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct btf_var_secinfo *v = btf_var_secinfos(t) + i;
		struct btf_type *var = btf_mut(o->btf, v->type);
		const struct obj_ext *x = ext_named(o, btf_str(o->btf, var->name_off));

		if (!btf_is_var(var) || !x || x->kind != EXT_KCONFIG)
			return diag(o->dg, DIAG_R003, at_sec(o, ".kconfig", -1),
				    "'%s' has no symbol",
				    btf_str(o->btf, var->name_off));
		btf_var(var)->linkage = BTF_VAR_GLOBAL_ALLOCATED;
		v->offset = x->off;
		v->size = x->size;
	}
	btf_sort_datasec(t);
	return 0;
}

int obj_find_externs(struct obj *o)
{
	size_t cap = 0;

	for (uint32_t i = 1; i < o->n_sym; i++) {
		const struct obj_sym *y = &o->sym[i];
		struct obj_ext *x;
		int err;

		if (y->sec != SHN_UNDEF || y->type != STT_NOTYPE || !y->name[0] ||
		    (y->bind != STB_GLOBAL && y->bind != STB_WEAK))
			continue;
		if (ext_named(o, y->name))
			return diag(o->dg, DIAG_R002, at_file(o->path), "two symbols '%s'",
				    y->name);
		x = ARENA_PUSH(o->tmp, o->ext, o->n_ext, cap);
		*x = (struct obj_ext){ .name = y->name, .sym = i, .weak = y->bind == STB_WEAK,
				       .kfunc = -1 };
		err = classify(o, x);
		if (err)
			return err;
	}
	if (!o->n_ext)
		return 0;
	qsort(o->ext, o->n_ext, sizeof(*o->ext), by_layout);
	return lay_out_kconfig(o);
}

static char *plain_name(struct obj *o, const char *name)
{
	return arena_printf(o->a, "%.*s", (int)core_plain_len(name), name);
}

static bool is_known_kfunc(struct obj *o, const struct obj_ext *x)
{
	const struct helper_proto *k =
		x->kind == EXT_KFUNC ? kfunc_proto(plain_name(o, x->name)) : NULL;

	return k && !k->refused;
}

static int32_t kfunc_index(struct obj *o, const char *name)
{
	char *plain = plain_name(o, name);

	for (size_t i = 0; i < o->u->n_kfunc; i++)
		if (!strcmp(o->u->kfunc[i], plain))
			return (int32_t)i;
	*ARENA_PUSH(o->a, o->u->kfunc, o->u->n_kfunc, o->kfunc_cap) = plain;
	return (int32_t)(o->u->n_kfunc - 1);
}

static int ref_kfunc(struct obj *o, struct obj_ext *x, struct obj_func *f, uint32_t insn)
{
	struct bpfi *in = &f->insn[insn];

	if (in->src != BPFI_CALL_LOCAL)
		return diag(o->dg, DIAG_R007, at_insn(o->path, f->name, insn, NULL), "call to '%s'",
			    x->name);
	if (x->weak && !is_known_kfunc(o, x)) {
		obj_poison(o, f, insn, arena_printf(o->a, "'%s' is a kernel function", x->name));
		return 0;
	}
	if (x->kfunc < 0)
		x->kfunc = kfunc_index(o, x->name);
	in->src = BPFI_CALL_KFUNC;
	in->off = 0;
	in->imm = x->kfunc;
	return 0;
}

int obj_ref_extern(struct obj *o, struct obj_func *f, uint32_t insn, uint32_t sym)
{
	struct bpfi *in = &f->insn[insn];
	struct obj_ext *x = ext_named(o, o->sym[sym].name);
	bool call = in->code == BPFI_JMP_CALL;

	if (x && x->kind == EXT_HOST)
		return obj_ref_host_function(o, x, f, insn);
	if (!x || (call && x->kind != EXT_KFUNC) || (!call && insn + 1 >= f->n))
		return diag(o->dg, DIAG_R007, at_insn(o->path, f->name, insn, NULL), "to '%s'",
			    o->sym[sym].name);
	if (call)
		return ref_kfunc(o, x, f, insn);
	if (x->kind == EXT_KCONFIG) {
		in[0].src = BPFI_LD_MAP_VALUE;
		in[0].imm = o->kconfig_map;
		in[1].imm = (int32_t)x->off;
		return 0;
	}
	if (!x->weak) {
		diag(o->dg, DIAG_R008, at_insn(o->path, f->name, insn, NULL),
		     "kernel symbol '%s': no process has one", x->name);
		diag_more(o->dg,
			  "declare it __weak and test its address, if the program can do without");
		return -DIAG_R008;
	}
	in[0].src = BPFI_LD_CONST;
	in[0].imm = is_known_kfunc(o, x);	/* its address only says whether it is there */
	in[1].imm = 0;
	return 0;
}

void obj_poison(struct obj *o, struct obj_func *f, uint32_t insn, const char *why)
{
	struct bpfi *in = &f->insn[insn];
	uint32_t n = in->code == BPFI_LD_IMM64 && insn + 1 < f->n ? 2 : 1;

	for (uint32_t i = 0; i < n; i++) {
		in[i] = (struct bpfi){ .code = BPFI_JMP_CALL, .imm = BPFI_POISON_HELPER };
		*ARENA_PUSH(o->tmp, f->note, f->n_note, f->note_cap) =
			(struct unit_note){ insn + i, why };
	}
}

int obj_add_kconfig_map(struct obj *o)
{
	int32_t id;
	struct unit_map *m;

	if (!o->kconfig_bytes)
		return 0;
	if (obj_map_named(o, ".kconfig") >= 0)
		return diag(o->dg, DIAG_R002, at_sec(o, ".kconfig", -1), "a section of this name");
	id = btf__find_by_name_kind(o->btf, ".kconfig", BTF_KIND_DATASEC);
	m = obj_add_map(o, ".kconfig", (struct obj_place){ .size = o->kconfig_bytes });
	m->type = MAP_TYPE_array;
	m->key_size = 4;
	m->value_size = o->kconfig_bytes;
	m->max_entries = 1;
	m->flags = MAP_F_RDONLY_PROG | MAP_F_MMAPABLE;
	m->bits = MAP_BIT_RODATA;
	m->value_btf_id = id > 0 ? (uint32_t)id : 0;
	m->init = (struct bytes){ arena_alloc(o->a, o->kconfig_bytes), o->kconfig_bytes };
	o->kconfig_map = (int32_t)(o->u->n_map - 1);
	return 0;
}
