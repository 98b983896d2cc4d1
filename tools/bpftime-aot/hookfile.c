/* SPDX-License-Identifier: MIT */
#include "hookfile.h"

#include <string.h>

enum { MAX_ROWS = 1 << 16 };

static int bad(const struct hookfile *h, const char *what, struct diags *dg)
{
	return diag(dg, DIAG_L001, at_file(h->path), "%s", what);
}

static struct bytes bytes_of(const struct hookfile *h, const Elf64_Shdr *sh)
{
	const void *p = sh->sh_type == SHT_NOBITS ? NULL
						  : bytes_at(h->file, sh->sh_offset, sh->sh_size);

	return (struct bytes){ p, p ? sh->sh_size : 0 };
}

static size_t index_of(const struct hookfile *h, const char *name)
{
	for (size_t i = 1; i < h->n_sh; i++)
		if (!strcmp(h->sh_name[i], name))
			return i;
	return 0;
}

struct bytes hookfile_section(const struct hookfile *h, const char *name)
{
	size_t i = index_of(h, name);

	return i ? bytes_of(h, &h->sh[i]) : (struct bytes){ NULL, 0 };
}

static int read_sections(struct hookfile *h, struct diags *dg)
{
	struct bytes names;
	Elf64_Shdr *sh;
	Elf64_Ehdr eh;

	if (!bytes_get(h->file, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh.e_type != ET_REL || eh.e_shentsize != sizeof(*sh))
		return bad(h, "not an ELF64 little-endian relocatable", dg);
	h->n_sh = eh.e_shnum;
	sh = arena_array(h->a, h->n_sh + 1, sizeof(*sh));
	if (!bytes_get(h->file, eh.e_shoff, sh, h->n_sh * sizeof(*sh)) || eh.e_shstrndx >= h->n_sh)
		return bad(h, "truncated section headers", dg);
	h->sh = sh;
	h->sh_name = arena_array(h->a, h->n_sh + 1, sizeof(*h->sh_name));
	names = bytes_of(h, &sh[eh.e_shstrndx]);
	for (size_t i = 0; i < h->n_sh; i++) {
		h->sh_name[i] = bytes_str(names, sh[i].sh_name);
		if (!h->sh_name[i])
			return bad(h, "a section without a name", dg);
	}
	return 0;
}

/* The relocations of section `sec`: their bytes, and the symbols they refer to. */
static bool relocations(const struct hookfile *h, size_t sec, struct bytes *rels,
			struct bytes *syms, struct bytes *strs)
{
	for (size_t i = 1; i < h->n_sh; i++) {
		const Elf64_Shdr *sh = &h->sh[i];

		if (sh->sh_type != SHT_RELA || sh->sh_info != sec || sh->sh_link >= h->n_sh ||
		    h->sh[sh->sh_link].sh_link >= h->n_sh)
			continue;
		*rels = bytes_of(h, sh);
		*syms = bytes_of(h, &h->sh[sh->sh_link]);
		*strs = bytes_of(h, &h->sh[h->sh[sh->sh_link].sh_link]);
		return true;
	}
	return false;
}

/* Symbol that the self-relative field at `off` of a section refers to, and the offset from
 * it: one PC-relative relocation, or (riscv64) a symbol to add and one to subtract. */
static bool target(const struct hookfile *h, size_t sec, size_t off, Elf64_Sym *sym, int64_t *addend,
		   const char **name)
{
	struct bytes rels, syms, strs;
	size_t found = 0;
	Elf64_Sym s;
	Elf64_Rela r;

	if (!relocations(h, sec, &rels, &syms, &strs))
		return false;
	for (size_t at = 0; bytes_get(rels, at, &r, sizeof(r)); at += sizeof(r)) {
		if (r.r_offset != off)
			continue;
		if (!bytes_get(syms, ELF64_R_SYM(r.r_info) * sizeof(s), &s, sizeof(s)))
			return false;
		if (found++) {
			*addend += (int64_t)(off - s.st_value - (uint64_t)r.r_addend);
			continue;
		}
		*addend = r.r_addend;
		*sym = s;
		*name = bytes_str(strs, s.st_name);
	}
	return found && *name;
}

const char *hookfile_str(const struct hookfile *h, const char *section, size_t off)
{
	const char *name, *s;
	Elf64_Sym sym;
	int64_t addend;

	if (!target(h, index_of(h, section), off, &sym, &addend, &name) ||
	    sym.st_shndx >= h->n_sh)
		return "";
	s = bytes_str(bytes_of(h, &h->sh[sym.st_shndx]), sym.st_value + (uint64_t)addend);
	return s ? s : "";
}

const char *hookfile_sym(const struct hookfile *h, const char *section, size_t off)
{
	size_t sec = index_of(h, section);
	const char *name;
	Elf64_Sym sym;
	int64_t addend;

	if (!target(h, sec, off, &sym, &addend, &name))
		return "";
	if (!*name && sym.st_shndx < h->n_sh)
		name = h->sh_name[sym.st_shndx];
	return strncmp(name, ".text.", 6) ? name : name + 6;
}

static const void *rows(struct hookfile *h, const char *section, size_t n, size_t bytes)
{
	const void *p = n <= MAX_ROWS ? bytes_at(hookfile_section(h, section), 0, n * bytes) : NULL;

	return p ? arena_dup(h->a, p, n * bytes) : NULL;
}

bool hookfile_is(struct bytes file)
{
	static const char name[] = ".bpftime.object";

	return memmem(file.p, file.n, name, sizeof(name)) != NULL;
}

int hookfile_open(struct arena *a, const char *path, struct bytes file, struct hookfile *out,
		  struct diags *dg)
{
	int r;

	*out = (struct hookfile){ .a = a, .path = path, .file = file };
	if ((r = read_sections(out, dg)) < 0)
		return r;
	if (!bytes_get(hookfile_section(out, ".bpftime.object"), 0, &out->object,
		       sizeof(out->object)) ||
	    !bytes_get(hookfile_section(out, ".bpftime.stamp"), 0, &out->stamp, sizeof(out->stamp)))
		return bad(out, "no .bpftime.object or no .bpftime.stamp", dg);
	if (out->object.version != OBJFMT_OBJECT_VERSION || out->object.size != sizeof(out->object))
		return bad(out, "another version of the format", dg);
	out->map = rows(out, ".bpftime.maps", out->object.n_maps, sizeof(*out->map));
	out->hook = rows(out, ".bpftime.hooks", out->object.n_hooks, sizeof(*out->hook));
	if ((out->object.n_maps && !out->map) || (out->object.n_hooks && !out->hook))
		return bad(out, "tables shorter than they say", dg);
	return 0;
}
