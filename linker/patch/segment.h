/* SPDX-License-Identifier: MIT
 *
 * segment.h - room for a payload in an ELF file.
 *
 * Never moves existing bytes: the program-header table stays where it is and grows in
 * place by evicting its neighbours (.interp, .note*, .gnu.hash; in shared objects also
 * .dynsym, .dynstr, .gnu.version*) into the new segment.  Two slots give RX and RW; one
 * gives a single R-X segment with filesz == memsz whose data part init makes RW. */
#ifndef BPFTIME_LINKER_PATCH_SEGMENT_H
#define BPFTIME_LINKER_PATCH_SEGMENT_H

#include "image.h"
#include "payload.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

struct segment_plan;	/* which slots, what is evicted, where everything goes */

struct segment_place {
	uint64_t rx_vaddr, rw_vaddr;	/* of the payload's parts */
	bool     one_slot;
};

/* Chooses addresses for a payload of that size.  extra_hdr_entries > 0: also room for a
 * merged .eh_frame_hdr with that many entries of ours (not where the original has no unwind
 * data).  Returns 0, -DIAG_P105 (no room for a program header), -DIAG_P106 (overlay),
 * -DIAG_P107 (over 2 GiB), -DIAG_P110. */
int segment_plan(struct arena *a, const struct image *im, const struct lnk_size *size,
		 size_t extra_hdr_entries, struct segment_plan **out,
		 struct segment_place *place, struct diags *dg);

/* The bytes of the patched file: input + edits + evictions + segment + section headers
 * that cover it + .bpftime.meta (original bytes and hook objects, for revert).
 * entry_vaddr, init_vaddr: new e_entry or DT_INIT, 0 to keep.  Where there is neither a
 * DT_INIT nor a spare dynamic entry, init_vaddr has no effect.
 * meta: hook objects and command, so that a later run can plan the union. */
struct segment_fill {
	struct bytes rx, rw;
	const struct edits *edits;
	const struct cfi_entry *cfi;
	size_t   n_cfi;
	uint64_t entry_vaddr, init_vaddr;
	struct bytes meta;
};
int segment_write(struct segment_plan *sp, const struct segment_fill *f, struct bytes *out,
		  struct diags *dg);

/* A patched file's own record, for --list, --revert and re-patching.
 * Returns 1 and *meta when the file is one of ours, 0 when not, or -DIAG_P... (foreign
 * version, damaged).  A file that was stripped since still has it. */
int segment_meta(struct arena *a, const struct image *im, struct bytes *meta, struct diags *dg);

/* The original file's bytes.  -DIAG_P021: not one of ours; -DIAG_P108: of another version;
 * -DIAG_P109: modified since. */
int segment_revert(struct arena *a, const struct image *im, struct bytes *out, struct diags *dg);

/* What a patched file keeps of its original, ascending. 1, 0 or a code, as segment_meta(). */
struct segment_saved_range {
	uint64_t     foff;
	uint32_t     kind;	/* enum patchfmt_saved_kind */
	struct bytes before;
};
struct segment_saved {
	struct segment_saved_range *range;
	size_t   n;
	uint64_t original_bytes;
};
int segment_saved(struct arena *a, const struct image *im, struct segment_saved *out,
		  struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
