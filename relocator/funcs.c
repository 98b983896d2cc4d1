/* SPDX-License-Identifier: MIT
 *
 * Functions: the programs, each named by its SEC(), and what they call.  As in libbpf,
 * a function in .text or a static one is a subprogram; any other is a program. */
#include <elf.h>
#include <stdlib.h>

#include "obj.h"

static int by_place(const void *a, const void *b)
{
	const struct obj_func *x = a, *y = b;

	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int add_func(struct obj *o, const struct obj_sym *y, size_t *cap)
{
	const struct obj_sec *s = &o->sec[y->sec];
	struct obj_func *f;

	if (y->value % 8 || y->size % 8 || !y->size || !bytes_at(s->data, y->value, y->size))
		return diag(o->dg, DIAG_R002, at_sec(o, s->name, (int64_t)y->value),
			    "function '%s'", y->name);
	if (s->size / 8 > INT32_MAX / 2)
		return diag(o->dg, DIAG_R013, at_sec(o, s->name, -1), "%llu instructions",
			    (unsigned long long)s->size / 8);
	f = ARENA_PUSH(o->tmp, o->func, o->n_func, *cap);
	f->name = y->name;
	f->sec = y->sec;
	f->first = (uint32_t)(y->value / 8);
	f->n = (uint32_t)(y->size / 8);
	f->entry = y->bind != STB_LOCAL && strcmp(s->name, ".text");
	f->insn = arena_dup(o->tmp, s->data.p + y->value, y->size);
	return 0;
}

/* Aliases (two symbols at one place) are one function; the first name stands. */
static int drop_aliases(struct obj *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_func; i++) {
		struct obj_func *f = &o->func[i], *last = n ? &o->func[n - 1] : NULL;

		if (last && last->sec == f->sec && f->first < last->first + last->n) {
			if (f->first != last->first || f->n != last->n)
				return diag(o->dg, DIAG_R002,
					    at_sec(o, o->sec[f->sec].name, f->first * 8ll),
					    "functions '%s' and '%s' overlap", last->name, f->name);
			last->entry |= f->entry;
			continue;
		}
		o->func[n++] = *f;
	}
	o->n_func = n;
	return 0;
}

/* Function types; a hidden function counts as static, so that it is verified with its
 * callers (libbpf: STV_HIDDEN and STV_INTERNAL). */
static void name_types(struct obj *o)
{
	for (size_t i = 0; i < o->n_finfo; i++) {
		const struct obj_func_info *r = &o->finfo[i];
		struct obj_func *f = obj_func_at(o, r->sec, r->insn);

		if (f && f->first == r->insn)
			f->btf_id = r->type_id;
	}
	for (size_t i = 1; i < o->n_sym; i++) {
		const struct obj_sym *y = &o->sym[i];
		struct obj_func *f;

		if (y->type != STT_FUNC || y->sec >= o->n_sec ||
		    (y->vis != STV_HIDDEN && y->vis != STV_INTERNAL))
			continue;
		f = obj_func_at(o, y->sec, y->value / 8);
		if (f && f->btf_id) {
			struct btf_type *t = btf_mut(o->btf, f->btf_id);

			t->info = (t->info & ~0xffffu) | BTF_FUNC_STATIC;
		}
	}
}

int obj_find_funcs(struct obj *o)
{
	size_t cap = 0, n_entry = 0;
	int err;

	for (size_t i = 1; i < o->n_sym; i++) {
		const struct obj_sym *y = &o->sym[i];

		if (y->type != STT_FUNC || y->sec == SHN_UNDEF || y->sec >= o->n_sec ||
		    o->sec[y->sec].role != ROLE_CODE)
			continue;
		err = add_func(o, y, &cap);
		if (err)
			return err;
	}
	if (o->n_func)
		qsort(o->func, o->n_func, sizeof(*o->func), by_place);
	err = drop_aliases(o);
	if (err)
		return err;
	for (size_t i = 0; i < o->n_func; i++)
		n_entry += o->func[i].entry;
	if (!n_entry) {
		diag(o->dg, DIAG_R012, at_file(o->path), "%s",
		     o->n_func ? "only functions without SEC()" : "");
		diag_more(o->dg, "name the kind of each program, as in  SEC(\"uprobe\") int "
				 "f(struct pt_regs *ctx)");
		return -DIAG_R012;
	}
	name_types(o);
	return 0;
}

struct obj_func *obj_func_at(const struct obj *o, uint32_t sec, uint64_t insn)
{
	size_t lo = 0, hi = o->n_func;
	struct obj_func *f;

	while (lo < hi) {	/* the last one that starts at or before (sec, insn) */
		size_t mid = lo + (hi - lo) / 2;

		f = &o->func[mid];
		if (f->sec < sec || (f->sec == sec && f->first <= insn))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	f = &o->func[lo - 1];
	return f->sec == sec && insn - f->first < f->n ? f : NULL;
}
