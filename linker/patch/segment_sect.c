/* SPDX-License-Identifier: MIT
 *
 * segment_sect.c - the section headers of a patched file: the old ones in their order,
 * then ours.  What no section covers, strip and objcopy would drop. */
#include "segment_priv.h"

static const char TEXT[] = ".bpftime.text", DATA[] = ".bpftime.data", BSS[] = ".bpftime.bss", HDR[] = ".eh_frame_hdr",
		  META[] = ".bpftime.meta";

static size_t names_section(const struct image *im)
{
	size_t i = im->eh.e_shstrndx;

	if (i == SHN_XINDEX && im->n_sh)
		i = im->sh[0].sh_link;
	return i && i < im->n_sh && im->sh[i].sh_type == SHT_STRTAB ? i : 0;
}

static void add(struct segment_sections *s, const char *name, Elf64_Shdr h)
{
	h.sh_name = (Elf64_Word)s->names_bytes;
	memcpy(s->names + s->names_bytes, name, strlen(name) + 1);
	s->names_bytes += strlen(name) + 1;
	s->sh[s->n++] = h;
}

static Elf64_Shdr loaded(const struct segment_plan *sp, uint64_t vaddr, uint64_t bytes,
			 uint64_t flags, uint64_t align)
{
	return (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
			     .sh_flags = SHF_ALLOC | flags,
			     .sh_addr = vaddr,
			     .sh_offset = segment_foff(sp, vaddr),
			     .sh_size = bytes,
			     .sh_addralign = align };
}

/* Old sections follow what they cover. */
static bool move_sections(const struct segment_plan *sp, struct segment_sections *s)
{
	const struct image *im = sp->im;
	bool has_hdr = false;

	for (size_t i = 1; i < im->n_sh; i++) {
		Elf64_Shdr *h = &s->sh[i];

		if (h->sh_type == SHT_NOBITS || h->sh_type == SHT_NULL ||
		    !(h->sh_flags & SHF_ALLOC) || !h->sh_size)
			continue;
		if (h->sh_offset >= sp->room.evict_off && h->sh_offset < sp->room.evict_end) {
			h->sh_addr += segment_evict_delta(sp);
			h->sh_offset = segment_foff(sp, h->sh_addr);
		} else if (sp->hdr_bytes && im->eh_frame_hdr_vaddr &&
			   h->sh_addr == im->eh_frame_hdr_vaddr) {
			h->sh_addr = sp->hdr_vaddr;
			h->sh_offset = segment_foff(sp, sp->hdr_vaddr);
			h->sh_size = sp->hdr_bytes;
			has_hdr = true;
		}
	}
	return has_hdr;
}

void segment_make_sections(const struct segment_plan *sp, uint64_t meta_foff, uint64_t meta_bytes,
			   struct segment_sections *out)
{
	const struct image *im = sp->im;
	size_t names = names_section(im);
	Elf64_Shdr bss;
	bool has_hdr;

	*out = (struct segment_sections){ 0 };
	if (!names)
		return;
	out->present = true;
	out->n = im->n_sh;
	out->sh = arena_array(sp->a, im->n_sh + 5, sizeof(*out->sh));
	memcpy(out->sh, im->sh, im->n_sh * sizeof(*out->sh));
	out->names_bytes = im->sh[names].sh_size;
	out->names = arena_alloc(sp->a, out->names_bytes + 1 + sizeof(TEXT) + sizeof(DATA) +
						sizeof(BSS) + sizeof(HDR) + sizeof(META));
	memcpy(out->names, im->file.p + im->sh[names].sh_offset, out->names_bytes);
	out->names_bytes++;	/* the old table may lack its last NUL */
	has_hdr = move_sections(sp, out);
	add(out, TEXT, loaded(sp, sp->seg_vaddr, sp->rx_vaddr + sp->rx_bytes - sp->seg_vaddr,
			      SHF_EXECINSTR, 64));
	if (sp->hdr_bytes && !has_hdr)
		add(out, HDR, loaded(sp, sp->hdr_vaddr, sp->hdr_bytes, 0, 4));
	if (sp->rw_bytes)
		add(out, DATA, loaded(sp, sp->rw_vaddr, sp->rw_file_bytes,
				      sp->one_slot ? 0 : SHF_WRITE, SEGMENT_PAGE));
	if (sp->rw_file_bytes < sp->rw_bytes) {
		bss = loaded(sp, sp->rw_vaddr + sp->rw_file_bytes, sp->rw_bytes - sp->rw_file_bytes,
			     SHF_WRITE, 1);
		bss.sh_type = SHT_NOBITS;
		add(out, BSS, bss);
	}
	add(out, META, (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_offset = meta_foff,
				     .sh_size = meta_bytes, .sh_addralign = 16 });
}

void segment_set_names_foff(const struct segment_plan *sp, struct segment_sections *s,
			    uint64_t names_foff)
{
	if (!s->present)
		return;
	s->sh[names_section(sp->im)].sh_offset = names_foff;
	s->sh[names_section(sp->im)].sh_size = s->names_bytes;
}
