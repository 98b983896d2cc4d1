/* SPDX-License-Identifier: MIT
 *
 * image_go.c - the functions of a Go program, from the table that its runtime unwinds with.
 *
 * Source: Go's src/runtime/symtab.go and src/debug/gosym/pclntab.go; the formats are those of
 * Go 1.2, 1.16, 1.18 and 1.20, each up to the next.  The table is in every Go program, stripped or
 * not: by section name, or else found by its first eight bytes. */
#include "image_priv.h"

#include <stdlib.h>

#include "insn_x86_64.h"

enum { MAX_FUNCTIONS = 1 << 24, MAX_NAME = 1 << 13, MAX_TRIED = 64, POINTER = 8 };

/* One row a format; offsets in bytes.  Counts and offsets of the header are pointer-sized words,
 * fields of a function 32 bits. */
struct go_format {
	uint32_t magic;
	uint8_t  header;		/* size; there may be more behind */
	uint8_t  text, names, functions;	/* words of the header; 0: none, from its start */
	bool     relative;		/* entries are 32-bit distances from `text` */
	uint8_t  resume;		/* in a function: where a recovered panic goes on */
	uint8_t  flags;			/* the same: a byte; 0: none */
};
static const struct go_format formats[] = {
	{ 0xfffffffb, 16, 0,  0,  0,  false, 16, 0 },
	{ 0xfffffffa, 64, 0,  24, 56, false, 16, 0 },
	{ 0xfffffff0, 72, 24, 32, 64, true,  12, 37 },
	{ 0xfffffff1, 72, 24, 32, 64, true,  12, 41 },
};
enum { FLAG_ASSEMBLY = 1 << 2 };	/* abi.FuncFlagAsm */

struct rela {
	uint64_t at, value;
};

struct go_reader {
	struct image *im;
	const struct go_format *f;
	struct bytes tab, names, functions;	/* each to the end of its segment */
	uint64_t vaddr, text;
	struct rela *rela;	/* of DT_RELA, by place */
	size_t n_rela;
};

/* ---- words that a dynamic linker fills in ---- */

static int by_at(const void *a, const void *b)
{
	const struct rela *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void read_relocations(struct go_reader *g)
{
	const struct image_dyn *d = g->im->dyn;
	struct bytes b = image_from(g->im, d ? d->rela : 0);
	uint64_t n = d && b.p ? (d->rela_bytes < b.n ? d->rela_bytes : b.n) / sizeof(Elf64_Rela) : 0;
	Elf64_Rela r;

	g->rela = arena_array(g->im->arena, n, sizeof(*g->rela));
	for (uint64_t i = 0; i < n && bytes_get(b, i * sizeof(r), &r, sizeof(r)); i++)
		if (ELF64_R_TYPE(r.r_info) == R_X86_64_RELATIVE)
			g->rela[g->n_rela++] = (struct rela){ r.r_offset, (uint64_t)r.r_addend };
	if (g->n_rela)
		qsort(g->rela, g->n_rela, sizeof(*g->rela), by_at);
}

/* The pointer at vaddr as the program finds it. */
static uint64_t pointer_at(const struct go_reader *g, uint64_t vaddr)
{
	struct rela key = { vaddr, 0 };
	const struct rela *r = g->n_rela ? bsearch(&key, g->rela, g->n_rela, sizeof(key), by_at) : NULL;
	uint64_t v = 0;

	if (r)
		return r->value;
	bytes_get(image_from(g->im, vaddr), 0, &v, sizeof(v));
	return v;
}

/* ---- one table ---- */

static bool is_code(const struct image *im, uint64_t vaddr)
{
	const Elf64_Phdr *ph = image_load_at(im, vaddr);

	return ph && (ph->p_flags & PF_X);
}

static struct bytes from(struct bytes b, uint64_t off)
{
	return off <= b.n ? (struct bytes){ b.p + off, b.n - off } : (struct bytes){ NULL, 0 };
}

/* Entry i of the table of functions, and where its record is; entry n is the end. */
static bool entry(const struct go_reader *g, uint64_t i, uint64_t *vaddr, uint64_t *record)
{
	uint64_t head = g->f->functions ? 0 : g->f->header;
	uint32_t pair[2] = { 0 };

	if (g->f->relative) {
		if (!bytes_get(g->functions, i * 8, pair, 4))
			return false;
		bytes_get(g->functions, i * 8 + 4, &pair[1], 4);
		*vaddr = g->text + pair[0];
		*record = pair[1];
		return true;
	}
	if (!bytes_at(g->functions, head + i * 2 * POINTER, POINTER))
		return false;
	*vaddr = pointer_at(g, (uint64_t)(g->functions.p - g->tab.p) + g->vaddr + head + i * 2 * POINTER);
	*record = 0;
	bytes_get(g->functions, head + i * 2 * POINTER + POINTER, record, sizeof(*record));
	return true;
}

static void read_function(const struct go_reader *g, uint64_t record, struct image_go_fn *fn)
{
	uint64_t name_at = g->f->relative ? 4 : POINTER;
	struct bytes b = from(g->functions, record);
	uint32_t name, resume;
	uint8_t flags;

	if (bytes_get(b, name_at, &name, 4)) {
		struct bytes names = from(g->names, name);

		names.n = names.n < MAX_NAME ? names.n : MAX_NAME;
		fn->name = bytes_str(names, 0);
	}
	if (bytes_get(b, g->f->resume, &resume, 4) && resume && resume < fn->end - fn->vaddr)
		fn->resume_vaddr = fn->vaddr + resume;
	fn->assembly = !g->f->flags || !bytes_get(b, g->f->flags, &flags, 1) || (flags & FLAG_ASSEMBLY);
}

/* All functions, if this is such a table: entries ascend and are code. */
static bool read_table(struct go_reader *g, struct image_go *out)
{
	uint64_t n = 0, vaddr, record, next, unused;

	if (!bytes_get(g->tab, POINTER, &n, sizeof(n)) || !n || n > MAX_FUNCTIONS ||
	    n > g->functions.n / 8)
		return false;
	out->fn = arena_array(g->im->arena, n, sizeof(*out->fn));
	out->n_fn = 0;
	for (uint64_t i = 0; i < n; i++) {
		struct image_go_fn *fn = &out->fn[out->n_fn];

		if (!entry(g, i, &vaddr, &record) || !entry(g, i + 1, &next, &unused) || next < vaddr ||
		    !is_code(g->im, vaddr))
			return false;
		if (next == vaddr)
			continue;
		*fn = (struct image_go_fn){ .vaddr = vaddr, .end = next };
		read_function(g, record, fn);
		out->n_fn++;
	}
	return out->n_fn;
}

/* Go 1.26 leaves the header's word empty; struct moduledata begins with the table's address
 * and has that of the code behind six slices and three words. */
static uint64_t text_of_module(const struct go_reader *g)
{
	enum { TEXT = POINTER + 6 * 3 * POINTER + 3 * POINTER };
	const struct image *im = g->im;

	for (size_t i = 0; i < g->n_rela; i++)
		if (g->rela[i].value == g->vaddr && is_code(im, pointer_at(g, g->rela[i].at + TEXT)))
			return pointer_at(g, g->rela[i].at + TEXT);
	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		struct bytes b = { NULL, 0 };
		uint64_t v;

		if (im->ph[i].p_type == PT_LOAD && (im->ph[i].p_flags & PF_W))
			b = image_from(im, im->ph[i].p_vaddr);
		for (uint64_t off = 0; bytes_get(b, off, &v, sizeof(v)); off += POINTER)
			if (v == g->vaddr && is_code(im, pointer_at(g, im->ph[i].p_vaddr + off + TEXT)))
				return pointer_at(g, im->ph[i].p_vaddr + off + TEXT);
	}
	return 0;
}

static bool try_table(struct go_reader *g, uint64_t vaddr, struct image_go *out)
{
	uint64_t names = 0, functions = 0;
	uint8_t head[8];
	uint32_t magic;

	g->tab = image_from(g->im, vaddr);
	g->vaddr = vaddr;
	if (!bytes_get(g->tab, 0, head, sizeof(head)) || head[4] || head[5] || head[6] != 1 ||
	    head[7] != POINTER)
		return false;
	memcpy(&magic, head, 4);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		g->f = &formats[i];
		if (magic != g->f->magic || !bytes_at(g->tab, 0, g->f->header))
			continue;
		if (g->f->names) {
			bytes_get(g->tab, g->f->names, &names, sizeof(names));
			bytes_get(g->tab, g->f->functions, &functions, sizeof(functions));
		}
		g->names = from(g->tab, names);
		g->functions = from(g->tab, functions);
		g->text = g->f->text ? pointer_at(g, vaddr + g->f->text) : 0;
		if (g->f->text && !is_code(g->im, g->text))
			g->text = text_of_module(g);
		return read_table(g, out);
	}
	return false;
}

/* ---- finding it ---- */

static bool by_section(struct go_reader *g, struct image_go *out)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };

	for (unsigned i = 0; i < 2; i++) {
		const Elf64_Shdr *sh = image_section(g->im, names[i]);

		if (sh && try_table(g, sh->sh_addr, out))
			return true;
	}
	return false;
}

static bool by_magic(struct go_reader *g, struct image_go *out)
{
	const struct image *im = g->im;
	unsigned tried = 0;

	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];
		struct bytes b = { ph->p_type == PT_LOAD ? image_at(im, ph->p_vaddr, ph->p_filesz) : NULL,
				   ph->p_filesz };
		uint64_t v;

		for (uint64_t off = 0; b.p && bytes_get(b, off, &v, sizeof(v)); off += POINTER)
			if ((v | 0xf) == 0x08010000ffffffff && tried++ < MAX_TRIED &&
			    try_table(g, ph->p_vaddr + off, out))
				return true;
	}
	return false;
}

static bool has_build_info(const struct image *im)
{
	static const char magic[] = "\xff Go buildinf:";

	if (image_section(im, ".go.buildinfo") || image_section(im, ".note.go.buildid"))
		return true;
	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_LOAD && (im->ph[i].p_flags & PF_W) &&
		    memmem(im->file.p + im->ph[i].p_offset, im->ph[i].p_filesz, magic, sizeof(magic) - 1))
			return true;
	return false;
}

/* ---- names ---- */

static bool calls(const struct image *im, const struct image_go_fn *fn, uint64_t target)
{
	struct insn in;

	for (uint64_t at = fn->vaddr; at < fn->end; at += in.len) {
		const uint8_t *p = image_at(im, at, fn->end - at);

		if (!p || !insn_decode(p, fn->end - at, at, &in))
			return false;
		if ((in.kind == INSN_CALL || in.kind == INSN_JMP) && in.target == target)
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct image_go_fn *const *x = a, *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);

	return c ? c : (*x)->vaddr < (*y)->vaddr ? -1 : (*x)->vaddr > (*y)->vaddr;
}

/* Where the two calling conventions meet, a function and the wrapper that calls it have one
 * name.  The name is the function's: a hook at both would see a call twice. */
static void name_wrappers(const struct image *im, struct image_go *go)
{
	enum { ALIKE = 4 };
	struct image_go_fn **v = arena_array(im->arena, go->n_fn, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < go->n_fn; i++)
		if (go->fn[i].name)
			v[n++] = &go->fn[i];
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i > ALIKE ? i - ALIKE : 0; k < n && k <= i + ALIKE; k++)
			if (k != i && !v[i]->wrapper && !v[k]->wrapper && !strcmp(v[i]->name, v[k]->name) &&
			    calls(im, v[i], v[k]->vaddr))
				v[i]->wrapper = true;
	for (size_t i = 0; i < n; i++)
		if (v[i]->wrapper)
			v[i]->name = arena_printf(im->arena, "%s.abiwrapper", v[i]->name);
}

void image_read_go(struct image_reader *r)
{
	struct image *im = r->im;
	struct image_go *go = arena_alloc(im->arena, sizeof(*go));
	struct go_reader g = { .im = im };

	read_relocations(&g);
	if (by_section(&g, go) || by_magic(&g, go)) {
		name_wrappers(im, go);
		im->go = go;
	} else if (has_build_info(im)) {
		go->n_fn = 0;
		im->go = go;
	}
}

const struct image_go_fn *image_go_fn_at(const struct image *im, uint64_t vaddr)
{
	size_t lo = 0, hi = im->go ? im->go->n_fn : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (im->go->fn[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && vaddr < im->go->fn[lo - 1].end ? &im->go->fn[lo - 1] : NULL;
}
