/* SPDX-License-Identifier: MIT
 *
 * eh_frame.h - unwind information of code that goes into a payload (LSB core 5.0, 10.6).
 *
 * Where objects bring it, backtraces and asynchronous cancellation pass through hook code.
 * Only what C code needs is kept: CIEs with augmentation "zR", pc-relative FDEs.  Records
 * of code that is left out are left out; so are those with handlers. */
#ifndef BPFTIME_LINKER_EH_FRAME_H
#define BPFTIME_LINKER_EH_FRAME_H

#include "objfile.h"

struct eh_record {
	uint64_t off, bytes;	/* of the whole record in the section as it was read */
	bool     cie;
	size_t   of;		/* FDE: index of its CIE */
	uint32_t sec;		/* FDE: the code it describes */
	uint64_t new_off;	/* CIE: where it was put */
	bool     put;
};

struct eh_frame {		/* of one file: obj_file.eh, NULL when it has none */
	uint32_t      sec;
	struct obj_sec was;	/* as it was read */
	struct eh_record *record;
	size_t n, cap;
	/* what eh_frame_keep kept, in order */
	struct eh_kept {
		uint64_t off;		/* of the FDE in the section as it is now */
		uint32_t sec;		/* its code */
		uint64_t pc;		/* and the place in it */
	} *kept;
	size_t n_kept;
};

/* Reads the records of f's .eh_frame, if it has one, into f->eh.  0 or -DIAG_L002. */
int eh_frame_read(struct arena *a, struct obj_file *f, struct diags *dg);

/* Makes f's .eh_frame what it was, before sections are marked. */
void eh_frame_restore(struct obj_file *f);

/* Makes f's .eh_frame hold the records of live sections, and nothing else; it is live when
 * there are any.  One that is live already, because something refers to it, stays as it
 * is: tables may lie in it. */
void eh_frame_keep(struct arena *a, struct obj_file *f);

#endif
