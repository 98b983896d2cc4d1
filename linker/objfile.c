/* SPDX-License-Identifier: MIT */
#include "objfile.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

struct reading {
	struct arena    *arena;
	struct obj_file *f;
	struct diags    *dg;
	const struct lnk_cpu *cpu;
	Elf64_Shdr      *sh;	/* copies, f->n_sec */
	uint32_t         symtab;	/* 0: none */
};

static int malformed(struct reading *r, uint32_t sec, int64_t off, const char *what)
{
	return diag(r->dg, DIAG_L002, obj_loc(r->f, sec, off), "%s", what);
}

static int read_header(struct reading *r, Elf64_Ehdr *eh)
{
	struct obj_file *f = r->f;
	struct loc at = at_file(f->path);

	if (!bytes_get(f->bytes, 0, eh, sizeof(*eh)) || memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return diag(r->dg, DIAG_L001, at, "not an ELF file");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return diag(r->dg, DIAG_L003, at, "not ELF64, little endian");
	if (eh->e_type != ET_REL)
		return diag(r->dg, DIAG_L001, at, "ELF type %u, not a relocatable object",
			    eh->e_type);
	r->cpu = lnk_cpu(eh->e_machine);
	if (eh->e_machine == EM_BPF)
		return diag(r->dg, DIAG_L003, at, "it is a BPF object: compile it with bpftime-aot compile");
	if (!r->cpu)
		return diag(r->dg, DIAG_L003, at, "machine %u", eh->e_machine);
	f->machine = eh->e_machine;
	if (eh->e_shentsize != sizeof(Elf64_Shdr) || !eh->e_shnum || !eh->e_shoff)
		return malformed(r, 0, -1, "no section headers");
	if (!bytes_at(f->bytes, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(Elf64_Shdr)))
		return malformed(r, 0, -1, "section headers reach behind the end of the file");
	f->n_sec = eh->e_shnum;
	return 0;
}

/* What an allocated section must not be.  NULL: fine. */
static const char *unusable(const Elf64_Shdr *sh)
{
	if (sh->sh_flags & SHF_TLS)
		return "thread-local data";
	if (sh->sh_flags & SHF_COMPRESSED)
		return "compressed section";
	if (sh->sh_flags & SHF_WRITE && sh->sh_flags & SHF_EXECINSTR)
		return "writable code";
	switch (sh->sh_type) {
	case SHT_PROGBITS:
	case SHT_NOBITS:
	case SHT_NOTE:
	case SHT_X86_64_UNWIND:
		return NULL;
	case SHT_INIT_ARRAY:
	case SHT_FINI_ARRAY:
	case SHT_PREINIT_ARRAY:
		return "constructors or destructors";
	}
	return "unknown type of section";
}

static int read_section(struct reading *r, uint32_t i, struct bytes names)
{
	struct obj_file *f = r->f;
	const Elf64_Shdr *sh = &r->sh[i];
	struct obj_sec *s = &f->sec[i];
	const char *why;

	s->name = bytes_str(names, sh->sh_name);
	if (!s->name)
		return malformed(r, 0, -1, "section without a name");
	s->type = sh->sh_type;
	s->flags = sh->sh_flags;
	s->bytes = sh->sh_size;
	s->align = sh->sh_addralign ? sh->sh_addralign : 1;
	if (s->bytes > OBJ_MAX_BYTES)
		return malformed(r, i, -1, "section is too large");
	if (s->type != SHT_NOBITS && s->type != SHT_NULL) {
		s->data = bytes_at(f->bytes, sh->sh_offset, sh->sh_size);
		if (!s->data)
			return malformed(r, i, -1, "section reaches behind the end of the file");
	}
	if (s->align & (s->align - 1) || s->align > OBJ_PAGE_BYTES)
		return malformed(r, i, -1, "alignment is not a power of two up to a page");
	if (s->type == SHT_NULL || !(s->flags & SHF_ALLOC))
		return 0;
	why = unusable(sh);
	if (why)
		return diag(r->dg, DIAG_L004, obj_loc(f, i, -1), "%s", why);
	return 0;
}

static int read_sections(struct reading *r)
{
	struct obj_file *f = r->f;
	Elf64_Ehdr eh;
	struct bytes names;
	int err = read_header(r, &eh);

	if (err < 0)
		return err;
	r->sh = arena_array(r->arena, f->n_sec, sizeof(*r->sh));
	f->sec = arena_array(r->arena, f->n_sec, sizeof(*f->sec));
	bytes_get(f->bytes, eh.e_shoff, r->sh, f->n_sec * sizeof(*r->sh));
	if (eh.e_shstrndx >= f->n_sec || r->sh[eh.e_shstrndx].sh_type != SHT_STRTAB)
		return malformed(r, 0, -1, "no section names");
	names.p = bytes_at(f->bytes, r->sh[eh.e_shstrndx].sh_offset, r->sh[eh.e_shstrndx].sh_size);
	names.n = r->sh[eh.e_shstrndx].sh_size;
	if (!names.p)
		return malformed(r, 0, -1, "section names reach behind the end of the file");
	f->sec[0].name = "";
	for (uint32_t i = 1; i < f->n_sec; i++) {
		err = read_section(r, i, names);
		if (err < 0)
			return err;
		if (f->sec[i].type == SHT_SYMTAB) {
			if (r->symtab)
				return malformed(r, i, -1, "second symbol table");
			r->symtab = i;
		}
	}
	return 0;
}

static int read_symbol(struct reading *r, const Elf64_Sym *in, struct bytes names,
		       struct obj_sym *out)
{
	struct obj_file *f = r->f;

	out->name = bytes_str(names, in->st_name);
	if (!out->name)
		return malformed(r, r->symtab, -1, "symbol without a name");
	out->value = in->st_value;
	out->bytes = in->st_size;
	out->bind = ELF64_ST_BIND(in->st_info);
	out->type = ELF64_ST_TYPE(in->st_info);
	out->visibility = ELF64_ST_VISIBILITY(in->st_other);
	if (in->st_shndx == SHN_ABS) {
		out->sec = SEC_ABS;
		return 0;
	}
	if (in->st_shndx == SHN_COMMON || out->type == STT_TLS || out->type == STT_GNU_IFUNC)
		return diag(r->dg, DIAG_L004, at_file(f->path), "symbol %s is %s", out->name,
			    in->st_shndx == SHN_COMMON ? "common data" :
			    out->type == STT_TLS ? "thread-local" : "an indirect function");
	if (in->st_shndx >= f->n_sec)
		return malformed(r, r->symtab, -1, "symbol of a section that is not there");
	out->sec = in->st_shndx;
	if (out->sec != SEC_UNDEF && out->value > f->sec[out->sec].bytes)
		return malformed(r, r->symtab, -1, "symbol outside its section");
	return 0;
}

static int read_symbols(struct reading *r)
{
	struct obj_file *f = r->f;
	const Elf64_Shdr *sh = &r->sh[r->symtab];
	struct bytes table = { f->sec[r->symtab].data, sh->sh_size }, names;
	Elf64_Sym in;

	if (!r->symtab) {
		f->n_sym = 1;
		f->sym = arena_array(r->arena, 1, sizeof(*f->sym));
		f->sym[0].name = "";
		return 0;
	}
	if (sh->sh_entsize != sizeof(in) || table.n < sizeof(in) || table.n % sizeof(in))
		return malformed(r, r->symtab, -1, "symbol table of odd size");
	if (sh->sh_link >= f->n_sec || f->sec[sh->sh_link].type != SHT_STRTAB)
		return malformed(r, r->symtab, -1, "symbol table without names");
	names.p = f->sec[sh->sh_link].data;
	names.n = f->sec[sh->sh_link].bytes;
	f->n_sym = (uint32_t)(table.n / sizeof(in));
	f->sym = arena_array(r->arena, f->n_sym, sizeof(*f->sym));
	for (uint32_t i = 0; i < f->n_sym; i++) {
		int err;

		bytes_get(table, (uint64_t)i * sizeof(in), &in, sizeof(in));
		err = read_symbol(r, &in, names, &f->sym[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static int by_off(const void *a, const void *b)
{
	const struct obj_rel *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* A relocation of an allocated section: of a kind that can be done, inside it. */
static int check_reloc(struct reading *r, uint32_t sec, const struct obj_rel *rel, uint64_t *end)
{
	const struct obj_sec *s = &r->f->sec[sec];
	const struct reloc_desc *d = r->cpu->reloc(rel->type);
	struct loc at = obj_loc(r->f, sec, (int64_t)rel->off);

	if (!d)
		return diag(r->dg, DIAG_L006, at, "kind %u", rel->type);
	if (d->refused)
		return diag(r->dg, DIAG_L006, at, "%s to %s: %s", d->name,
			    r->f->sym[rel->sym].name, d->refused);
	if (rel->off > s->bytes || s->bytes - rel->off < d->bytes || rel->off < d->before)
		return malformed(r, sec, (int64_t)rel->off, "relocation outside its section");
	if (rel->off < *end)
		return malformed(r, sec, (int64_t)rel->off, "overlapping relocations");
	*end = rel->off + d->bytes;
	return 0;
}

/* Relocations are of the section's bytes, and of the sections that go into a payload;
 * others (debug) are kept for those who write objects back. */
static int read_relocs(struct reading *r, uint32_t i)
{
	struct obj_file *f = r->f;
	const Elf64_Shdr *sh = &r->sh[i];
	struct bytes table = { f->sec[i].data, f->sec[i].bytes };
	struct obj_sec *s;
	Elf64_Rela in;
	uint64_t end = 0;

	if (sh->sh_info >= f->n_sec || !sh->sh_info)
		return malformed(r, i, -1, "relocations of no section");
	s = &f->sec[sh->sh_info];
	if (f->sec[i].type == SHT_REL)
		return s->flags & SHF_ALLOC ? malformed(r, i, -1, "relocations without addends")
					    : 0;
	if (sh->sh_entsize != sizeof(in) || table.n % sizeof(in) || s->rel ||
	    sh->sh_link != r->symtab)
		return malformed(r, i, -1, "relocation table of odd shape");
	if (!s->data && table.n)
		return malformed(r, i, -1, "relocations of a section without contents");
	s->n_rel = table.n / sizeof(in);
	s->rel = arena_array(r->arena, s->n_rel, sizeof(*s->rel));
	for (size_t k = 0; k < s->n_rel; k++) {
		bytes_get(table, k * sizeof(in), &in, sizeof(in));
		if (ELF64_R_SYM(in.r_info) >= f->n_sym)
			return malformed(r, i, -1, "relocation to a symbol that is not there");
		s->rel[k] = (struct obj_rel){ .off = in.r_offset,
					      .type = (uint32_t)ELF64_R_TYPE(in.r_info),
					      .sym = (uint32_t)ELF64_R_SYM(in.r_info),
					      .addend = in.r_addend };
	}
	qsort(s->rel, s->n_rel, sizeof(*s->rel), by_off);
	for (size_t k = 0; s->flags & SHF_ALLOC && k < s->n_rel; k++) {
		int err = check_reloc(r, sh->sh_info, &s->rel[k], &end);

		if (err < 0)
			return err;
	}
	return 0;
}

int objfile_read(struct arena *a, const char *path, struct bytes b, struct obj_file *out,
		 struct diags *dg)
{
	struct reading r = { .arena = a, .f = out, .dg = dg };
	int err;

	*out = (struct obj_file){ .path = path, .bytes = b };
	err = read_sections(&r);
	if (err >= 0)
		err = read_symbols(&r);
	for (uint32_t i = 1; err >= 0 && i < out->n_sec; i++)
		if (out->sec[i].type == SHT_RELA || out->sec[i].type == SHT_REL)
			err = read_relocs(&r, i);
	return err;
}

uint32_t obj_find(const struct obj_file *f, const char *name)
{
	for (uint32_t i = 1; i < f->n_sec; i++)
		if (!strcmp(f->sec[i].name, name))
			return i;
	return 0;
}

size_t obj_rel_from(const struct obj_sec *s, uint64_t off)
{
	size_t lo = 0, hi = s->n_rel;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->rel[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct obj_rel *obj_rel_at(const struct obj_sec *s, uint64_t off)
{
	size_t i = obj_rel_from(s, off);

	return i < s->n_rel && s->rel[i].off == off ? &s->rel[i] : NULL;
}
