/* SPDX-License-Identifier: MIT
 *
 * Programs as the verifier sees them: the entry function, then every function it reaches,
 * each once.  The order is libbpf's: depth first, where the first call is found. */
#include "obj.h"

enum { MAX_PROG_INSNS = 1 << 20, MAX_UNIT_INSNS = 1 << 24 };
#define NOT_PLACED UINT32_MAX

/* The functions of one program, in order of placing. */
struct placed {
	struct obj *o;
	const char *entry;	/* name of the program */
	uint32_t *func;
	size_t    n, cap;
	uint32_t  n_insn;
	struct { uint32_t func; size_t next_call; } *path;
	size_t    depth, path_cap;
};

static int place(struct placed *p, uint32_t func)
{
	struct obj_func *f = &p->o->func[func];

	if (f->n > MAX_PROG_INSNS - p->n_insn)
		return diag(p->o->dg, DIAG_R013, at_insn(p->o->path, p->entry, -1, NULL),
			    "more than %u instructions with its subprograms", MAX_PROG_INSNS);
	f->at = p->n_insn;
	p->n_insn += f->n;
	*ARENA_PUSH(p->o->tmp, p->func, p->n, p->cap) = func;
	ARENA_PUSH(p->o->tmp, p->path, p->depth, p->path_cap)->func = func;
	p->path[p->depth - 1].next_call = 0;
	return 0;
}

static int place_reached(struct placed *p, uint32_t entry)
{
	int err = place(p, entry);

	while (!err && p->depth) {
		const struct obj_func *f = &p->o->func[p->path[p->depth - 1].func];
		size_t k = p->path[p->depth - 1].next_call++;

		if (k == f->n_call)
			p->depth--;
		else if (p->o->func[f->call[k].callee].at == NOT_PLACED)
			err = place(p, f->call[k].callee);
	}
	return err;
}

static void copy_insns(const struct placed *p, struct unit_prog *prog)
{
	prog->n_insn = p->n_insn;
	prog->insn = arena_array(p->o->a, p->n_insn, sizeof(*prog->insn));
	for (size_t i = 0; i < p->n; i++) {
		const struct obj_func *f = &p->o->func[p->func[i]];

		memcpy(prog->insn + f->at, f->insn, f->n * sizeof(*f->insn));
		for (size_t k = 0; k < f->n_call; k++) {
			const struct obj_call *c = &f->call[k];
			uint32_t at = f->at + c->insn;

			prog->insn[at].src = c->address ? BPFI_LD_FUNC : BPFI_CALL_LOCAL;
			prog->insn[at].imm = (int32_t)(p->o->func[c->callee].at - at - 1);
			if (c->address)
				prog->insn[at + 1].imm = 0;
		}
	}
}

static bool is_callback(const struct placed *p, uint32_t func)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct obj_func *f = &p->o->func[p->func[i]];

		for (size_t k = 0; k < f->n_call; k++)
			if (f->call[k].callee == func && f->call[k].address)
				return true;
	}
	return false;
}

static void list_funcs(const struct placed *p, struct unit_prog *prog)
{
	struct unit_func *out = arena_array(p->o->a, p->n, sizeof(*out));

	for (size_t i = 0; i < p->n; i++) {
		const struct obj_func *f = &p->o->func[p->func[i]];
		const struct btf_type *t = f->btf_id ? btf__type_by_id(p->o->btf, f->btf_id) : NULL;

		out[i] = (struct unit_func){
			.insn = f->at,
			.btf_id = f->btf_id,
			.global = t && btf_vlen(t) == BTF_FUNC_GLOBAL,
			.callback = is_callback(p, p->func[i]),
			.name = arena_strdup(p->o->a, f->name),
		};
	}
	prog->func = out;
	prog->n_func = p->n;
}

/* First line record at or behind slot `insn` of section `sec`. */
static size_t first_line(const struct obj *o, uint32_t sec, uint32_t insn)
{
	size_t lo = 0, hi = o->n_linfo;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct obj_line_info *l = &o->linfo[mid];

		if (l->sec < sec || (l->sec == sec && l->insn < insn))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void list_lines(const struct placed *p, struct unit_prog *prog)
{
	const struct obj *o = p->o;
	struct unit_line *out = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct obj_func *f = &o->func[p->func[i]];

		for (size_t k = first_line(o, f->sec, f->first);
		     k < o->n_linfo && o->linfo[k].sec == f->sec &&
			     o->linfo[k].insn - f->first < f->n; k++) {
			struct unit_line *l = ARENA_PUSH(o->a, out, n, cap);

			*l = o->linfo[k].line;
			l->insn = o->linfo[k].insn - f->first + f->at;
		}
	}
	prog->line = out;
	prog->n_line = n;
}

static void list_notes(const struct placed *p, struct unit_prog *prog)
{
	struct unit_note *out = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct obj_func *f = &p->o->func[p->func[i]];

		for (size_t k = 0; k < f->n_note; k++)
			*ARENA_PUSH(p->o->a, out, n, cap) =
				(struct unit_note){ f->at + f->note[k].insn, f->note[k].why };
	}
	prog->note = out;
	prog->n_note = n;
}

/* SEC("vm/256"): bytes of memory behind r1. */
static int read_mem_bytes(struct obj *o, struct unit_prog *prog)
{
	char *end;
	unsigned long long n;

	if (prog->type != PROG_VM || !prog->spec[0])
		return 0;
	n = strtoull(prog->spec, &end, 0);
	if (*end || prog->spec[0] == '-' || n > UINT32_MAX)
		return diag(o->dg, DIAG_R004, at_insn(o->path, prog->name, -1, NULL),
			    "SEC(\"%s\"): \"vm/N\" is a program over N bytes of memory", prog->sec);
	prog->mem_bytes = (uint32_t)n;
	return 0;
}

/* SEC("syscall"): who runs it gives it a struct, which is what its argument points at. */
static void size_by_argument(struct obj *o, const struct obj_func *f, struct unit_prog *prog)
{
	const struct btf_type *t = o->btf && f->btf_id ? btf__type_by_id(o->btf, f->btf_id) : NULL;
	int64_t n = 0;

	if (strcmp(prog->sec, "syscall") || !t || !btf_is_func(t))
		return;
	t = btf__type_by_id(o->btf, t->type);
	t = btf_vlen(t) ? btf_strip(o->btf, btf_params(t)[0].type, NULL) : NULL;
	if (t && btf_is_ptr(t) && t->type)
		n = btf__resolve_size(o->btf, t->type);
	if (n <= 0 || n > UINT16_MAX)
		return;
	prog->sec = arena_printf(o->a, "syscall/%u", (unsigned)n);
	prog->spec = strchr(prog->sec, '/') + 1;
}

/* Programs that the object marks optional, of a kind that does not exist here. */
static bool is_left_out(struct obj *o, const struct obj_func *f)
{
	const char *sec = o->sec[f->sec].name, *spec;
	enum hook_kind kind;
	unsigned flags;

	if (sec[0] != '?' || !hook_parse_sec(sec, &kind, &flags, &spec))
		return false;
	diag_warn(o->dg, at_insn(o->path, f->name, -1, NULL),
		  "left out: SEC(\"%s\") is optional and of an unknown kind", sec);
	return true;
}

#define SEC_DEF(prefix_, hook_, flags_) " " prefix_
static const char all_kinds[] =
#include "hooks.def"
	;

static int name_prog(struct obj *o, const struct obj_func *f, struct unit_prog *prog)
{
	prog->name = arena_strdup(o->a, f->name);
	prog->sec = arena_strdup(o->a, o->sec[f->sec].name);
	if (hook_parse_sec(prog->sec, &prog->kind, &prog->flags, &prog->spec)) {
		diag(o->dg, DIAG_R004, at_insn(o->path, prog->name, -1, NULL), "SEC(\"%s\")",
		     prog->sec);
		diag_more(o->dg, "kinds:%s", all_kinds);
		return -DIAG_R004;
	}
	prog->type = hook_table[prog->kind].prog_type;
	size_by_argument(o, f, prog);
	return read_mem_bytes(o, prog);
}

int obj_layout(struct obj *o)
{
	struct unit *u = o->u;
	uint64_t total = 0;
	size_t cap = 0;

	for (size_t i = 0; i < o->n_func; i++) {
		struct placed p = { .o = o, .entry = o->func[i].name };
		struct unit_prog *prog;
		int err;

		o->func[i].prog = -1;
		if (!o->func[i].entry || is_left_out(o, &o->func[i]))
			continue;
		prog = ARENA_PUSH(o->a, u->prog, u->n_prog, cap);
		err = name_prog(o, &o->func[i], prog);
		if (err)
			return err;
		for (size_t k = 0; k < o->n_func; k++)
			o->func[k].at = NOT_PLACED;
		err = place_reached(&p, (uint32_t)i);
		if (err)
			return err;
		total += p.n_insn;
		if (total > MAX_UNIT_INSNS)
			return diag(o->dg, DIAG_R013, at_file(o->path),
				    "more than %u instructions in all programs", MAX_UNIT_INSNS);
		o->func[i].prog = (int32_t)(u->n_prog - 1);
		copy_insns(&p, prog);
		list_funcs(&p, prog);
		list_lines(&p, prog);
		list_notes(&p, prog);
	}
	if (!u->n_prog)
		return diag(o->dg, DIAG_R012, at_file(o->path),
			    "only optional ones of unknown kinds");
	return 0;
}
