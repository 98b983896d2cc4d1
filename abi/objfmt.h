/* SPDX-License-Identifier: MIT
 *
 * objfmt.h - what a hook object holds besides code, and what a payload starts with.
 *
 * A hook object is an ELF relocatable for the target CPU.  All of these tables are
 * allocated, read-only, little endian, and made of self-relative offsets: a field
 * `x_rel` holds  target - &x_rel  as int32_t (R_X86_64_PC32 and its like), 0 for
 * "none".  So any linker can join the sections, nothing needs a dynamic relocation,
 * and the running payload reads the very same bytes.
 *
 *   .bpftime.object  one struct objfmt_object
 *   .bpftime.maps    array of struct bpftime_map     } of one object, in order;
 *   .bpftime.hooks   array of struct objfmt_hook     } objfmt_object counts them
 *   .bpftime.stamp   one struct objfmt_stamp
 *   .bpftime.externs array of struct objfmt_extern, only in objects made for a program that embeds them (vm.h)
 *   .bpftime.str     strings the *_rel fields point at
 *   .bpftime.slots   RW: one 8-byte base slot for each map without a room, one for each extern
 *   .bpftime.room.*  RW, page aligned: contents of each map that has a room
 *   .text.*, .rodata*  code; the only undefined symbols are bpftime_rt1_* (rt.def)
 *   .BTF             BTF of the program, allocated as well: init writes it next to the maps.
 *                    bpftool and libbpf read it there, as in any ELF file
 */
#ifndef BPFTIME_ABI_OBJFMT_H
#define BPFTIME_ABI_OBJFMT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	OBJFMT_OBJECT_VERSION = 2, OBJFMT_MAP_VERSION = 2, OBJFMT_HOOK_VERSION = 1,
	OBJFMT_STAMP_VERSION = 1, OBJFMT_EXTERN_VERSION = 2, OBJFMT_PAYLOAD_VERSION = 2,
	OBJFMT_NAME_BYTES = 64,
	OBJFMT_ROOM_TOTAL_BYTES = 1 << 20,	/* rooms of one payload, together */
};

struct objfmt_object {
	uint16_t version, size;
	uint32_t n_maps, n_hooks;
	int32_t  maps_rel;	/* struct bpftime_map[n_maps] */
	int32_t  hooks_rel;	/* struct objfmt_hook[n_hooks] */
	int32_t  stamp_rel;	/* struct objfmt_stamp */
	int32_t  name_rel;	/* file name without .bpf.o, as in map paths */
	int32_t  btf_rel;	/* raw BTF of the program (.BTF), or 0 */
	uint32_t btf_bytes;
	uint32_t n_externs;
	int32_t  externs_rel;	/* struct objfmt_extern[n_externs] */
	uint32_t reserved;
};

enum bpftime_map_bits {
	MAP_BIT_RODATA = 1,	/* frozen global data (.rodata, .kconfig): constant to verifier and optimiser */
	MAP_BIT_DATA = 2,	/* other global data (.data, .bss); never with RODATA */
	MAP_BIT_PINNED = 4,	/* LIBBPF_PIN_BY_NAME: shared by name between objects */
	MAP_BIT_TEMPLATE = 16,	/* what the maps inside another are like: has no data and no file */
	MAP_BIT_PAYLOAD = 8,	/* says what is true of one target (USDT arguments): the patcher writes
				 * it into the payload, and it never has a file */
};

/* A map, in the object and at run time: a map pointer in a program is the address
 * of this struct.  Attributes are the kernel's (union bpf_attr, BPF_MAP_CREATE). */
struct bpftime_map {
	uint16_t version, size;
	uint32_t type;		/* maps.def */
	uint32_t key_size, value_size;
	uint32_t max_entries;	/* ringbuf: bytes */
	uint32_t flags;		/* BPF_F_* */
	uint64_t map_extra;
	uint32_t key_btf_id, value_btf_id;
	uint32_t bits;		/* enum bpftime_map_bits */
	int32_t  name_rel;
	int32_t  object_rel;	/* the struct objfmt_object it belongs to */
	int32_t  slot_rel;	/* void *base: first byte of the map file's data (mapfmt.h) */
	int32_t  room_rel;	/* the data itself, when it has a room; then slot_rel is 0 */
	uint32_t room_bytes;	/* whole pages */
	int32_t  init_rel;	/* first contents of data without a room, or 0 (zeros); maps of maps:
				 * struct objfmt_inside, as many as there are */
	uint32_t init_bytes;
	int32_t  inner_rel;	/* template of the maps inside, or 0 */
	uint32_t lock;		/* 1 + offset of the struct bpf_spin_lock in a value; 0: none */
	int32_t  kind_rel;	/* code of the kind that init calls: bpftime_rt1_kind_<name>, with a
				 * room bpftime_rt1_room_<name> (rt.def) */
	uint32_t timer;		/* 1 + offset of the struct bpf_timer in a value; 0: none */
	uint32_t cpus;		/* that a map file read by a tool has values of; 0 in payloads: this machine's */
	int32_t  arena_rel;	/* first contents of an arena's pages, init_bytes of them, or 0 */
};

/* What a program that reads fields of its maps, as of the kernel's struct bpf_map, finds behind a map's
 * pointer: the row itself, and of an arena where it begins and ends, which is looked up instead. */
enum {
	OBJFMT_MAP_USER_START = 1024, OBJFMT_MAP_USER_END = OBJFMT_MAP_USER_START + 8,
};

/* A map that is in a map of maps from the start. It has no room. */
struct objfmt_inside {
	uint32_t key;
	uint32_t map;		/* of the same object */
};

struct objfmt_hook {
	uint16_t version, size;
	uint8_t  kind;		/* enum hook_kind */
	uint8_t  form;		/* enum entry_form of entry_rel */
	uint8_t  flags;		/* SEC_* */
	uint8_t  bits;		/* OBJFMT_HOOK_* */
	uint32_t ctx_mask;	/* fields of the frame that the program reads */
	int32_t  entry_rel;	/* specialised entry */
	int32_t  body_rel;	/* uint64_t prog(void *ctx, uint64_t arg), C convention; 0: not emitted.
				 * arg: HOOK_vm: bytes behind ctx; else the address of a uint64_t that
				 * counts tail calls, 0 at first, or 0: none are made */
	int32_t  prog_rel;	/* program (function) name */
	int32_t  spec_rel;	/* SEC() name as written */
	uint64_t cookie;	/* default; an attach point may override it */
	uint8_t  hash[32];	/* SHA-256 of the relocated program */
};

/* A function of the program that embeds the object, which writes its address into the slot (a
 * payload in somebody else's binary has nobody who would); or, OBJFMT_EXTERN_HOST, one of the
 * binary that the payload is spliced into, which the patcher finds by its name. */
struct objfmt_extern {
	uint16_t version, size;
	int32_t  id;		/* the number that programs call it by */
	uint8_t  ret, arg[5];	/* enum helper_ret, enum helper_arg: what was verified */
	uint8_t  bits;		/* enum objfmt_extern_bits */
	uint8_t  reserved;
	int32_t  name_rel;
	int32_t  slot_rel;	/* void *, in .bpftime.slots; HOST: 0 */
	int32_t  target_rel;	/* HOST: the function, in the payload; 0 in the object */
	uint32_t reserved2;
};
enum objfmt_extern_bits {
	OBJFMT_EXTERN_HOST = 1,
	OBJFMT_EXTERN_GOT = 2,	/* target_rel leads to a slot with the function's address; set by the patcher */
};

enum objfmt_hook_bits {
	OBJFMT_HOOK_OUTCOME = 1,	/* the entry says whether the function runs (hooks.h) */
	OBJFMT_HOOK_DECIDES = 2,	/* and may say no: without this bit only by a tail call */
};

enum objfmt_verdict { VERDICT_VERIFIED = 1, VERDICT_UNVERIFIED = 2 };

struct objfmt_stamp {
	uint16_t version, size;
	uint32_t verdict;	/* enum objfmt_verdict */
	uint32_t rt_abi;	/* RT_ABI_VERSION (rt.h) */
	uint32_t verifier;	/* version of the verifier's rules */
	uint8_t  hash[32];	/* SHA-256 over bytecode, maps, BTF and relied-on .rodata */
	char     target[32];	/* LLVM triple, NUL padded */
	char     cpu[32];
	char     compiler[32];	/* "bpftime-aot 0.1.0 llvm 19.1.7" */
	uint8_t  signature[64];	/* Ed25519 over the named sections; zero: unsigned */
};

/* ---- the payload: what the linker makes of hook objects and runtime ---- */

#define OBJFMT_PAYLOAD_MAGIC 0x316c7974667062ull	/* "bpftyl1" */

enum payload_bits {
	PAYLOAD_PRIVATE = 1,	/* never share maps (setuid targets) */
	PAYLOAD_READS_FAST = 2,	/* user reads under the exception table */
	PAYLOAD_ONE_SEGMENT = 4,	/* the RW part is mapped R-X: init makes it RW first */
};

/* One attach point: a hook of an object at one place of the target. */
struct bpftime_attach {
	uint32_t hook;		/* index over the payload's hooks, all objects in order */
	uint32_t word;		/* index of its enable word in the control area */
	int32_t  site_rel;	/* the patched instruction */
	int32_t  symbol_rel;	/* name shown to people, or 0 */
	uint64_t cookie;
};

/* At offset 0 of the payload's read-only part; the runtime knows it by the symbol
 * bpftime_rt1_payload, which the payload linker defines. */
struct bpftime_payload {
	uint64_t magic;
	uint16_t version, size;
	uint32_t bits;		/* enum payload_bits */
	uint32_t n_objects, n_attach;
	int32_t  objects_rel;	/* int32_t[n_objects], each self-relative to a struct objfmt_object */
	int32_t  attach_rel;	/* struct bpftime_attach[n_attach] */
	int32_t  control_rel;	/* control area (rt.h), RW, whole pages */
	uint32_t control_bytes;
	int32_t  dir_rel;	/* map directory stamped at patch time, or 0 for the default */
	int32_t  target_rel;	/* path of the target, for people */
	uint8_t  target_id[20];	/* its build id, zero padded */
	uint32_t target_id_bytes;
	int32_t  entry_rel;	/* the target's own e_entry: bpftime_rt1_start, which replaces it,
				 * initialises and jumps there with every register as it was; 0: none */
	int32_t  init_rel;	/* the target's own DT_INIT, for bpftime_rt1_start_dso, likewise;
				 * 0: return to the dynamic linker */
	uint8_t  id[32];	/* SHA-256 of this payload's inputs */
	uint64_t self_vaddr;	/* link-time address of this header */
	int32_t  rw_rel;	/* the RW part, */
	uint32_t rw_bytes;	/* whole pages */
};

/* Follows a self-relative field: NULL when it holds 0. */
#define BPFTIME_REL(type_, field_)                                               \
	((field_) ? (type_ *)((uintptr_t)&(field_) + (uintptr_t)(intptr_t)(field_)) : (type_ *)0)

#ifdef __cplusplus
}
#endif
#endif
