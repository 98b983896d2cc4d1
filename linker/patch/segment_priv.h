/* SPDX-License-Identifier: MIT
 *
 * segment_priv.h - the steps of segment_plan() and segment_write(), one file each.
 *
 * The new part of a file, all of it behind the original's last byte:
 *
 *     RX segment   marker | payload RX | evicted bytes | merged .eh_frame_hdr
 *     RW segment   payload RW as far as it is not zeros   (one slot: all of it in the RX segment, on
 *                  pages of its own)
 *     not loaded   .bpftime.meta | .shstrtab | section headers */
#ifndef BPFTIME_LINKER_PATCH_SEGMENT_PRIV_H
#define BPFTIME_LINKER_PATCH_SEGMENT_PRIV_H

#include "image_priv.h"
#include "patchfmt.h"
#include "segment.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEGMENT_PAGE = 4096 };

/* How the program-header table grows. */
struct segment_room {
	unsigned n_new;			/* headers to add */
	unsigned n_phdr;		/* headers in all, reused ones not counted twice */
	bool     drop_note;		/* the PT_NOTE that PT_GNU_PROPERTY repeats is reused */
	uint64_t table_end;		/* file offset behind the grown table and its spare room */
	uint64_t evict_off, evict_end;	/* file range that moves; empty: equal */
	uint64_t evict_vaddr;		/* of evict_off */
	const Elf64_Phdr *grow;		/* PT_LOAD whose end must follow the table's, or NULL */
};

struct segment_plan {
	struct arena *a;
	const struct image *im;
	struct segment_room room;
	bool     one_slot, add_eh_phdr;
	uint64_t seg_foff, seg_vaddr;	/* page aligned; both grow alike from here */
	uint64_t rx_vaddr, rx_bytes;
	uint64_t evicted_vaddr;		/* new place of evict_off */
	uint64_t hdr_vaddr, hdr_bytes;	/* merged .eh_frame_hdr; 0: the original stays */
	size_t   n_old_hdr;		/* entries of the original in it */
	uint64_t rx_end_vaddr;		/* end of what is not written */
	uint64_t rw_vaddr, rw_bytes;
	uint64_t rw_file_bytes;		/* the rest is zeros that the file does not hold */
	uint64_t end_vaddr;
	uint64_t file_end_vaddr;	/* end of what the file holds */
};

static inline uint64_t segment_foff(const struct segment_plan *sp, uint64_t vaddr)
{
	return sp->seg_foff + (vaddr - sp->seg_vaddr);
}
static inline uint64_t segment_evict_bytes(const struct segment_plan *sp)
{
	return sp->room.evict_end - sp->room.evict_off;
}
/* What has to be added to an address in the evicted range. */
static inline uint64_t segment_evict_delta(const struct segment_plan *sp)
{
	return sp->evicted_vaddr - sp->room.evict_vaddr;
}
static inline bool segment_evicts(const struct segment_plan *sp, uint64_t vaddr)
{
	return vaddr - sp->room.evict_vaddr < segment_evict_bytes(sp);
}

/* One change to the original's bytes. */
struct segment_change {
	uint64_t foff;
	uint8_t *after;
	uint32_t bytes;
	enum patchfmt_saved_kind kind;
};
struct segment_changes {
	struct segment_change *c;
	size_t n, cap;
};

/* segment_room.c: room for headers; false with the reason in *why. */
struct segment_try {
	unsigned n_new;		/* headers to add */
	unsigned spare;		/* unused room behind them for as many more */
	bool     heavy;		/* .dynsym, .dynstr and versions may move */
	bool     drop_note;	/* the PT_NOTE that PT_GNU_PROPERTY repeats may go */
};
bool segment_find_room(struct arena *a, const struct image *im, const struct segment_try *t,
		       struct segment_room *out, const char **why);
/* Is this header's place free for another? */
bool segment_phdr_is_free(const struct image *im, const Elf64_Phdr *p, bool drop_note);

/* segment_refs.c: do code or relocations name an address in [lo, hi)? */
bool segment_is_referred(const struct image *im, uint64_t lo, uint64_t hi);

/* segment_eh.c: entries of the original's .eh_frame_hdr, or the FDEs where it has none. */
size_t segment_old_hdr_entries(const struct image *im);
/* Writes the merged table, hdr_bytes of it, to dst. */
void segment_write_hdr(const struct segment_plan *sp, const struct cfi_entry *cfi, size_t n_cfi,
		       uint8_t *dst);

/* segment_fix.c: everything in the original that names what moved, as changes. */
int segment_fix(struct segment_plan *sp, const struct segment_fill *f, struct segment_changes *ch,
		struct diags *dg);
/* Symbols inside the evicted bytes' new copy (.dynsym that moved). */
void segment_fix_moved(const struct segment_plan *sp, uint8_t *copy);
/* The grown table; dst has room for room.n_phdr. */
void segment_write_phdrs(const struct segment_plan *sp, Elf64_Phdr *dst);

/* segment_sect.c: section headers that cover the new part. Section-less files get none. */
struct segment_sections {
	bool     present;
	uint64_t n;		/* headers */
	uint8_t *names;
	uint64_t names_bytes;
	Elf64_Shdr *sh;
};
/* meta_foff, names_foff: where .bpftime.meta and .shstrtab go. */
void segment_make_sections(const struct segment_plan *sp, uint64_t meta_foff, uint64_t meta_bytes,
			   struct segment_sections *out);
void segment_set_names_foff(const struct segment_plan *sp, struct segment_sections *s,
			    uint64_t names_foff);

/* segment_meta.c: bytes of .bpftime.meta without its file hash. */
struct bytes segment_make_meta(const struct segment_plan *sp, const struct segment_changes *ch,
			       struct bytes record);
/* Fills the places that depend on where everything went. */
void segment_seal_meta(uint8_t *file, uint64_t file_bytes, uint64_t meta_foff);
/* The marker of a file of ours, NULL when it is not. */
const struct patchfmt_marker *segment_marker(const struct image *im);

#ifdef __cplusplus
}
#endif

#endif
