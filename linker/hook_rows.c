/* SPDX-License-Identifier: MIT
 *
 * hook_rows.c - the hooks of a hook object, and their bodies. */
#include <elf.h>

#include "rows.h"

static const uint64_t hook_pointers =
	ROW_POINTER(objfmt_hook, entry_rel) | ROW_POINTER(objfmt_hook, body_rel) |
	ROW_POINTER(objfmt_hook, prog_rel) | ROW_POINTER(objfmt_hook, spec_rel);

static bool mask_suits(uint8_t form, uint32_t mask)
{
	switch (form) {
	case ENTRY_NATURAL:
		return !(mask & ~CTX_MASK_NATURAL);
	case ENTRY_PACKED:
		return __builtin_popcount(mask) <= 6;
	default:
		return form == ENTRY_FRAME;
	}
}

static bool bits_suit(const struct objfmt_hook *row)
{
	uint8_t entry = hook_table[row->kind].entry;
	bool says = row->bits & OBJFMT_HOOK_OUTCOME, decides = row->bits & OBJFMT_HOOK_DECIDES;

	if (row->bits & ~(OBJFMT_HOOK_OUTCOME | OBJFMT_HOOK_DECIDES) || (decides && !says))
		return false;
	return decides || (entry != HOOK_ENTRY_REPLACE && entry != HOOK_ENTRY_FILTER);
}

static int follow_code(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		       struct lnk_ref *out)
{
	int r = row_follow(t, row, field, value, out);

	if (r > 0 && (!(t->f->sec[out->sec].flags & SHF_EXECINSTR) || !t->f->sec[out->sec].data ||
		      out->off >= t->f->sec[out->sec].bytes))
		return row_damaged(t, row, "an entry that is not code");
	return r;
}

/* Each step that is a distance from somewhere waits for one relocation, and nothing else does. */
static bool relocs_are(const struct obj_file *f, const struct obj_sec *s, uint64_t off, const struct code_body *b)
{
	const struct lnk_cpu *cpu = lnk_cpu(f->machine);

	for (uint32_t i = 0; i < b->n; i++) {
		const struct code_step *step = &b->step[i];
		size_t k = obj_rel_from(s, off + step->off), n = 0;

		for (; k + n < s->n_rel && s->rel[k + n].off < off + step->off + step->len; n++)
			if (!cpu->reloc(s->rel[k + n].type)->rel32)
				return false;
		if (n != step->distance)
			return false;
	}
	return true;
}

/* Does the table of guarded code (runtime-min/fault.h) speak of this section?  Then its code works
 * where it is, and nowhere else. */
static bool is_guarded(const struct obj_file *f, uint32_t sec)
{
	uint32_t table = obj_find(f, "bpftime_guarded");
	const struct obj_sec *s = &f->sec[table];

	for (size_t i = 0; table && i < s->n_rel; i++)
		if (f->sym[s->rel[i].sym].sec == sec)
			return true;
	return false;
}

/* The entry's body, if it can stand elsewhere. */
static const struct code_body *body_of(const struct tables *t, const struct objfmt_hook *row, struct lnk_ref entry)
{
	const struct obj_sec *s = &t->f->sec[entry.sec];
	struct code_step step[CODE_BODY_MAX];
	struct code_body b;

	if (is_guarded(t->f, entry.sec) ||
	    !lnk_cpu(t->f->machine)->body(s->data + entry.off, s->bytes - entry.off, row->bits & OBJFMT_HOOK_OUTCOME,
					  step, &b) || !relocs_are(t->f, s, entry.off, &b))
		return NULL;
	b.step = arena_dup(t->l->arena, step, b.n * sizeof(*step));
	return arena_dup(t->l->arena, &b, sizeof(b));
}

int lnk_read_hook(struct tables *t, struct lnk_ref at)
{
	struct lnk *l = t->l;
	struct objfmt_hook *row = arena_alloc(l->arena, sizeof(*row));
	struct lnk_hook_at h = { 0 };
	const struct code_body *body = NULL;
	const char *prog, *sec;
	struct code_cost cost = { 0 };
	int err;

	row_get(t, at, row, sizeof(*row));
	err = row_check_version(t, at, row->version, row->size, OBJFMT_HOOK_VERSION, sizeof(*row));
	if (err >= 0)
		err = row_check_untouched(t, at, sizeof(*row), hook_pointers);
	if (err >= 0)
		err = row_follow_str(t, at, ROW_FIELD(*row, prog_rel), 255, &prog);
	if (err >= 0)
		err = row_follow_str(t, at, ROW_FIELD(*row, spec_rel), 4095, &sec);
	if (err >= 0)
		err = follow_code(t, at, ROW_FIELD(*row, entry_rel), &h.entry);
	if (err >= 0)
		err = follow_code(t, at, ROW_FIELD(*row, body_rel), &h.body);
	if (err < 0)
		return err;
	if (row->kind >= HOOK_COUNT || row->flags & ~SEC_KNOWN || !bits_suit(row) ||
	    row->ctx_mask >> CTX_FIELDS || !mask_suits(row->form, row->ctx_mask))
		return row_damaged(t, at, "a hook whose kind, flags, form or mask is unknown");
	if (!h.entry.sec && (!h.body.sec || hook_table[row->kind].entry != HOOK_ENTRY_NONE))
		return row_damaged(t, at, "a hook without an entry");
	if (h.entry.sec) {
		const struct obj_sec *s = &t->f->sec[h.entry.sec];

		cost = lnk_cpu(t->f->machine)->cost(s->data, s->bytes, h.entry.off);
		body = body_of(t, row, h.entry);
	}
	h.row = (struct lnk_hook){
		.object_index = (uint32_t)l->n_file, .object = t->o->name, .prog = prog,
		.sec = sec, .row = row, .stamp = t->o->stamp, .insns = cost.insns, .body = body,
		.keeps_all = cost.keeps_all, .saved_regs = cost.saved_regs, .atomics = cost.atomics,
	};
	*ARENA_PUSH(l->arena, l->hook, l->n_hook, l->cap_hook) = h;
	return 0;
}
