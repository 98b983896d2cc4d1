/* SPDX-License-Identifier: MIT
 *
 * patchfmt.h - what a patched file says about itself: a marker at the start of the first
 * new segment, and .bpftime.meta, which is not loaded.
 *
 * The marker survives strip and --strip-sections; .bpftime.meta is found by its section,
 * or in a file without sections by the marker.  All offsets in the file are absolute. */
#ifndef BPFTIME_ABI_PATCHFMT_H
#define BPFTIME_ABI_PATCHFMT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PATCHFMT_MARKER_MAGIC 0x316b726d74667062ull	/* "bpftmrk1" */
#define PATCHFMT_META_MAGIC   0x3174656d74667062ull	/* "bpftmet1" */
enum { PATCHFMT_MARKER_VERSION = 1, PATCHFMT_META_VERSION = 1 };

struct patchfmt_marker {
	uint64_t magic;
	uint16_t version, size;
	uint32_t reserved;
	uint64_t meta_foff, meta_bytes;
	uint8_t  reserved2[32];
};

/* What a range of the original held that the patched file holds no more. */
enum patchfmt_saved_kind {
	SAVED_ELF_HEADER = 1,
	SAVED_PHDRS,		/* the table and what was evicted to make it grow */
	SAVED_DYNAMIC,		/* one Elf64_Dyn */
	SAVED_SYMBOL,		/* st_value of a symbol of what was moved */
	SAVED_SITE,		/* an edit of the plan */
};

struct patchfmt_saved {
	uint64_t foff;
	uint32_t bytes;
	uint32_t kind;		/* enum patchfmt_saved_kind */
	uint64_t data_off;	/* of the original bytes, from the start of the meta */
};

/* At offset 0 of .bpftime.meta.  The original is the first original_bytes of the file
 * with every saved range put back. */
struct patchfmt_meta {
	uint64_t magic;
	uint16_t version, size;
	uint32_t n_saved;
	uint64_t saved_off;	/* struct patchfmt_saved[n_saved], ascending by foff */
	uint64_t record_off, record_bytes;	/* the caller's: hook objects and command */
	uint64_t original_bytes, file_bytes;
	uint64_t meta_foff;	/* where this is */
	uint8_t  original_sha256[32];
	uint8_t  file_sha256[32];	/* of the whole patched file, with these 32 bytes zero */
};

#ifdef __cplusplus
}
#endif
#endif
