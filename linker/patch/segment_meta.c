/* SPDX-License-Identifier: MIT
 *
 * segment_meta.c - what a patched file remembers of its original, and the way back. */
#include "segment_priv.h"

#include <inttypes.h>
#include <stddef.h>

#include "sha256.h"

#define REFUSE(code_, ...) diag(dg, DIAG_##code_, at_file(im->path), __VA_ARGS__)

struct bytes segment_make_meta(const struct segment_plan *sp, const struct segment_changes *ch,
			       struct bytes record)
{
	struct patchfmt_meta m = { .magic = PATCHFMT_META_MAGIC, .version = PATCHFMT_META_VERSION,
				   .size = sizeof(m), .n_saved = (uint32_t)ch->n,
				   .saved_off = sizeof(m), .record_bytes = record.n,
				   .original_bytes = sp->im->file.n };
	uint64_t data, n;
	uint8_t *p;

	m.record_off = m.saved_off + ch->n * sizeof(struct patchfmt_saved);
	data = n = m.record_off + record.n;
	for (size_t i = 0; i < ch->n; i++)
		n += ch->c[i].bytes;
	sha256(sp->im->file.p, sp->im->file.n, m.original_sha256);
	p = arena_alloc(sp->a, n);
	memcpy(p, &m, sizeof(m));
	if (record.n)
		memcpy(p + m.record_off, record.p, record.n);
	for (size_t i = 0; i < ch->n; i++) {
		const struct segment_change *c = &ch->c[i];
		struct patchfmt_saved s = { c->foff, c->bytes, c->kind, data };

		memcpy(p + m.saved_off + i * sizeof(s), &s, sizeof(s));
		memcpy(p + data, sp->im->file.p + c->foff, c->bytes);
		data += c->bytes;
	}
	return (struct bytes){ p, n };
}

/* SHA-256 of the file as if its own hash was zero. */
static void hash_file(struct bytes file, uint64_t meta_foff, uint8_t out[32])
{
	static const uint8_t zero[32];
	uint64_t at = meta_foff + offsetof(struct patchfmt_meta, file_sha256);
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, file.p, at);
	sha256_add(&s, zero, sizeof(zero));
	sha256_add(&s, file.p + at + sizeof(zero), file.n - at - sizeof(zero));
	sha256_done(&s, out);
}

void segment_seal_meta(uint8_t *file, uint64_t file_bytes, uint64_t meta_foff)
{
	struct patchfmt_meta m;

	memcpy(&m, file + meta_foff, sizeof(m));
	m.file_bytes = file_bytes;
	m.meta_foff = meta_foff;
	memcpy(file + meta_foff, &m, sizeof(m));
	hash_file((struct bytes){ file, file_bytes }, meta_foff, m.file_sha256);
	memcpy(file + meta_foff, &m, sizeof(m));
}

const struct patchfmt_marker *segment_marker(const struct image *im)
{
	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &im->ph[i];
		struct patchfmt_marker *m;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || p->p_filesz < sizeof(*m))
			continue;
		m = arena_dup(im->arena, im->file.p + p->p_offset, sizeof(*m));
		if (m->magic == PATCHFMT_MARKER_MAGIC)
			return m;
	}
	return NULL;
}

/* Finds and checks .bpftime.meta. 1, 0 when the file is not ours, or a code. */
static int find_meta(const struct image *im, struct bytes *all, struct patchfmt_meta *m,
		     struct diags *dg)
{
	const struct patchfmt_marker *mark = segment_marker(im);
	const Elf64_Shdr *sh = image_section(im, ".bpftime.meta");

	if (!mark)
		return sh ? REFUSE(P109, "it has lost its marker") : 0;
	if (mark->version != PATCHFMT_MARKER_VERSION)
		return REFUSE(P108, "format %u; this reads format %u", mark->version,
			      PATCHFMT_MARKER_VERSION);
	if (sh && sh->sh_type == SHT_PROGBITS)
		*all = (struct bytes){ bytes_at(im->file, sh->sh_offset, sh->sh_size),
				       sh->sh_size };
	else
		*all = (struct bytes){ bytes_at(im->file, mark->meta_foff, mark->meta_bytes),
				       mark->meta_bytes };
	if (!all->p || !bytes_get(*all, 0, m, sizeof(*m)) || m->magic != PATCHFMT_META_MAGIC)
		return REFUSE(P109, "it has lost .bpftime.meta");
	if (m->version != PATCHFMT_META_VERSION || m->size != sizeof(*m))
		return REFUSE(P108, "record format %u; this reads format %u", m->version,
			      PATCHFMT_META_VERSION);
	if (!bytes_at(*all, m->record_off, m->record_bytes) ||
	    !bytes_at(*all, m->saved_off, m->n_saved * sizeof(struct patchfmt_saved)))
		return REFUSE(P109, ".bpftime.meta is damaged");
	return 1;
}

int segment_meta(struct arena *a, const struct image *im, struct bytes *meta, struct diags *dg)
{
	struct patchfmt_meta m;
	struct bytes all;
	int r = find_meta(im, &all, &m, dg);

	if (r == 1)
		*meta = (struct bytes){ arena_dup(a, all.p + m.record_off, m.record_bytes),
					m.record_bytes };
	return r;
}

int segment_saved(struct arena *a, const struct image *im, struct segment_saved *out,
		  struct diags *dg)
{
	struct patchfmt_meta m;
	struct bytes all;
	uint64_t end = 0;
	int r = find_meta(im, &all, &m, dg);

	if (r != 1)
		return r;
	out->n = m.n_saved;
	out->original_bytes = m.original_bytes;
	out->range = arena_array(a, m.n_saved, sizeof(*out->range));
	for (size_t i = 0; i < m.n_saved; i++) {
		struct patchfmt_saved s;

		bytes_get(all, m.saved_off + i * sizeof(s), &s, sizeof(s));
		if (s.foff < end || s.foff > m.original_bytes ||
		    s.bytes > m.original_bytes - s.foff || !bytes_at(all, s.data_off, s.bytes))
			return REFUSE(P109, ".bpftime.meta is damaged");
		end = s.foff + s.bytes;
		out->range[i] = (struct segment_saved_range){ s.foff, s.kind,
			{ bytes_at(all, s.data_off, s.bytes), s.bytes } };
	}
	return 1;
}

int segment_revert(struct arena *a, const struct image *im, struct bytes *out, struct diags *dg)
{
	struct segment_saved saved;
	struct patchfmt_meta m;
	uint8_t hash[32], *file;
	struct bytes all;
	int r = find_meta(im, &all, &m, dg);

	if (r < 0)
		return r;
	if (!r)
		return REFUSE(P021, "it holds no hooks of ours");
	if (m.file_bytes != im->file.n || m.original_bytes > im->file.n ||
	    all.p != bytes_at(im->file, m.meta_foff, all.n))
		return REFUSE(P109, "it was changed since (stripped?); patch the original instead");
	hash_file(im->file, m.meta_foff, hash);
	if (memcmp(hash, m.file_sha256, sizeof(hash)))
		return REFUSE(P109, "its contents were changed since; patch the original instead");
	if ((r = segment_saved(a, im, &saved, dg)) < 0)
		return r;
	file = arena_dup(a, im->file.p, m.original_bytes);
	for (size_t i = 0; i < saved.n; i++)
		memcpy(file + saved.range[i].foff, saved.range[i].before.p,
		       saved.range[i].before.n);
	sha256(file, m.original_bytes, hash);
	if (memcmp(hash, m.original_sha256, sizeof(hash)))
		return REFUSE(P109, "its record does not give the original");
	*out = (struct bytes){ file, m.original_bytes };
	return 0;
}
