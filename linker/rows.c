/* SPDX-License-Identifier: MIT
 *
 * rows.c - a row of a hook object's tables and what its fields lead to. */
#include "rows.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>

#include "mapfmt.h"

int row_damaged(const struct tables *t, struct lnk_ref at, const char *what)
{
	return diag(t->dg, DIAG_L005, obj_loc(t->f, at.sec, (int64_t)at.off), "%s", what);
}

int row_check_untouched(const struct tables *t, struct lnk_ref at, uint64_t n, uint64_t pointers)
{
	const struct obj_sec *s = &t->f->sec[at.sec];
	const struct lnk_cpu *cpu = lnk_cpu(t->f->machine);

	for (size_t i = obj_rel_from(s, at.off < 8 ? 0 : at.off - 8); i < s->n_rel; i++) {
		const struct obj_rel *r = &s->rel[i];
		uint64_t slot = (r->off - at.off) / 4;

		if (r->off >= at.off + n)
			break;
		if (r->off + cpu->reloc(r->type)->bytes <= at.off)
			continue;
		if (r->off < at.off || (r->off - at.off) % 4 || slot > 63 ||
		    !(pointers >> slot & 1))
			return row_damaged(t, at, "a relocation of what is not a pointer");
	}
	return 0;
}

int row_follow(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
	       struct lnk_ref *out)
{
	uint64_t off = row.off + field;
	const struct obj_rel *rel = obj_rel_at(&t->f->sec[row.sec], off);
	const struct reloc_desc *d;
	const struct obj_sym *s;

	*out = (struct lnk_ref){ 0 };
	if (!rel && !value)
		return 0;
	*out = (struct lnk_ref){ t->f, row.sec, off + (uint64_t)(int64_t)value };
	if (rel) {
		d = lnk_cpu(t->f->machine)->reloc(rel->type);
		s = &t->f->sym[rel->sym];
		if (!d->rel32 || s->sec == SEC_UNDEF || s->sec == SEC_ABS)
			return row_damaged(t, row, "a table's field leads out of the object");
		*out = (struct lnk_ref){ t->f, s->sec, s->value + (uint64_t)rel->addend };
	}
	if (out->off > t->f->sec[out->sec].bytes || !(t->f->sec[out->sec].flags & SHF_ALLOC))
		return row_damaged(t, row, "a table's field leads nowhere");
	return 1;
}

int row_follow_const(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		     uint64_t n, struct lnk_ref *out)
{
	int r = row_follow(t, row, field, value, out);
	const struct obj_sec *s;

	if (r <= 0)
		return r;
	s = &t->f->sec[out->sec];
	if (!s->data || s->flags & (SHF_WRITE | SHF_EXECINSTR) || s->bytes - out->off < n)
		return row_damaged(t, row, "a table's field leads to no table");
	return 1;
}

int row_follow_str(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		   size_t max, const char **out)
{
	struct lnk_ref at;
	int r = row_follow_const(t, row, field, value, 1, &at);

	if (r < 0)
		return r;
	if (!r)
		return row_damaged(t, row, "a name is missing");
	*out = bytes_str((struct bytes){ t->f->sec[at.sec].data, t->f->sec[at.sec].bytes }, at.off);
	if (!*out || !**out || strlen(*out) > max)
		return row_damaged(t, row, "a name does not end, is empty or is too long");
	return row_check_untouched(t, at, strlen(*out) + 1, 0);
}

bool row_is_file_name(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return false;
	return strcmp(s, ".") && strcmp(s, "..") && strcmp(s, MAPFMT_BTF_FILE);
}

void row_get(const struct tables *t, struct lnk_ref at, void *dst, size_t n)
{
	memcpy(dst, t->f->sec[at.sec].data + at.off, n);
}

int row_check_version(const struct tables *t, struct lnk_ref at, uint16_t version, uint16_t size,
		      uint16_t want_version, size_t want_size)
{
	if (version == want_version && size == want_size)
		return 0;
	return diag(t->dg, DIAG_L010, obj_loc(t->f, at.sec, (int64_t)at.off),
		    "table of version %u, %u bytes; this linker knows version %u, %zu bytes",
		    version, size, want_version, want_size);
}

int row_check_slot(const struct tables *t, struct lnk_ref at, struct lnk_ref slot)
{
	const struct obj_sec *s = &t->f->sec[slot.sec];

	if (!(s->flags & SHF_WRITE) || strncmp(s->name, ".bpftime.slots", 14) || slot.off % 8 ||
	    s->align < 8 || s->bytes - slot.off < 8)
		return row_damaged(t, at, "a slot outside .bpftime.slots");
	return 0;
}
