/* SPDX-License-Identifier: MIT
 *
 * own_frame.c - does a function keep out of what lies above its return address?
 *
 * Such a function takes no argument on the stack, so it may be called once more, from a
 * trampoline whose own return address and 8 bytes lie in between (return_x86_64.c).
 *
 * Looks at every instruction of the function and of the fragments that belong to it.  Where the
 * frame begins is known from the unwind rows: CFA is rsp or rbp and a distance, the return
 * address is the 8 bytes below.  An address is followed while it is in a register, in the
 * order of the code: compilers reach arguments from the stack or frame pointer, or a copy. */
#include "own_frame.h"

#include "cfi.h"
#include "decode_x86_64.h"

enum {
	RSP_ = 4, RBP_ = 5, MAX_PARTS = 8, ENDBR_BYTES = 4,
	SCRATCH = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 6 | 1 << 7 | 0xf << 8,	/* calls change them */
};

struct own_frame {
	const struct image *im;
	bool     reaches_up, called;
	int64_t  below[16];	/* a register holds CFA minus this; 0: something else */
	int64_t  rsp_below;	/* at least, while the CFA is told from rbp */
	uint64_t part[MAX_PARTS], part_end[MAX_PARTS];	/* the function, then its fragments */
	unsigned n_part;
};

/* How far below the CFA register r points, at this instruction; 0: not into the frame. */
static int64_t distance(const struct own_frame *f, const struct cfi_row *row, unsigned r)
{
	if (r == RSP_)
		return row->cfa.reg == CFI_RSP ? row->cfa.off : f->rsp_below;
	if (r == RBP_ && row->cfa.reg == CFI_RBP)
		return row->cfa.off;
	return r < 16 ? f->below[r] : 0;
}

/* A part of the function that the compiler put elsewhere: jumped to with the frame in place. */
static void add_part(struct own_frame *f, uint64_t vaddr)
{
	const struct image_fde *fde = image_fde_at(f->im, vaddr);

	for (unsigned i = 0; i < f->n_part; i++)
		if (vaddr - f->part[i] < f->part_end[i] - f->part[i])
			return;
	if (!fde || f->n_part == MAX_PARTS) {
		f->reaches_up = true;
		return;
	}
	f->part[f->n_part] = fde->vaddr;
	f->part_end[f->n_part++] = fde->vaddr + fde->bytes;
}

static void see_branch(struct own_frame *f, const struct dec_insn *in, const struct cfi_row *row,
		       uint64_t from, uint64_t end)
{
	bool leaves = in->has_target && in->target_vaddr - from >= end - from;

	/* A loop from the entry would call once more each time round. */
	if (in->has_target && !(in->bits & DEC_CALL) &&
	    in->target_vaddr - f->part[0] <= ENDBR_BYTES)
		f->reaches_up = true;
	/* With the return address on top it may be a tail call, whose callee has the arguments. */
	if (in->bits & DEC_JMP && !in->has_target && cfi_row_is_entry(row))
		f->reaches_up = true;
	if (!leaves || !(in->bits & (DEC_JMP | DEC_COND)))
		return;
	if (cfi_row_is_entry(row))
		f->reaches_up = true;
	else
		add_part(f, in->target_vaddr);
}

static void see_address(struct own_frame *f, const struct dec_insn *in, const struct cfi_row *row)
{
	int64_t k = in->has_ea ? distance(f, row, in->ea_base) : 0;
	unsigned to = in->regs_written ? (unsigned)__builtin_ctz(in->regs_written) : 0;
	bool moves_sp = in->regs_written == 1u << RSP_;

	/* The return address itself is at CFA - 8. */
	if (k && in->ea_disp > k - 16 && !(in->bits & DEC_LEA && moves_sp))
		f->reaches_up = true;
	if (in->has_ea && in->ea_index < 16 && distance(f, row, in->ea_index))
		f->reaches_up = true;
	if (in->bits & DEC_LEA && k)
		k -= in->ea_disp;
	else if (in->bits & DEC_COPY)
		k = distance(f, row, (unsigned)__builtin_ctz(in->regs_named));
	else
		k = 0;
	/* Arithmetic with the address of the frame is not followed. */
	for (unsigned r = 0; r < 16; r++)
		if (in->regs_named >> r & 1 && (r == RSP_ || r == RBP_) && distance(f, row, r) &&
		    !(in->bits & DEC_COPY) && !moves_sp)
			f->reaches_up = true;
	for (unsigned r = 0; r < 16; r++)
		if ((in->regs_written | (in->bits & DEC_CALL ? SCRATCH : 0)) >> r & 1)
			f->below[r] = 0;
	if (in->bits & (DEC_LEA | DEC_COPY))
		f->below[to] = k;
}

static void see_row(void *arg, uint64_t from, uint64_t to, const struct cfi_row *row)
{
	struct own_frame *f = arg;
	unsigned last = f->n_part - 1;
	struct dec_insn in;

	for (unsigned i = 0; i < f->n_part; i++)
		if (from - f->part[i] < f->part_end[i] - f->part[i])
			last = i;
	if (row->cfa.kind != CFI_REGISTER || (row->cfa.reg != CFI_RSP && row->cfa.reg != CFI_RBP) ||
	    row->reg[CFI_RA].kind != CFI_OFFSET || row->reg[CFI_RA].off != -8)
		f->reaches_up = true;
	for (uint64_t at = from; at < to && !f->reaches_up; at += in.len) {
		const uint8_t *p = image_at(f->im, at, to - at);

		if (!p || !dec_x86_64(p, to - at, at, &in) || (in.bits & DEC_RET && in.imm)) {
			f->reaches_up = true;
			return;
		}
		if (in.bits & DEC_NOP)
			continue;
		see_address(f, &in, row);
		see_branch(f, &in, row, f->part[last], f->part_end[last]);
		f->called |= in.bits & DEC_CALL;
		if (f->called)	/* pushes may be arguments now, which are popped again */
			continue;
		if (in.bits & DEC_PUSH)
			f->rsp_below += 8;
		else if (in.bits & DEC_SUB && in.regs_written == 1u << RSP_ && in.imm > 0)
			f->rsp_below += in.imm;
	}
}

bool own_frame_only(const struct image *im, uint64_t vaddr)
{
	const struct image_fde *fde = image_fde_at(im, vaddr);
	struct own_frame f = { .im = im, .rsp_below = 8 };

	if (!fde || fde->vaddr != vaddr)
		return false;
	add_part(&f, vaddr);
	for (unsigned i = 0; i < f.n_part && !f.reaches_up; i++)
		if (!cfi_rows(im, f.part[i], see_row, &f))
			return false;
	return !f.reaches_up;
}
