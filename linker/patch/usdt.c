/* SPDX-License-Identifier: MIT
 *
 * usdt.c - the notes. */
#include "usdt.h"

#include <string.h>

enum { NOTE_TYPE = 3, ADDRESSES = 3 };	/* <sys/sdt.h>: _SDT_NOTE_TYPE; pc, base, semaphore */

struct usdt_reader {
	const struct image *im;
	struct usdt_probe *probe;
	size_t n, cap;
};

/* The next string of b, which must end; NULL when it does not. */
static const char *next_string(struct bytes b, uint64_t *off)
{
	const char *s = bytes_str(b, *off);

	if (s)
		*off += strlen(s) + 1;
	return s;
}

/* The linker moved the probe and the base by the same distance; prelink and objcopy move
 * only sections, and the base's tells how far. */
static void see_note(struct usdt_reader *r, struct bytes desc)
{
	const Elf64_Shdr *base = image_section(r->im, ".stapsdt.base");
	uint64_t at[ADDRESSES], off = sizeof(at), moved;
	struct usdt_probe p;

	if (!bytes_get(desc, 0, at, sizeof(at)))
		return;
	p.provider = next_string(desc, &off);
	p.name = p.provider ? next_string(desc, &off) : NULL;
	p.args = p.name ? next_string(desc, &off) : NULL;
	if (!p.name || !*p.provider || !*p.name)
		return;
	moved = base ? base->sh_addr - at[1] : 0;
	p.vaddr = at[0] + moved;
	p.semaphore_vaddr = at[2] ? at[2] + moved : 0;
	if (!p.args)
		p.args = "";
	*ARENA_PUSH(r->im->arena, r->probe, r->n, r->cap) = p;
}

static uint64_t padded(uint64_t n) { return (n + 3) & ~3ull; }

static void see_section(struct usdt_reader *r, struct bytes sec)
{
	Elf64_Nhdr h;

	for (uint64_t off = 0; bytes_get(sec, off, &h, sizeof(h));) {
		const char *owner = bytes_at(sec, off + sizeof(h), h.n_namesz);
		uint64_t desc = off + sizeof(h) + padded(h.n_namesz);
		const uint8_t *p = bytes_at(sec, desc, h.n_descsz);

		if (!owner || !p)
			return;
		if (h.n_type == NOTE_TYPE && h.n_namesz == sizeof("stapsdt") &&
		    !memcmp(owner, "stapsdt", sizeof("stapsdt")))
			see_note(r, (struct bytes){ p, h.n_descsz });
		off = desc + padded(h.n_descsz);
	}
}

size_t usdt_read(const struct image *im, const struct usdt_probe **out)
{
	struct usdt_reader r = { .im = im };

	for (size_t i = 1; i < im->n_sh; i++) {
		const uint8_t *p = im->sh[i].sh_type == SHT_NOTE
			? bytes_at(im->file, im->sh[i].sh_offset, im->sh[i].sh_size) : NULL;

		if (p)
			see_section(&r, (struct bytes){ p, im->sh[i].sh_size });
	}
	*out = r.probe;
	return r.n;
}
