/* SPDX-License-Identifier: MIT
 *
 * obj.h - a BPF object in the middle of relocation; internal to relocator/.
 *
 * relocator.c lists the steps.  Each takes the object as the steps before it left it,
 * and returns 0 or a negative diagnostic.  Everything lives in one of two arenas: the
 * unit's, or `tmp`, which ends with relocate(). */
#ifndef BPFTIME_RELOCATOR_OBJ_H
#define BPFTIME_RELOCATOR_OBJ_H

#include <bpf/btf.h>
#include <stdlib.h>

#include "diag.h"
#include "relocator.h"
#include "unit.h"

enum obj_role {
	ROLE_OTHER,
	ROLE_CODE,	/* executable */
	ROLE_DATA, ROLE_RODATA, ROLE_BSS,
	ROLE_MAPS,	/* BTF-defined maps */
	ROLE_ARENA,	/* first contents of the arena */
};

struct obj_sec {
	const char  *name;
	uint32_t     type, link, info;
	uint64_t     flags, entsize, size;
	struct bytes data;	/* empty for SHT_NOBITS */
	enum obj_role role;
	int32_t      map;	/* of a data section: index in the unit; else -1 */
};

struct obj_sym {
	const char *name;	/* of a nameless section symbol: the section's */
	uint8_t     type, bind, vis;
	uint16_t    sec;	/* SHN_UNDEF, below n_sec, or SHN_LORESERVE and up */
	uint64_t    value, size;
};

/* What an instruction of a function refers to, of which the distance depends on where
 * functions are put in a program. */
struct obj_call {
	uint32_t insn;		/* slot in the function */
	uint32_t callee;	/* index in obj->func */
	bool     address;	/* ld_imm64 of the function, not a call */
};

struct obj_func {
	const char  *name;
	uint32_t     sec, first, n;	/* slots within the section */
	bool         entry;		/* a program; else called by programs only */
	uint32_t     btf_id;
	struct bpfi *insn;		/* n of them, patched in place */
	struct obj_call *call;		/* ascending by insn */
	size_t       n_call;
	struct unit_note *note;		/* why a slot is poisoned */
	size_t       n_note, note_cap;
	int32_t      prog;		/* of an entry, after layout: index in the unit */
	uint32_t     at;		/* layout: where it is in the program being built */
};

enum obj_ext_kind { EXT_KCONFIG, EXT_KSYM, EXT_KFUNC, EXT_HOST };

/* A symbol that the object expects from outside. */
struct obj_ext {
	const char *name;
	uint32_t    sym, btf_id;
	enum obj_ext_kind kind;
	bool        weak, found;
	uint32_t    type_id, size, align, off;	/* kconfig: the variable, its place in the map */
	int32_t     kfunc;			/* index in the unit, or -1 */
};

/* One record of .BTF.ext: slots count from the section's start. */
struct obj_func_info { uint32_t sec, insn, type_id; };
struct obj_line_info { uint32_t sec, insn; struct unit_line line; };
struct obj_core      { uint32_t sec, insn, type_id, kind; const char *access; };

struct obj {
	struct arena *a, *tmp;
	struct diags *dg;
	const char   *path;
	const struct relocate_opts *opts;
	struct unit  *u;

	struct obj_sec *sec;
	size_t          n_sec;
	struct obj_sym *sym;
	size_t          n_sym;

	struct btf *btf;	/* the unit's; NULL without .BTF */
	struct obj_func_info *finfo;	/* the three in order of (sec, insn) */
	size_t                n_finfo, finfo_cap;
	struct obj_line_info *linfo;
	size_t                n_linfo, linfo_cap;
	struct obj_core      *core;
	size_t                n_core, core_cap;

	struct obj_func *func;	/* in order of (sec, first) */
	size_t           n_func;
	struct obj_ext  *ext;
	size_t           n_ext;
	int32_t          kconfig_map;	/* index in the unit, -1: none */
	uint32_t         kconfig_bytes;
	size_t           kfunc_cap, host_cap;
	struct unit_extern *host;	/* what u->ext is while it grows */

	struct obj_place {	/* of each map: where it is defined */
		uint32_t sec;
		uint64_t off, size;
		uint32_t def_id;	/* BTF struct of a BTF-defined map, else 0 */
		size_t   slot_cap;
	} *place;
	size_t map_cap, place_cap, n_place;
};

static inline struct loc at_sec(const struct obj *o, const char *sec, int64_t off)
{
	struct loc l = { o->path, sec, off, NULL };
	return l;
}

/* elf.c: the container.  Symbols have valid names and section numbers afterwards. */
int obj_open(struct obj *o);
const struct obj_sec *obj_sec_named(const struct obj *o, const char *name);

/* A relocation record: place, symbol and type. */
struct obj_rel { uint64_t off; uint32_t sym, type; };
enum { R_64_64 = 1, R_64_ABS64 = 2, R_64_ABS32 = 3, R_64_NODYLD32 = 4, R_64_32 = 10 };
/* The records of all relocation sections that apply to section `sec`, in file order. */
int obj_rels(struct obj *o, uint32_t sec, struct obj_rel **out, size_t *n);

/* btf_check.c: is this BTF well formed?  Header, sizes, names and ids in range, no type
 * that contains itself, nesting at most BTF_MAX_DEPTH; afterwards libbpf's btf__ API may
 * be used on it.  Returns NULL, or what is wrong, in `a`. */
enum { BTF_MAX_DEPTH = 64 };
const char *btf_check(struct arena *a, struct bytes raw);

/* btf_load.c: .BTF, with the sizes and offsets that clang leaves to the loader. */
int obj_load_btf(struct obj *o);
const struct btf_type *btf_strip(const struct btf *btf, uint32_t id, uint32_t *out_id);
const char *btf_str(const struct btf *btf, uint32_t off);	/* never NULL */
/* The type as something to write to: libbpf's BTF of the object is ours alone. */
struct btf_type *btf_mut(struct btf *btf, uint32_t id);

void btf_sort_datasec(struct btf_type *t);	/* variables by offset */

/* btf_ext.c: function, line and CO-RE records. */
int obj_load_btf_ext(struct obj *o);

/* funcs.c: what is a program, what a subprogram. */
int obj_find_funcs(struct obj *o);
/* The function that holds slot `insn` of section `sec`, or NULL. */
struct obj_func *obj_func_at(const struct obj *o, uint32_t sec, uint64_t insn);

/* maps.c: BTF-defined maps, then one for each data section. */
int obj_make_maps(struct obj *o);
struct unit_map *obj_add_map(struct obj *o, const char *name, struct obj_place at);
int32_t obj_map_named(const struct obj *o, const char *name);	/* -1: none */

/* lock.c: finds the struct bpf_spin_lock and the struct bpf_timer in the map's values, by their types. */
int obj_find_lock(struct obj *o, struct unit_map *m);

/* host.c: functions of the binary, in .ufuncs. */
int obj_add_host_function(struct obj *o, struct obj_ext *x);
int obj_ref_host_function(struct obj *o, const struct obj_ext *x, struct obj_func *f, uint32_t insn);

/* externs.c: __kconfig and __ksym. */
int obj_find_externs(struct obj *o);
int obj_add_kconfig_map(struct obj *o);
/* Writes what extern `sym` is into slot `insn` of a function. */
int obj_ref_extern(struct obj *o, struct obj_func *f, uint32_t insn, uint32_t sym);
/* Makes slot `insn` (both of a ld_imm64) a call that only dead code may hold. */
void obj_poison(struct obj *o, struct obj_func *f, uint32_t insn, const char *why);

/* core.c: CO-RE relocations. */
int obj_apply_core(struct obj *o);

/* setvar.c: --set.  kconfig.c: the other __kconfig values. */
int obj_set_vars(struct obj *o);
int obj_fill_kconfig(struct obj *o);

/* values.c: static initialisers of maps; after layout. */
int obj_map_values(struct obj *o);

/* refs.c: relocations of code. */
int obj_apply_refs(struct obj *o);

/* layout.c: programs with their subprograms behind them. */
int obj_layout(struct obj *o);

#endif
