/* SPDX-License-Identifier: MIT
 *
 * audit_bytes.c - every byte of the original, and why it may have changed. */
#include "audit_priv.h"

#include <inttypes.h>

#include "decode_x86_64.h"
#include "patchfmt.h"
#include "usdt.h"

/* Section headers are written anew behind the original, and compared by audit_headers(). */
static bool is_section_header(const struct audit_ctx *c, uint64_t off)
{
	return c->p->eh.e_shoff >= c->o->file.n &&
	       off - c->o->eh.e_shoff < c->o->n_sh * sizeof(Elf64_Shdr);
}

/* What the grown program-header table displaced is in its new place; only padding is lost. */
static bool evicted(struct audit_ctx *c, const struct segment_saved_range *r)
{
	uint64_t end = r->foff + r->before.n;
	const Elf64_Phdr *l = NULL;

	for (size_t i = 0; i < c->o->eh.e_phnum; i++)
		if (c->o->ph[i].p_type == PT_LOAD &&
		    c->o->eh.e_phoff - c->o->ph[i].p_offset < c->o->ph[i].p_filesz)
			l = &c->o->ph[i];
	for (uint64_t off = c->o->eh.e_phoff + c->o->eh.e_phnum * sizeof(Elf64_Phdr); off < end;
	     off++) {
		uint64_t vaddr = l ? l->p_vaddr + (off - l->p_offset) : 0;
		const uint8_t *copy =
			audit_moved(c, vaddr) ? image_at(c->p, vaddr + c->delta, 1) : NULL;
		uint8_t was = c->o->file.p[off];

		if (was && was != 'X' && was != 'Z' && !is_section_header(c, off) &&
		    (!copy || (*copy != was && !audit_in_symbol_value(c->o, vaddr))))
			return audit_differs(c, "what was at offset 0x%" PRIx64 " is lost", off);
	}
	return true;
}

static bool dynamic_entry(struct audit_ctx *c, const struct segment_saved_range *r)
{
	Elf64_Dyn was, is;

	if (!bytes_get(r->before, 0, &was, sizeof(was)) || r->before.n != sizeof(was) ||
	    !bytes_get(c->p->file, r->foff, &is, sizeof(is)))
		return audit_differs(c, "a dynamic entry of %zu bytes", r->before.n);
	if (is.d_tag == DT_INIT && (was.d_tag == DT_INIT || was.d_tag == DT_NULL)) {
		const Elf64_Phdr *l = audit_new_load(c, is.d_un.d_ptr);

		return (l && (l->p_flags & PF_X)) ||
		       audit_differs(c, "DT_INIT is 0x%" PRIx64, is.d_un.d_ptr);
	}
	if (is.d_tag != was.d_tag || !audit_moved(c, was.d_un.d_ptr) ||
	    is.d_un.d_ptr != was.d_un.d_ptr + c->delta)
		return audit_differs(c, "dynamic entry 0x%" PRIx64 " differs", (uint64_t)was.d_tag);
	return true;
}

static bool symbol_value(struct audit_ctx *c, const struct segment_saved_range *r)
{
	uint64_t was, is;

	if (r->before.n != 8 || !bytes_get(r->before, 0, &was, 8) ||
	    !bytes_get(c->p->file, r->foff, &is, 8))
		return audit_differs(c, "a symbol's value of %zu bytes", r->before.n);
	if ((audit_moved(c, was) && is == was + c->delta) ||
	    (was == c->o->eh_frame_hdr_vaddr && is == c->p->eh_frame_hdr_vaddr))
		return true;
	return audit_differs(c, "a symbol's value 0x%" PRIx64 " became 0x%" PRIx64, was, is);
}

static bool in_site(const struct audit_ctx *c, uint64_t vaddr)
{
	uint64_t foff = image_foff(c->p, vaddr);

	for (size_t i = 0; i < c->saved.n; i++)
		if (c->saved.range[i].kind == SAVED_SITE && foff - c->saved.range[i].foff <
		    c->saved.range[i].before.n)
			return true;
	return false;
}

/* The count of a probe's semaphore, which the original's notes name, is one more. */
static bool semaphore(struct audit_ctx *c, const struct segment_saved_range *r)
{
	const struct usdt_probe *u;
	size_t n = usdt_read(c->o, &u);
	uint16_t was, is;

	if (r->before.n != 2 || !bytes_get(r->before, 0, &was, 2) ||
	    !bytes_get(c->p->file, r->foff, &is, 2) || is != (uint16_t)(was + 1))
		return false;
	for (size_t i = 0; i < n; i++)
		if (u[i].semaphore_vaddr && image_foff(c->o, u[i].semaphore_vaddr) == r->foff)
			return true;
	return false;
}

/* A site is code, and starts with a jump or call into the new segment or to another site,
 * or with int3. */
static bool site(struct audit_ctx *c, const struct segment_saved_range *r)
{
	const Elf64_Phdr *l = NULL;
	struct dec_insn in;
	uint64_t at, end;

	for (size_t i = 0; i < c->o->eh.e_phnum; i++)
		if (c->o->ph[i].p_type == PT_LOAD && (c->o->ph[i].p_flags & PF_X) &&
		    r->foff - c->o->ph[i].p_offset < c->o->ph[i].p_filesz)
			l = &c->o->ph[i];
	if (!l && semaphore(c, r))
		return true;
	if (!l)
		return audit_differs(c, "an edit at offset 0x%" PRIx64 " is not in code", r->foff);
	at = l->p_vaddr + (r->foff - l->p_offset);
	for (end = at + r->before.n; at < end; at += in.len) {
		const uint8_t *p = image_at(c->p, at, end - at);

		if (!p || !dec_x86_64(p, end - at, at, &in))
			break;
		if (in.bits & DEC_NOP)
			continue;
		if (*p == 0xcc)
			return true;
		l = in.has_target ? audit_new_load(c, in.target_vaddr) : NULL;
		if ((l && (l->p_flags & PF_X)) || (in.has_target && in_site(c, in.target_vaddr)))
			return true;
		break;
	}
	return audit_differs(c, "the edit at offset 0x%" PRIx64 " goes nowhere", r->foff);
}

static bool explained(struct audit_ctx *c, const struct segment_saved_range *r)
{
	switch (r->kind) {
	case SAVED_ELF_HEADER:
		return (r->foff == 0 && r->before.n == sizeof(Elf64_Ehdr)) ||
		       audit_differs(c, "an ELF header elsewhere");
	case SAVED_PHDRS:
		return r->foff == c->o->eh.e_phoff ? evicted(c, r)
						   : audit_differs(c, "program headers elsewhere");
	case SAVED_DYNAMIC: return dynamic_entry(c, r);
	case SAVED_SYMBOL:  return symbol_value(c, r);
	case SAVED_SITE:    return site(c, r);
	default:            return audit_differs(c, "a change of kind %u", r->kind);
	}
}

bool audit_bytes(struct audit_ctx *c)
{
	uint64_t at = 0;

	if (!audit_headers(c) || !audit_unwind_table(c))
		return false;
	if (c->saved.original_bytes != c->o->file.n || c->p->file.n < c->o->file.n)
		return audit_differs(c, "it was made from a file of another size");
	for (size_t i = 0; i <= c->saved.n; i++) {
		const struct segment_saved_range *r = i < c->saved.n ? &c->saved.range[i] : NULL;
		uint64_t to = r ? r->foff : c->o->file.n;

		for (; at < to; at++)
			if (c->o->file.p[at] != c->p->file.p[at])
				return audit_differs(c, "undeclared change at offset 0x%" PRIx64,
						     at);
		if (!r)
			break;
		if (memcmp(r->before.p, c->o->file.p + r->foff, r->before.n))
			return audit_differs(c, "it remembers other bytes for offset 0x%" PRIx64,
					     r->foff);
		if (!explained(c, r))
			return false;
		at = r->foff + r->before.n;
	}
	return true;
}
