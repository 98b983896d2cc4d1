/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <bpf/btf.h>
#include <string.h>

void unit_free(struct unit *u)
{
	if (!u)
		return;
	btf__free(u->btf);
	btf__free(u->target_btf);
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

const struct helper_proto *unit_callee(const struct unit *u, const struct bpfi *in)
{
	if (in->code != BPFI_JMP_CALL)
		return NULL;
	switch (in->src) {
	case BPFI_CALL_HELPER:
		return helper_proto(in->imm);
	case BPFI_CALL_KFUNC:
		return (uint32_t)in->imm < u->n_kfunc ? kfunc_proto(u->kfunc[in->imm]) : NULL;
	case BPFI_CALL_EXTERN:
		return (uint32_t)in->imm < u->n_ext ? &u->ext[in->imm].proto : NULL;
	default:
		return NULL;
	}
}

void unit_find_funcs(struct arena *a, struct unit_prog *p)
{
	uint8_t *start = arena_alloc(a, p->n_insn + 1);	/* 1 function, 3 callback */
	struct unit_func *f;
	size_t n = 0;

	start[0] = 1;
	for (uint32_t i = 0; i < p->n_insn; i++) {
		const struct bpfi *in = &p->insn[i];
		int64_t to = (int64_t)i + 1 + in->imm;
		bool call = in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_LOCAL;
		bool ptr = in->code == BPFI_LD_IMM64 && in->src == BPFI_LD_FUNC;

		if ((call || ptr) && to >= 0 && to < p->n_insn)
			start[to] |= ptr ? 3 : 1;
		if (in->code == BPFI_LD_IMM64)
			i++;
	}
	for (uint32_t i = 0; i < p->n_insn; i++)
		n += start[i] != 0;
	p->func = f = arena_array(a, n + 1, sizeof(*f));
	p->n_func = n;
	for (uint32_t i = 0; i < p->n_insn; i++)
		if (start[i])
			*f++ = (struct unit_func){
				.insn = i, .callback = start[i] == 3,
				.name = i ? arena_printf(a, "func_%u", i) : p->name,
			};
}
