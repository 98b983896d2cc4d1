/* SPDX-License-Identifier: MIT
 *
 * Relocations of code.  What does not depend on where a function ends up (maps, global
 * data, externs) is written into its instructions; calls and addresses of functions are
 * listed for layout.c.
 *
 * Source: Documentation/bpf/llvm_reloc.rst of the kernel; record_reloc and reloc_code of
 * libbpf for what sits in imm:
 *     ld_imm64 of data         imm = addend in bytes
 *     ld_imm64 of a function   symbol + imm = byte offset in the section
 *     call                     symbol/8 + imm + 1 = slot in the section
 *     call, no relocation      imm as the instruction set has it, within the section */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>

#include "obj.h"

/* One relocation that belongs to a function. */
struct site {
	uint32_t insn;	/* slot in the function */
	struct obj_rel rel;
};

static int bad(const struct obj *o, const struct obj_func *f, uint32_t insn, const char *fmt,
	       const char *name)
{
	const char *sec = o->sec[f->sec].name;
	const char *text = arena_printf(o->tmp, fmt, name);

	return diag(o->dg, DIAG_R007, at_insn(o->path, f->name, insn, NULL),
		    "%s (section %s, slot %u)",
		    text, sec, f->first + insn);
}

static void add_call(struct obj *o, struct obj_func *f, uint32_t insn,
		     const struct obj_func *callee,
		     bool address, size_t *cap)
{
	struct obj_call *c = ARENA_PUSH(o->tmp, f->call, f->n_call, *cap);

	*c = (struct obj_call){ insn, (uint32_t)(callee - o->func), address };
}

/* `slot` in section `sec` must be where a function starts. */
static int call_to(struct obj *o, struct obj_func *f, uint32_t insn, uint32_t sec, int64_t slot,
		   bool address, size_t *cap)
{
	const struct obj_func *callee = slot < 0 ? NULL : obj_func_at(o, sec, (uint64_t)slot);

	if (!callee || callee->first != slot)
		return bad(o, f, insn, "%s",
			   address ? "address of what is no function"
				   : "call to what is no function");
	add_call(o, f, insn, callee, address, cap);
	return 0;
}

static int ref_map(struct obj *o, struct obj_func *f, uint32_t insn, const struct obj_sym *y)
{
	struct bpfi *in = &f->insn[insn];
	uint64_t off = y->value + (y->type == STT_SECTION ? (uint32_t)in->imm : 0);

	for (size_t i = 0; i < o->n_place; i++)
		if (o->place[i].def_id && o->place[i].sec == y->sec && o->place[i].off == off) {
			in[0].src = BPFI_LD_MAP;
			in[0].imm = (int32_t)i;
			in[1].imm = 0;
			return 0;
		}
	return bad(o, f, insn, "no map at symbol '%s'", y->name);
}

static int ref_data(struct obj *o, struct obj_func *f, uint32_t insn, const struct obj_sym *y)
{
	const struct obj_sec *s = &o->sec[y->sec];
	struct bpfi *in = &f->insn[insn];
	int64_t off = (int64_t)y->value + in->imm;

	if (y->value > s->size || off < INT32_MIN || off > INT32_MAX)
		return bad(o, f, insn, "symbol '%s' outside its section", y->name);
	in[0].src = BPFI_LD_MAP_VALUE;
	in[0].imm = s->map;
	in[1].imm = (int32_t)off;
	return 0;
}

static int ref_ld64(struct obj *o, struct obj_func *f, const struct site *at, size_t *cap)
{
	const struct obj_sym *y = &o->sym[at->rel.sym];
	const struct bpfi *in = &f->insn[at->insn];
	const struct obj_sec *s;

	if (at->insn + 1 >= f->n)
		return bad(o, f, at->insn, "ld_imm64 is cut off%s", "");
	if (y->sec >= SHN_LORESERVE) {
		int err = bad(o, f, at->insn, "'%s' has no section", y->name);

		diag_more(o->dg,
			  "give the variable an initial value (it was compiled with -fcommon)");
		return err;
	}
	s = &o->sec[y->sec];
	switch (s->role) {
	case ROLE_MAPS:
		return ref_map(o, f, at->insn, y);
	case ROLE_DATA:
	case ROLE_RODATA:
	case ROLE_BSS:
	case ROLE_ARENA:
		return ref_data(o, f, at->insn, y);
	case ROLE_CODE:
		if (y->value % 8 || in->imm % 8 || y->value > s->size)
			return bad(o, f, at->insn, "misaligned address of '%s'", y->name);
		return call_to(o, f, at->insn, y->sec, (int64_t)(y->value / 8) + in->imm / 8, true,
			       cap);
	default:
		return bad(o, f, at->insn, "section '%s' is not one that can be referred to",
			   s->name);
	}
}

static int ref_call(struct obj *o, struct obj_func *f, const struct site *at, size_t *cap)
{
	const struct obj_sym *y = &o->sym[at->rel.sym];
	const struct bpfi *in = &f->insn[at->insn];

	if (in->src != BPFI_CALL_LOCAL || y->sec >= o->n_sec || o->sec[y->sec].role != ROLE_CODE ||
	    y->value % 8 || y->value > o->sec[y->sec].size)
		return bad(o, f, at->insn, "call to '%s'", y->name);
	return call_to(o, f, at->insn, y->sec, (int64_t)(y->value / 8) + in->imm + 1, false, cap);
}

static int apply_site(struct obj *o, struct obj_func *f, const struct site *at, size_t *cap)
{
	const struct obj_sym *y = &o->sym[at->rel.sym];
	uint8_t code = f->insn[at->insn].code;

	if (code != BPFI_LD_IMM64 && code != BPFI_JMP_CALL)
		return bad(o, f, at->insn, "to '%s', at an instruction that takes none", y->name);
	if (y->sec == SHN_UNDEF)
		return obj_ref_extern(o, f, at->insn, at->rel.sym);
	return code == BPFI_LD_IMM64 ? ref_ld64(o, f, at, cap) : ref_call(o, f, at, cap);
}

static int by_insn(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

static int calls_by_insn(const void *a, const void *b)
{
	const struct obj_call *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* Calls within a section have no relocation, those with one are in `site`. */
static int find_plain_calls(struct obj *o, struct obj_func *f, const struct site *site,
			    size_t n_site, size_t *cap)
{
	size_t k = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		const struct bpfi *in = &f->insn[i];
		bool relocated;
		int err;

		while (k < n_site && site[k].insn < i)
			k++;
		relocated = k < n_site && site[k].insn == i;
		if (in->code == BPFI_LD_IMM64) {
			if (i + 1 >= f->n)
				return bad(o, f, i, "ld_imm64 is cut off%s", "");
			if (in->src != BPFI_LD_CONST && !relocated)
				return bad(o, f, i,
					   "ld_imm64 of something, without a relocation%s", "");
			i++;
			continue;
		}
		if (in->code != BPFI_JMP_CALL || relocated)
			continue;
		if (in->src == BPFI_CALL_KFUNC)
			return bad(o, f, i, "call of a kernel function, without a relocation%s",
				   "");
		if (in->src != BPFI_CALL_LOCAL)
			continue;
		err = call_to(o, f, i, f->sec, (int64_t)f->first + i + in->imm + 1, false, cap);
		if (err)
			return err;
	}
	return 0;
}

static int apply_func(struct obj *o, struct obj_func *f, const struct site *site, size_t n)
{
	size_t cap = 0;
	int err = 0;

	/* Before the others change ld_imm64s and calls. */
	err = find_plain_calls(o, f, site, n, &cap);
	for (size_t i = 0; i < n && !err; i++) {
		if (i && site[i].insn == site[i - 1].insn)
			return bad(o, f, site[i].insn, "two relocations of one instruction%s", "");
		err = apply_site(o, f, &site[i], &cap);
	}
	if (!err && f->n_call)
		qsort(f->call, f->n_call, sizeof(*f->call), calls_by_insn);
	return err;
}

/* Hands the relocations of a section to its functions. */
static int apply_section(struct obj *o, uint32_t sec)
{
	struct obj_rel *rel;
	struct site *site;
	size_t n, k = 0;
	int err = obj_rels(o, sec, &rel, &n);

	if (err)
		return err;
	site = arena_array(o->tmp, n, sizeof(*site));
	for (size_t i = 0; i < n; i++) {
		if (rel[i].off % 8 || rel[i].off >= o->sec[sec].size)
			return diag(o->dg, DIAG_R007,
				    at_sec(o, o->sec[sec].name, (int64_t)rel[i].off),
				    "outside the section");
		site[i] = (struct site){ (uint32_t)(rel[i].off / 8), rel[i] };
	}
	if (n)
		qsort(site, n, sizeof(*site), by_insn);
	for (size_t i = 0; i < o->n_func; i++) {
		struct obj_func *f = &o->func[i];
		size_t from;

		if (f->sec != sec)
			continue;
		while (k < n && site[k].insn < f->first)
			k++;	/* of no function: the static linker leaves overridden weak ones */
		from = k;
		for (; k < n && site[k].insn - f->first < f->n; k++)
			site[k].insn -= f->first;
		err = apply_func(o, f, site + from, k - from);
		if (err)
			return err;
	}
	return 0;
}

int obj_apply_refs(struct obj *o)
{
	for (uint32_t i = 1; i < o->n_sec; i++) {
		int err = o->sec[i].role == ROLE_CODE ? apply_section(o, i) : 0;

		if (err)
			return err;
	}
	return 0;
}
