/* SPDX-License-Identifier: MIT
 *
 * mapfmt.h - a map's file: one header page, then the data.
 *
 * docs/maps.md describes the data of each kind and its invariants.  Offsets only, no
 * pointers.  A file whose header does not match the map that wants it is never
 * reinterpreted. */
#ifndef BPFTIME_ABI_MAPFMT_H
#define BPFTIME_ABI_MAPFMT_H

#include <stdint.h>

#include "maps.h"

#define MAPFMT_MAGIC 0x3170616d66706162ull	/* "bapfmap1" */

enum { MAPFMT_VERSION = 2, MAPFMT_HEADER_BYTES = 4096, MAPFMT_BYTE_ORDER = 0x01020304 };

enum mapfmt_state { MAPFMT_EMPTY = 0, MAPFMT_READY = 1 };

struct mapfmt_header {
	uint64_t magic;
	uint16_t version, size;
	uint32_t state;		/* enum mapfmt_state; READY is stored last, with release */
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t bits;		/* enum bpftime_map_bits */
	uint64_t map_extra;
	uint32_t page_bytes, cpu_count, byte_order;
	uint32_t frozen;
	uint32_t key_btf_id, value_btf_id;	/* in the object's btf file */
	uint64_t data_off;	/* MAPFMT_HEADER_BYTES */
	uint64_t data_bytes;	/* whole pages */
	char     name[64];
	char     object[64];
	uint8_t  stamp[8];	/* first bytes of the object's stamp hash */
	uint32_t lock;		/* 1 + offset of the struct bpf_spin_lock in a value; 0: none */
	uint32_t timer;		/* 1 + offset of the struct bpf_timer in a value; 0: none */
	uint64_t birth;		/* random, never 0: no two maps have the same */
	/* the rest of the page, from offset 1024, is private to the kind */
};
enum { MAPFMT_KIND_OFF = 1024 };

/* The value of an element of a map of maps, for processes: which map it holds.  The kernel's
 * four bytes, a file descriptor or an id, mean nothing here. */
enum mapfmt_where {
	MAPFMT_IN_FOLDER = 0,	/* in the folder of the map of maps */
	MAPFMT_IN_PINNED = 1,	/* in MAPFMT_PIN_DIR */
};
struct mapfmt_ref {
	uint64_t birth;		/* of the map that is meant: a later one of the same name is not */
	uint32_t type, key_size, value_size, max_entries, flags, lock;
	uint32_t where;		/* enum mapfmt_where */
	char     name[68];	/* of its file */
};
/* At MAPFMT_KIND_OFF of a map of maps: what the maps inside are like. */
struct mapfmt_inner {
	uint32_t type, key_size, value_size, max_entries, flags, lock;
};
/* May a map that is like `in` be in a map of maps with that template?
 * Source: kernel bpf_map_meta_equal(), array_map_meta_equal(). */
static inline int mapfmt_fits(const struct mapfmt_inner *t, const struct mapfmt_inner *in)
{
	int counted = (t->type == MAP_TYPE_array || t->type == MAP_TYPE_percpu_array) &&
		      !(in->flags & MAP_F_INNER_MAP);

	return t->type == in->type && t->key_size == in->key_size &&
	       t->value_size == in->value_size && t->flags == in->flags && t->lock == in->lock &&
	       (!counted || t->max_entries == in->max_entries);
}

/* An arena: in its header page the address of its first page as programs see it, and from the start of
 * the data two bitmaps, of pages that are taken and of pages that are backed, then the pages
 * (runtime-min/maps/arena.h). */
enum { MAPFMT_ARENA_START_OFF = MAPFMT_KIND_OFF + 16, MAPFMT_ARENA_PAGE = 4096 };
static inline uint64_t mapfmt_arena_backed(uint32_t pages)
{
	return (pages + 63ull) / 64 * 8;
}
static inline uint64_t mapfmt_arena_pages(uint32_t pages)
{
	return (2 * mapfmt_arena_backed(pages) + MAPFMT_ARENA_PAGE - 1) / MAPFMT_ARENA_PAGE * MAPFMT_ARENA_PAGE;
}

/* An element of a stack in a map with MAP_F_STACK_BUILD_ID: the kernel's struct bpf_stack_build_id. */
enum mapfmt_build_id_status {
	MAPFMT_BUILD_ID_EMPTY, MAPFMT_BUILD_ID_VALID, MAPFMT_BUILD_ID_IP,
};
struct mapfmt_build_id {
	int32_t  status;	/* enum mapfmt_build_id_status */
	uint8_t  id[20];	/* a shorter one ends in zeros */
	uint64_t at;		/* VALID: offset in the file; IP: address */
};

/* Files of an object, under $BPFTIME_DIR/<object>-<stamp8>/: */
#define MAPFMT_BTF_FILE ".btf"	/* raw BTF of the programs, for tools */
/* Files of a payload, under $BPFTIME_DIR/.hooks/: <payload id, 16 hex digits> is its
 * control area (rt.h), shared by all processes that run this payload. */
#define MAPFMT_CONTROL_DIR ".hooks"
/* Maps that objects share by name (LIBBPF_PIN_BY_NAME) are in $BPFTIME_DIR/pinned/. */
#define MAPFMT_PIN_DIR "pinned"
/* Files in the making, where a filesystem has none without a name: no reader looks at them. */
#define MAPFMT_TEMP_PREFIX ".new-"
/* The map directory's name, with its NUL, is at most this long for the runtime. */
#define MAPFMT_DIR_BYTES 512

#endif
