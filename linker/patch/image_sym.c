/* SPDX-License-Identifier: MIT
 *
 * image_sym.c - the functions that .dynsym and .symtab name. */
#include "image_priv.h"

#include <stdlib.h>

static bool is_function(const struct image *im, const Elf64_Sym *s, const char *name)
{
	uint8_t type = ELF64_ST_TYPE(s->st_info);
	const Elf64_Phdr *ph;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s->st_shndx == SHN_UNDEF || !*name)
		return false;
	ph = image_load_at(im, s->st_value);
	return ph && (ph->p_flags & PF_X);
}

static void add(struct image_reader *r, const Elf64_Sym *s, const char *name, const char *version,
		bool dynamic)
{
	struct image *im = r->im;

	*ARENA_PUSH(im->arena, im->sym, im->n_sym, r->cap_sym) = (struct image_symbol){
		name, version, s->st_value, s->st_size, ELF64_ST_TYPE(s->st_info),
		ELF64_ST_BIND(s->st_info), dynamic };
}

/* .symtab writes a version into the name: "memcpy@@GLIBC_2.14". */
static const char *split_version(struct arena *a, const char *name, const char **version)
{
	const char *at = strchr(name, '@');

	*version = NULL;
	if (!at || at == name)
		return name;
	*version = at + strspn(at, "@");
	return arena_strndup(a, name, (size_t)(at - name));
}

static void read_symtab(struct image_reader *r, const Elf64_Shdr *sh)
{
	const struct image *im = r->im;
	struct bytes tab = { im->file.p + sh->sh_offset, sh->sh_size }, str;
	const Elf64_Shdr *link;
	Elf64_Sym s;

	if (sh->sh_link >= im->n_sh || im->sh[sh->sh_link].sh_type != SHT_STRTAB)
		return;
	link = &im->sh[sh->sh_link];
	str = bytes_strings((struct bytes){ im->file.p + link->sh_offset, link->sh_size });
	for (uint64_t off = sizeof(s); bytes_get(tab, off, &s, sizeof(s)); off += sizeof(s)) {
		const char *name, *version;

		if (s.st_name >= str.n)
			continue;
		name = (const char *)str.p + s.st_name;
		if (!is_function(im, &s, name))
			continue;
		name = split_version(im->arena, name, &version);
		add(r, &s, name, version, false);
	}
}

/* By address, then name; of the same function in both tables the dynamic one first. */
static int by_vaddr(const void *a, const void *b)
{
	const struct image_symbol *x = a, *y = b;
	int c;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	c = strcmp(x->name, y->name);
	return c ? c : (int)y->dynamic - (int)x->dynamic;
}

void image_read_symbols(struct image_reader *r)
{
	struct image *im = r->im;
	size_t kept = 0;

	for (size_t i = 1; i < r->n_dynsym; i++) {
		const char *name, *version;
		Elf64_Sym s;

		if (image_dynsym(r, i, &s, &name, &version) && is_function(im, &s, name))
			add(r, &s, name, version, true);
	}
	for (size_t i = 1; i < im->n_sh; i++)
		if (im->sh[i].sh_type == SHT_SYMTAB) {
			read_symtab(r, &im->sh[i]);
			break;	/* there is one at most */
		}
	if (im->n_sym)
		qsort(im->sym, im->n_sym, sizeof(*im->sym), by_vaddr);
	for (size_t i = 0; i < im->n_sym; i++) {
		struct image_symbol *s = &im->sym[i];

		if (kept && im->sym[kept - 1].vaddr == s->vaddr &&
		    !strcmp(im->sym[kept - 1].name, s->name))
			continue;
		im->sym[kept++] = *s;
	}
	im->n_sym = kept;
}
