/* SPDX-License-Identifier: MIT
 *
 * unit.h - a BPF object after relocation: what the verifier and the compiler see.
 *
 * Made by relocate() (relocator.h) or by hand from test records.  Everything lives in
 * the unit's arena and is immutable once made.  Instructions are plain struct bpfi with
 * every reference resolved to an index (isa.h, "after relocation"): no map fds, no
 * symbols, CO-RE applied. */
#ifndef BPFTIME_RELOCATOR_UNIT_H
#define BPFTIME_RELOCATOR_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "hooks.h"
#include "isa.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

struct btf;	/* libbpf's */

/* First contents of one slot of a prog_array or a map of maps, from a static
 * initialiser (`.values = { [2] = &prog }`). */
struct map_init_slot {
	uint32_t slot;
	int32_t  target;	/* index of the program or map in the unit */
};

struct unit_map {
	const char *name;	/* ".rodata.str1.1", "counts"; unique in the unit */
	uint32_t type, key_size, value_size, max_entries, flags;
	uint64_t map_extra;
	uint32_t bits;		/* enum bpftime_map_bits (objfmt.h) */
	uint32_t key_btf_id, value_btf_id;
	struct bytes init;	/* global data: value_size bytes; else empty */
	int32_t  inner;		/* index of the template map, -1: none */
	uint32_t lock;		/* 1 + offset of the struct bpf_spin_lock in a value; 0: none */
	const struct map_init_slot *slots;
	size_t   n_slots;
	uint32_t timer;		/* 1 + offset of the struct bpf_timer in a value; 0: none */
};

/* A line of .BTF.ext: holds from slot `insn` to the next record. */
struct unit_line {
	uint32_t    insn;
	uint32_t    line, col;
	const char *file, *text;	/* never NULL; "" when unknown */
};

/* One function of a program: the main one first, then subprograms in the order in which
 * they were appended. */
struct unit_func {
	uint32_t    insn;	/* first slot */
	uint32_t    btf_id;	/* BTF_KIND_FUNC, 0: unknown */
	bool        global;	/* verified on its own, as the kernel does (btf linkage) */
	bool        callback;	/* reached through ld_imm64 FUNC */
	const char *name;
};

/* Why a slot holds BPFI_POISON_HELPER. */
struct unit_note {
	uint32_t    insn;
	const char *why;	/* "struct task_struct has no field 'x' in the target's BTF" */
};

struct unit_prog {
	const char *name;	/* function name */
	const char *sec;	/* as written: "uprobe/nginx:SSL_write" */
	const char *spec;	/* behind the slash, "" when there is none */
	enum hook_kind kind;
	enum prog_type type;
	unsigned    flags;	/* SEC_* */
	uint32_t    mem_bytes;	/* PROG_VM: size of the memory r1 points at */
	struct bpfi *insn;
	uint32_t    n_insn;	/* 8-byte slots */
	const struct unit_func *func;
	size_t      n_func;	/* >= 1 */
	const struct unit_line *line;
	size_t      n_line;
	const struct unit_note *note;	/* in no order */
	size_t      n_note;
};

enum { EXTERN_SIGNED = 0x80 };
/* A function of the process that embeds the program (vm.h), called like a helper. */
struct unit_extern {
	int32_t id;		/* the number it was registered by */
	struct helper_proto proto;
	bool    host;		/* of the binary that the program is hooked into, found by name; then: */
	uint8_t width[6];	/* bytes of the result (0: void) and of each argument, | EXTERN_SIGNED */
	void   *at;		/* uint64_t (*)(uint64_t or pointer, up to five times); NULL: not here */
};

struct unit {
	struct arena *arena;	/* owns all of it; unit_free() */
	const char *path;	/* as the user typed it */
	const char *name;	/* file name without .bpf.o or .o; [A-Za-z0-9_.-] only */
	const char *license;
	struct unit_map  *map;
	size_t            n_map;
	struct unit_prog *prog;
	size_t            n_prog;
	const struct unit_extern *ext;
	size_t            n_ext;
	const char      **kfunc;	/* names, indexed by the imm of a kfunc call */
	size_t            n_kfunc;
	struct btf       *btf;	/* of the program, DATASEC sizes filled in; NULL: none */
	struct bytes      btf_raw;
	struct btf       *target_btf;	/* of which bpf_core_type_id_kernel() names types; NULL: no program does */
};

void unit_free(struct unit *u);	/* NULL is fine */

/* "count.bpf.c:41" for a slot, in the unit's arena; NULL without line information. */
const char *unit_src(const struct unit *u, const struct unit_prog *p, uint32_t insn);
/* The line record in force at a slot, or NULL. */
const struct unit_line *unit_line_at(const struct unit_prog *p, uint32_t insn);
/* Why the slot is poisoned, or NULL. */
const char *unit_note_at(const struct unit_prog *p, uint32_t insn);
/* The function a slot belongs to. */
const struct unit_func *unit_func_at(const struct unit_prog *p, uint32_t insn);
/* The prototype of what a call instruction calls; NULL: it is unknown, or a function of the
 * program. */
const struct helper_proto *unit_callee(const struct unit *u, const struct bpfi *in);
/* Fills func and n_func of a program that nothing but its instructions describes: functions
 * are wherever calls and function pointers lead.  The verifier and the compiler refuse those
 * that lead outside. */
void unit_find_funcs(struct arena *a, struct unit_prog *p);

#ifdef __cplusplus
}
#endif
#endif
