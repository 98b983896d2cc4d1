/* SPDX-License-Identifier: MIT
 *
 * select.c - what goes into a payload: the tables of the hook objects, what the linker and
 * the trampolines call by name, and everything these refer to, section by section.
 *
 * An archive is searched by section, not by member: a member of which nothing is
 * reachable contributes nothing, as if it had not been taken.  Nor does a weak reference take a
 * member: it means what it names if that member is in the payload for another reason, and nothing
 * else, as with any linker. */
#include <ctype.h>
#include <elf.h>
#include <string.h>

#include "lnk.h"

struct symtab_row {
	const char *name;	/* NULL: free */
	struct lnk_ref ref;
	bool weak;
};
struct lnk_symtab {		/* open addressing, at most half full */
	struct symtab_row *row;
	size_t mask;
};

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	return h ^ h >> 29;
}

static struct symtab_row *row_of(const struct lnk_symtab *t, const char *name)
{
	size_t i = hash(name) & t->mask;

	while (t->row[i].name && strcmp(t->row[i].name, name))
		i = (i + 1) & t->mask;
	return &t->row[i];
}

/* The first definition counts, a strong one before a weak one. */
static void define(struct lnk_symtab *t, const char *name, struct lnk_ref ref, bool weak)
{
	struct symtab_row *r = row_of(t, name);

	if (!r->name || (r->weak && !weak))
		*r = (struct symtab_row){ name, ref, weak };
}

static const struct {
	const char *name;
	enum lnk_own sec;
} own_symbols[] = {
	{ "bpftime_rt1_payload", OWN_HEADER },
	{ "bpftime_rt1_unwind", OWN_UNWIND },
	{ "bpftime_rt1_rx_end", OWN_RX_END },
	{ "bpftime_rt1_control", OWN_CONTROL },
	{ "bpftime_rt1_rw_end", OWN_RW_END },
};

static void index_symbols(struct lnk *l)
{
	size_t n = 16, slots = 64;

	for (size_t i = 0; i < l->n_member; i++)
		n += l->member[i].n_sym;
	while (slots < 2 * n)
		slots *= 2;
	l->symtab = arena_alloc(l->arena, sizeof(*l->symtab));
	l->symtab->row = arena_array(l->arena, slots, sizeof(*l->symtab->row));
	l->symtab->mask = slots - 1;
	for (size_t i = 0; i < sizeof(own_symbols) / sizeof(own_symbols[0]); i++)
		define(l->symtab, own_symbols[i].name,
		       (struct lnk_ref){ &l->own, own_symbols[i].sec, 0 }, false);
	for (size_t i = 0; i < l->n_member; i++) {
		struct obj_file *f = &l->member[i];

		for (uint32_t k = 1; k < f->n_sym; k++) {
			const struct obj_sym *s = &f->sym[k];

			if (s->bind != STB_LOCAL && s->sec != SEC_UNDEF && s->sec != SEC_ABS)
				define(l->symtab, s->name, (struct lnk_ref){ f, s->sec, s->value },
				       s->bind == STB_WEAK);
		}
	}
}

static int read_archive(struct lnk *l, struct diags *dg)
{
	static const char path[] = "the runtime archive";
	struct archive_member *m;
	int err = archive_read(l->arena, path, l->archive, &m, &l->n_member, dg);

	if (err < 0)
		return err;
	l->member = arena_array(l->arena, l->n_member, sizeof(*l->member));
	for (size_t i = 0; i < l->n_member; i++) {
		const char *name = arena_printf(l->arena, "%s(%s)", path, m[i].name);

		err = objfile_read(l->arena, name, m[i].bytes, &l->member[i], dg);
		if (err < 0)
			return err;
		l->member[i].index = (uint32_t)i;
		err = eh_frame_read(l->arena, &l->member[i], dg);
		if (err < 0)
			return err;
		if (l->member[i].machine != l->cpu->machine)
			return diag(dg, DIAG_L003, at_file(name), "machine %u",
				    l->member[i].machine);
	}
	return 0;
}

bool lnk_global(const struct lnk *l, const char *name, struct lnk_ref *out)
{
	const struct symtab_row *r = l->symtab ? row_of(l->symtab, name) : NULL;

	if (!r || !r->name)
		return false;
	*out = r->ref;
	return true;
}

bool lnk_is_group_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static bool bound_of_group(const struct lnk *l, const char *name, const char **group,
			   struct lnk_ref *out)
{
	bool stop = !strncmp(name, "__stop_", 7);

	if (!stop && strncmp(name, "__start_", 8))
		return false;
	*group = name + (stop ? 7 : 8);
	*out = (struct lnk_ref){ 0 };
	for (size_t i = 0; i < l->n_group; i++)
		if (!strcmp(l->group[i].name, *group))
			*out = (struct lnk_ref){ (struct obj_file *)&l->own,
						 stop ? l->group[i].stop : l->group[i].start, 0 };
	return lnk_is_group_name(*group);
}

bool lnk_resolve(const struct lnk *l, struct obj_file *f, uint32_t sym, struct lnk_ref *out)
{
	const struct obj_sym *s = &f->sym[sym];
	const char *group;

	*out = (struct lnk_ref){ 0 };
	if (s->sec == SEC_ABS)
		return false;
	if (s->sec != SEC_UNDEF) {
		*out = (struct lnk_ref){ f, s->sec, s->value };
		return true;
	}
	if (*s->name && (lnk_global(l, s->name, out) || bound_of_group(l, s->name, &group, out)))
		return true;
	return s->bind == STB_WEAK;
}

struct marking {
	struct lnk      *l;
	struct lnk_ref  *work;	/* sections marked live whose relocations wait */
	size_t n, cap;
	struct lnk_ref  *weak;	/* what weak references name */
	size_t n_weak, cap_weak;
	struct diags    *dg;
};

/* Handlers for faults come with fast reads alone. */
static bool weak_takes(const struct lnk *l, const char *name)
{
	return l->target.bits & PAYLOAD_READS_FAST || strcmp(name, "rt_fault_setup");
}

static void mark(struct marking *m, struct lnk_ref r)
{
	struct obj_sec *s = &r.file->sec[r.sec];

	if (s->live)
		return;
	s->live = true;
	*ARENA_PUSH(m->l->arena, m->work, m->n, m->cap) = r;
}

static void add_group(struct lnk *l, const char *name)
{
	struct lnk_group *g = ARENA_PUSH(l->arena, l->group, l->n_group, l->cap_group);

	g->name = name;
	g->start = lnk_own_section(l, name, SHF_ALLOC, 0, 1);
	g->stop = lnk_own_section(l, name, SHF_ALLOC, 0, 1);
}

/* Follows the relocations of one section. */
static int follow(struct marking *m, struct lnk_ref from)
{
	struct lnk *l = m->l;
	const struct obj_sec *s = &from.file->sec[from.sec];
	const char *group;

	for (size_t i = 0; i < s->n_rel; i++) {
		const struct obj_sym *sym = &from.file->sym[s->rel[i].sym];
		struct loc at = obj_loc(from.file, from.sec, (int64_t)s->rel[i].off);
		struct lnk_ref to;

		if (!l->cpu->reloc(s->rel[i].type)->bytes)
			continue;	/* R_<cpu>_NONE */
		if (!lnk_resolve(l, from.file, s->rel[i].sym, &to))
			return diag(m->dg, DIAG_L012, at, "%s", sym->sec == SEC_ABS ?
				    "an absolute address" : sym->name);
		if (!to.sec && sym->sec == SEC_UNDEF && bound_of_group(l, sym->name, &group, &to)) {
			add_group(l, group);
			bound_of_group(l, sym->name, &group, &to);
		}
		if (!to.sec)
			continue;
		if (!(to.file->sec[to.sec].flags & SHF_ALLOC))
			return diag(m->dg, DIAG_L006, at, "to section %s, which is not loaded",
				    to.file->sec[to.sec].name);
		if (sym->sec != SEC_UNDEF || sym->bind != STB_WEAK)
			mark(m, to);
		else if (weak_takes(l, sym->name))
			*ARENA_PUSH(l->arena, m->weak, m->n_weak, m->cap_weak) = to;
	}
	return 0;
}

static int drain(struct marking *m)
{
	int err = 0;

	while (m->n && err >= 0)
		err = follow(m, m->work[--m->n]);
	return err;
}

static bool in_use(const struct obj_file *f)
{
	for (uint32_t i = 1; i < f->n_sec; i++)
		if (f->sec[i].live)
			return true;
	return false;
}

/* The sections of wanted groups, of all files that have something else in the payload. */
static bool mark_groups(struct marking *m, struct obj_file *f)
{
	size_t n = m->n;

	if (!in_use(f))
		return false;
	for (uint32_t i = 1; i < f->n_sec; i++)
		for (size_t g = 0; g < m->l->n_group; g++)
			if (f->sec[i].flags & SHF_ALLOC &&
			    !strcmp(f->sec[i].name, m->l->group[g].name))
				mark(m, (struct lnk_ref){ f, i, 0 });
	return m->n != n;
}

/* What weak references name, of members that are in use. */
static bool mark_weak(struct marking *m)
{
	size_t n = m->n;

	for (size_t i = 0; i < m->n_weak; i++)
		if (in_use(m->weak[i].file))
			mark(m, m->weak[i]);
	return m->n != n;
}

static int mark_roots(struct marking *m)
{
	struct lnk *l = m->l;
	const char *const by_name[] = { "bpftime_rt1_cold", l->target.start };
	struct lnk_ref r;

	for (uint32_t i = OWN_HEADER; i < OWN_FIXED; i++)
		mark(m, (struct lnk_ref){ &l->own, i, 0 });
	for (size_t i = 0; i < l->n_object; i++)
		mark(m, l->object[i].at);
	for (size_t i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (by_name[i] && lnk_global(l, by_name[i], &r))
			mark(m, r);
	for (size_t i = 0; i < l->n_required; i++) {
		if (!lnk_global(l, l->required[i], &r))
			return diag(m->dg, DIAG_L012, at_file("the runtime archive"), "no %s",
				    l->required[i]);
		mark(m, r);
	}
	return 0;
}

void lnk_each_section(struct lnk *l, lnk_each_fn *fn, void *arg)
{
	for (size_t i = 0; i < l->n_file; i++)
		for (uint32_t k = 1; k < l->file[i]->n_sec; k++)
			fn(l, l->file[i], &l->file[i]->sec[k], arg);
	for (size_t i = 0; i < l->n_member; i++)
		for (uint32_t k = 1; k < l->member[i].n_sec; k++)
			fn(l, &l->member[i], &l->member[i].sec[k], arg);
	for (uint32_t k = 1; k < l->own.n_sec; k++)
		fn(l, &l->own, &l->own.sec[k], arg);
}

static void unmark(struct lnk *l, struct obj_file *f, struct obj_sec *s, void *arg)
{
	(void)l;
	(void)f;
	(void)arg;
	s->live = false;
}

int lnk_select(struct lnk *l, struct diags *dg)
{
	struct marking m = { .l = l, .dg = dg };
	bool more = true;
	int err = 0;

	if (!l->symtab) {
		err = read_archive(l, dg);
		if (err < 0)
			return err;
		index_symbols(l);
	}
	l->n_group = 0;
	for (size_t i = 0; i < l->n_file; i++)
		eh_frame_restore(l->file[i]);
	for (size_t i = 0; i < l->n_member; i++)
		eh_frame_restore(&l->member[i]);
	lnk_each_section(l, unmark, NULL);
	err = mark_roots(&m);
	while (err >= 0 && more && (err = drain(&m)) >= 0) {
		more = mark_weak(&m);
		for (size_t i = 0; i < l->n_file; i++)
			more |= mark_groups(&m, l->file[i]);
		for (size_t i = 0; i < l->n_member; i++)
			more |= mark_groups(&m, &l->member[i]);
	}
	for (size_t i = 0; i < l->n_file && err >= 0; i++)
		eh_frame_keep(l->arena, l->file[i]);
	for (size_t i = 0; i < l->n_member && err >= 0; i++) {
		eh_frame_keep(l->arena, &l->member[i]);
		err = lnk_check_code(l, &l->member[i], dg);
	}
	return err;
}
