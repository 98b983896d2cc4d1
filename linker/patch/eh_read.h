/* SPDX-License-Identifier: MIT
 *
 * eh_read.h - the encodings of .eh_frame and .gcc_except_table (LSB core 10.5 and 10.6;
 * DWARF 5, 6.4 and 7.6; pointers as in gcc's unwind-pe.h).  The bytes are somebody else's:
 * a read outside of them sets `bad` and gives 0. */
#ifndef BPFTIME_LINKER_PATCH_EH_READ_H
#define BPFTIME_LINKER_PATCH_EH_READ_H

#include <stdbool.h>

#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

enum eh_pe {	/* encodings of pointers */
	EH_PE_ABSPTR = 0x00, EH_PE_ULEB128 = 0x01, EH_PE_UDATA2 = 0x02, EH_PE_UDATA4 = 0x03,
	EH_PE_UDATA8 = 0x04, EH_PE_SLEB128 = 0x09, EH_PE_SDATA2 = 0x0a, EH_PE_SDATA4 = 0x0b,
	EH_PE_SDATA8 = 0x0c, EH_PE_FORMAT = 0x0f,
	EH_PE_PCREL = 0x10, EH_PE_DATAREL = 0x30, EH_PE_ALIGNED = 0x50, EH_PE_BASE = 0x70,
	EH_PE_INDIRECT = 0x80, EH_PE_OMIT = 0xff,
};

enum dw_cfa {	/* call frame instructions: DWARF 5, table 7.29, and GNU's */
	DW_CFA_advance_loc = 0x40, DW_CFA_offset = 0x80, DW_CFA_restore = 0xc0,
	DW_CFA_nop = 0x00, DW_CFA_set_loc = 0x01, DW_CFA_advance_loc1 = 0x02,
	DW_CFA_advance_loc2 = 0x03, DW_CFA_advance_loc4 = 0x04, DW_CFA_offset_extended = 0x05,
	DW_CFA_restore_extended = 0x06, DW_CFA_undefined = 0x07, DW_CFA_same_value = 0x08,
	DW_CFA_register = 0x09, DW_CFA_remember_state = 0x0a, DW_CFA_restore_state = 0x0b,
	DW_CFA_def_cfa = 0x0c, DW_CFA_def_cfa_register = 0x0d, DW_CFA_def_cfa_offset = 0x0e,
	DW_CFA_def_cfa_expression = 0x0f, DW_CFA_expression = 0x10,
	DW_CFA_offset_extended_sf = 0x11, DW_CFA_def_cfa_sf = 0x12,
	DW_CFA_def_cfa_offset_sf = 0x13, DW_CFA_val_offset = 0x14, DW_CFA_val_offset_sf = 0x15,
	DW_CFA_val_expression = 0x16, DW_CFA_GNU_args_size = 0x2e,
};

struct eh_cursor {
	struct bytes b;
	uint64_t off;
	uint64_t vaddr;		/* of b.p */
	bool     bad;
};

uint64_t eh_take(struct eh_cursor *c, unsigned bytes);
uint64_t eh_uleb(struct eh_cursor *c);
int64_t  eh_sleb(struct eh_cursor *c);
/* Only absolute and PC-relative ones occur; 0 stays 0. */
uint64_t eh_pointer(struct eh_cursor *c, uint8_t enc);
/* Moves behind the next n bytes and returns them. */
struct bytes eh_block(struct eh_cursor *c, uint64_t n);

/* The length-prefixed entry at c->off: *body begins behind the length and ends with the
 * entry; c moves to the next one.  false at a terminator or at the end. */
bool eh_entry(struct eh_cursor *c, struct eh_cursor *body);

struct eh_cie {
	uint8_t  fde_enc, lsda_enc;	/* enum eh_pe */
	bool     has_data;		/* 'z': FDEs have augmentation data */
	bool     signal;		/* 'S': the kernel calls handlers from here */
	uint64_t code_align, ra_reg;
	int64_t  data_align;
	struct eh_cursor insn;		/* the initial instructions */
};
/* `body` as eh_entry() gives it.  false when it is no CIE, or one that this cannot read. */
bool eh_read_cie(struct eh_cursor body, struct eh_cie *out);

struct eh_fde {
	uint64_t pc, pc_bytes;
	uint64_t lsda_vaddr;	/* 0: none */
	struct eh_cursor insn;
};
/* `body` as eh_entry() gives it, of an FDE of that CIE. */
bool eh_read_fde(struct eh_cursor body, const struct eh_cie *cie, struct eh_fde *out);

#ifdef __cplusplus
}
#endif
#endif
