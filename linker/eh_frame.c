/* SPDX-License-Identifier: MIT */
#include "eh_frame.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

enum { PCREL_SDATA4 = 0x1b, HEAD_BYTES = 8, FDE_BYTES = 16 };

static uint32_t get32(const struct obj_sec *s, uint64_t off)
{
	uint32_t v;

	memcpy(&v, s->data + off, 4);
	return v;
}

/* ULEB128 or SLEB128 numbers are skipped alike. */
static bool skip_leb(const uint8_t **p, const uint8_t *end)
{
	while (*p < end && **p & 0x80)
		++*p;
	return (*p)++ < end;
}

/* version 1, "zR", code and data alignment, return register, 1 byte of augmentation data
 * that says how FDEs write addresses; and nothing to relocate. */
static bool plain_cie(const struct obj_sec *s, const struct eh_record *r)
{
	const uint8_t *p = s->data + r->off + HEAD_BYTES, *end = s->data + r->off + r->bytes;
	size_t rel = obj_rel_from(s, r->off);

	if (rel < s->n_rel && s->rel[rel].off < r->off + r->bytes)
		return false;
	if (end - p < 4 || memcmp(p, "\1zR", 4))
		return false;
	p += 4;
	if (!skip_leb(&p, end) || !skip_leb(&p, end) || !skip_leb(&p, end))
		return false;
	return end - p >= 2 && p[0] == 1 && p[1] == PCREL_SDATA4;
}

static int by_off(const void *key, const void *elem)
{
	uint64_t off = *(const uint64_t *)key;
	const struct eh_record *r = elem;

	return off < r->off ? -1 : off > r->off;
}

/* The record that starts there, or NULL. */
static const struct eh_record *record_at(const struct eh_frame *e, uint64_t off)
{
	return e->n ? bsearch(&off, e->record, e->n, sizeof(*e->record), by_off) : NULL;
}

/* One relocation, that of the address of the code. */
static bool plain_fde(struct obj_file *f, const struct eh_frame *e, struct eh_record *r)
{
	const struct obj_sec *s = &f->sec[e->sec];
	size_t i = obj_rel_from(s, r->off);
	uint64_t cie_off = r->off + 4 - get32(s, r->off + 4);
	const struct eh_record *cie = record_at(e, cie_off);
	const struct obj_sym *sym;

	if (!cie || !cie->cie || r->bytes < FDE_BYTES || i == s->n_rel)
		return false;
	r->of = (size_t)(cie - e->record);
	if (s->rel[i].off != r->off + HEAD_BYTES ||
	    !lnk_cpu(f->machine)->reloc(s->rel[i].type)->rel32 ||
	    (i + 1 < s->n_rel && s->rel[i + 1].off < r->off + r->bytes))
		return false;
	sym = &f->sym[s->rel[i].sym];
	r->sec = sym->sec;
	return sym->sec != SEC_UNDEF && sym->sec != SEC_ABS &&
	       f->sec[sym->sec].flags & SHF_EXECINSTR;
}

int eh_frame_read(struct arena *a, struct obj_file *f, struct diags *dg)
{
	uint32_t sec = obj_find(f, ".eh_frame");
	const struct obj_sec *s = &f->sec[sec];
	struct eh_frame *out = arena_alloc(a, sizeof(*out));

	if (!sec || !s->data || !(s->flags & SHF_ALLOC) || s->flags & (SHF_WRITE | SHF_EXECINSTR))
		return 0;
	out->sec = sec;
	out->was = *s;
	f->eh = out;
	for (uint64_t off = 0; s->bytes - off >= 4;) {
		struct eh_record r = { .off = off, .bytes = 4 + (uint64_t)get32(s, off) };

		if (r.bytes == 4)
			break;	/* the end mark */
		if (r.bytes < HEAD_BYTES || r.bytes > s->bytes - off)
			return diag(dg, DIAG_L002, obj_loc(f, sec, (int64_t)off),
				    "a record that does not end");
		r.cie = !get32(s, off + 4);
		if (r.cie ? plain_cie(s, &r) : plain_fde(f, out, &r))
			*ARENA_PUSH(a, out->record, out->n, out->cap) = r;
		off += r.bytes;
	}
	return 0;
}

static uint64_t put(uint8_t *dst, uint64_t *end, const struct obj_sec *was,
		    const struct eh_record *r)
{
	uint64_t at = *end;

	memcpy(dst + at, was->data + r->off, r->bytes);
	*end += r->bytes;
	return at;
}

void eh_frame_restore(struct obj_file *f)
{
	if (!f->eh)
		return;
	f->sec[f->eh->sec] = f->eh->was;
	f->eh->n_kept = 0;
}

void eh_frame_keep(struct arena *a, struct obj_file *f)
{
	struct eh_frame *e = f->eh;
	struct obj_sec *s;
	uint8_t *data;
	uint64_t end = 0;

	if (!e || f->sec[e->sec].live)
		return;
	s = &f->sec[e->sec];
	data = arena_alloc(a, e->was.bytes);
	s->data = data;
	s->rel = arena_array(a, e->n, sizeof(*s->rel));
	s->n_rel = 0;
	e->kept = arena_array(a, e->n, sizeof(*e->kept));
	for (size_t i = 0; i < e->n; i++)
		e->record[i].put = false;
	for (size_t i = 0; i < e->n; i++) {
		const struct eh_record *r = &e->record[i];
		struct eh_record *cie = &e->record[r->of];
		struct obj_rel rel;
		uint32_t back;
		uint64_t at;

		if (r->cie || !f->sec[r->sec].live)
			continue;
		if (!cie->put)
			cie->new_off = put(data, &end, &e->was, cie);
		cie->put = true;
		at = put(data, &end, &e->was, r);
		back = (uint32_t)(at + 4 - cie->new_off);
		memcpy(data + at + 4, &back, 4);
		rel = *obj_rel_at(&e->was, r->off + HEAD_BYTES);
		rel.off = at + HEAD_BYTES;
		s->rel[s->n_rel++] = rel;
		e->kept[e->n_kept++] = (struct eh_kept){
			at, r->sec, f->sym[rel.sym].value + (uint64_t)rel.addend };
	}
	s->bytes = end;
	s->live = end != 0;
}
