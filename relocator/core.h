/* SPDX-License-Identifier: MIT
 *
 * core.h - CO-RE: what a relocation of .BTF.ext means in another kernel's types.
 *
 *     core_parse   access string + local BTF      -> core_path (what is named)
 *     core_calc    local path, target BTF         -> core_value (what it is there)
 *     core_apply   value, instruction             -> patched instruction
 *
 * Parse and calc are pure: they read BTF that btf_check() has accepted and write only
 * their result.  They explain a failure by returning a text, NULL means success.
 *
 * Source: the algorithm of the kernel's tools/lib/bpf/relo_core.c, whose decisions are
 * followed to the letter: a program means here what it means there. */
#ifndef BPFTIME_RELOCATOR_CORE_H
#define BPFTIME_RELOCATOR_CORE_H

#include <bpf/btf.h>

#include "arena.h"
#include "diag.h"
#include "isa.h"
#include "reader.h"

enum core_kind {	/* numbers of enum bpf_core_relo_kind */
	CORE_BYTE_OFFSET = 0, CORE_BYTE_SIZE = 1, CORE_FIELD_EXISTS = 2, CORE_SIGNED = 3,
	CORE_LSHIFT = 4, CORE_RSHIFT = 5,
	CORE_TYPE_ID_LOCAL = 6, CORE_TYPE_ID_TARGET = 7, CORE_TYPE_EXISTS = 8, CORE_TYPE_SIZE = 9,
	CORE_ENUMVAL_EXISTS = 10, CORE_ENUMVAL_VALUE = 11,
	CORE_TYPE_MATCHES = 12,
	CORE_KINDS,
};
enum core_class { CORE_OF_FIELD, CORE_OF_TYPE, CORE_OF_ENUMVAL };
enum core_class core_class(enum core_kind kind);
const char *core_kind_name(enum core_kind kind);	/* "field_exists", as bpftool writes it */

enum { CORE_MAX_PATH = 64 };

/* One turning point on the way to a field: a named member, or (name NULL) an element.
 * Anonymous structs on the way leave no step, only their offset. */
struct core_step {
	uint32_t    type_id;	/* member: the struct; element: the element's type, stripped */
	uint32_t    idx;
	const char *name;
};
struct core_path {
	const struct btf *btf;
	uint32_t root;		/* type, not stripped */
	uint64_t bit_off;
	uint32_t n, depth;	/* depth counts anonymous members too */
	struct core_step step[CORE_MAX_PATH];	/* step[0]: the pointer as an array */
};

struct core_value {
	uint64_t orig, now;	/* in the local and in the target BTF */
	bool     poison;	/* not there: the instruction must not be reached */
	bool     validate;	/* the instruction must hold orig */
	bool     bad_size;	/* a load or store of it would read another number */
	uint32_t orig_bytes, now_bytes;	/* of the field, when a load of it may be resized */
};

/* Types of the target, by name. */
struct core_target {
	struct btf *btf;
	uint32_t   *head, *next;	/* chains of type ids, ascending, by hash of the plain name */
	uint32_t    mask;
	uint64_t    budget;		/* steps left to match hostile types; then it is refused */
};

/* What to search for one local type; matches narrow it down for later relocations. */
struct core_cands { uint32_t *id; size_t n; };

/* path "": only struct pt_regs, as hooks.h has it.  NULL: the running kernel's, the
 * same as "" with a warning when it has none.  Else raw BTF or an ELF file with .BTF.
 * Returns 0, -DIAG_E001 or -DIAG_R010.  core_target_free() releases. */
int core_target_load(struct core_target *t, struct arena *a, const char *path, struct diags *dg);
/* struct bpf_map and bpf_arena as programs find them here, whatever the target is.  0, -DIAG_E003. */
int core_target_maps(struct core_target *t, struct arena *a, struct diags *dg);
void core_target_free(struct core_target *t);
struct core_cands core_candidates(struct arena *a, const struct core_target *t,
				  const struct btf *local, uint32_t type_id);

/* Length of a name without its ___flavour. */
size_t core_plain_len(const char *name);
bool core_same_plain(const char *a, const char *b);

const char *core_parse(const struct btf *btf, uint32_t type_id, enum core_kind kind,
		       const char *access, struct core_path *out);
bool core_is_flexible(const struct btf *btf, const struct core_step *of,
		      const struct btf_array *a);
/* "struct task_struct.mm.exe_file", "enum bpf_func_id::BPF_FUNC_loop" */
const char *core_describe(struct arena *a, const struct core_path *p, enum core_kind kind);

/* 1: yes, 0: no, -1: cannot be told (nested too deep, out of budget) */
int core_types_compat(const struct btf *lb, uint32_t l, struct core_target *t, uint32_t id);
int core_types_match(const struct btf *lb, uint32_t l, struct core_target *t, uint32_t id);
bool core_kinds_compat(const struct btf_type *a, const struct btf_type *b);

const char *core_calc(enum core_kind kind, const struct core_path *local, struct core_target *t,
		      struct core_cands *cands, struct core_value *out);

/* Patches in[0], for ld_imm64 also in[1]; n: slots from `in` to the function's end.
 * Sets *poison when the value cannot be had there and the slot must be poisoned. */
const char *core_apply(struct bpfi *in, uint32_t n, const struct core_value *v, bool *poison);

#endif
