/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <bpf/btf.h>
#include <string.h>

void unit_free(struct unit *u)
{
	if (!u)
		return;
	btf__free(u->btf);
	arena_free(u->arena);
}

/* The last record at or before `insn` in an array sorted by .insn; SIZE_MAX: none. */
#define LAST_AT(array_, n_, insn_, out_)                                          \
	do {                                                                      \
		size_t lo_ = 0, hi_ = (n_);                                       \
		while (lo_ < hi_) {                                               \
			size_t mid_ = lo_ + (hi_ - lo_) / 2;                      \
			if ((array_)[mid_].insn <= (insn_))                       \
				lo_ = mid_ + 1;                                   \
			else                                                      \
				hi_ = mid_;                                       \
		}                                                                 \
		(out_) = lo_ ? lo_ - 1 : SIZE_MAX;                                \
	} while (0)

const struct unit_line *unit_line_at(const struct unit_prog *p, uint32_t insn)
{
	size_t i;

	LAST_AT(p->line, p->n_line, insn, i);
	return i == SIZE_MAX ? NULL : &p->line[i];
}

const struct unit_func *unit_func_at(const struct unit_prog *p, uint32_t insn)
{
	size_t i;

	LAST_AT(p->func, p->n_func, insn, i);
	return i == SIZE_MAX ? &p->func[0] : &p->func[i];
}

const char *unit_src(const struct unit *u, const struct unit_prog *p, uint32_t insn)
{
	const struct unit_line *l = unit_line_at(p, insn);
	const char *base;

	if (!l || !l->file[0])
		return NULL;
	base = strrchr(l->file, '/');
	return arena_printf(u->arena, "%s:%u", base ? base + 1 : l->file, l->line);
}

const char *unit_note_at(const struct unit_prog *p, uint32_t insn)
{
	for (size_t i = 0; i < p->n_note; i++)
		if (p->note[i].insn == insn)
			return p->note[i].why;
	return NULL;
}
