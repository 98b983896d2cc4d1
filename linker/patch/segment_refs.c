/* SPDX-License-Identifier: MIT
 *
 * segment_refs.c - a program that looks at its own notes by address must go on finding
 * them: what code or relocations name is not evicted. */
#include "decode_x86_64.h"
#include "segment_priv.h"

struct refs {
	const struct image *im;
	uint64_t lo, hi;
};

static bool hits(const struct refs *r, uint64_t v) { return v >= r->lo && v < r->hi; }

/* Start of the function around vaddr, 0 when none is known. */
static uint64_t function_at(const struct image *im, uint64_t vaddr)
{
	const struct image_fde *fde = image_fde_at(im, vaddr);
	size_t lo = 0, hi = im->n_sym;

	if (fde)
		return fde->vaddr;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (im->sym[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && vaddr - im->sym[lo - 1].vaddr < im->sym[lo - 1].bytes)
		return im->sym[lo - 1].vaddr;
	return 0;
}

/* The instruction that has the byte at vaddr, decoding from the start of its function. */
static bool insn_over(const struct refs *r, const Elf64_Phdr *ph, uint64_t vaddr,
		      struct dec_insn *in, uint64_t *start)
{
	const uint8_t *p = r->im->file.p + ph->p_offset;
	uint64_t at = function_at(r->im, vaddr);

	if (!at || at < ph->p_vaddr)
		return false;
	while (at <= vaddr &&
	       dec_x86_64(p + (at - ph->p_vaddr), ph->p_filesz - (at - ph->p_vaddr), at, in)) {
		*start = at;
		if (at + in->len > vaddr)
			return true;
		at += in->len;
	}
	return false;
}

/* Is the byte at i the ModRM of disp32(%rip), with up to four bytes of immediate behind, and
 * does that hit?  Outside of known functions only `lea` is believed. */
static bool is_operand(const struct refs *r, const Elf64_Phdr *ph, struct bytes b, uint64_t i,
		       int32_t d)
{
	uint64_t v = ph->p_vaddr + i + 5 + (uint64_t)(int64_t)d, start;
	struct dec_insn in;

	if ((b.p[i] & 0xc7) != 0x05 || v + 4 < r->lo || v >= r->hi)
		return false;
	if (insn_over(r, ph, ph->p_vaddr + i, &in, &start))
		return in.has_mem && hits(r, in.mem_vaddr);
	return !function_at(r->im, ph->p_vaddr + i) && hits(r, v) && i > 1 && b.p[i - 1] == 0x8d &&
	       (b.p[i - 2] & 0xfb) == 0x48;
}

/* Is it `mov $imm32,%r32`, which in a program with a fixed place is an address? */
static bool is_immediate(const struct refs *r, const Elf64_Phdr *ph, struct bytes b, uint64_t i,
			 int32_t d)
{
	struct dec_insn in;
	uint64_t start;

	return (b.p[i] & 0xf8) == 0xb8 && hits(r, (uint32_t)d) &&
	       insn_over(r, ph, ph->p_vaddr + i, &in, &start) &&
	       start + in.len == ph->p_vaddr + i + 5;
}

static bool code_refers(const struct refs *r, const Elf64_Phdr *ph)
{
	struct bytes b = { r->im->file.p + ph->p_offset, ph->p_filesz };
	bool absolute = r->im->eh.e_type == ET_EXEC;

	for (uint64_t i = 0; i + 5 <= b.n; i++) {
		int32_t d;

		memcpy(&d, b.p + i + 1, 4);
		if (is_operand(r, ph, b, i, d) || (absolute && is_immediate(r, ph, b, i, d)))
			return true;
	}
	return false;
}

bool segment_is_referred(const struct image *im, uint64_t lo, uint64_t hi)
{
	const struct refs r = { im, lo, hi };
	const struct image_dyn *d = im->dyn;
	struct bytes rela = { NULL, 0 };
	Elf64_Rela rl;

	if (d && d->rela && (rela.p = image_at(im, d->rela, d->rela_bytes)))
		rela.n = d->rela_bytes;
	for (uint64_t off = 0; bytes_get(rela, off, &rl, sizeof(rl)); off += sizeof(rl))
		if (hits(&r, rl.r_offset) || (ELF64_R_TYPE(rl.r_info) == R_X86_64_RELATIVE &&
					      hits(&r, (uint64_t)rl.r_addend)))
			return true;
	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_LOAD && (im->ph[i].p_flags & PF_X) &&
		    code_refers(&r, &im->ph[i]))
			return true;
	return false;
}
