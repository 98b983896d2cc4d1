/* SPDX-License-Identifier: MIT
 *
 * image_sym.c - the functions that .dynsym and .symtab name, the latter here or in a
 * debug file. */
#include "image_priv.h"

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

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

/* The table sh, one of sh[n] of a file: the target itself or its debug file. */
static void read_symtab(struct image_reader *r, struct bytes file, const Elf64_Shdr *sh,
			const Elf64_Shdr *link)
{
	const struct image *im = r->im;
	struct bytes tab = { bytes_at(file, sh->sh_offset, sh->sh_size), sh->sh_size }, str;
	Elf64_Sym s;

	str = (struct bytes){ bytes_at(file, link->sh_offset, link->sh_size), link->sh_size };
	if (link->sh_type != SHT_STRTAB || !tab.p || !str.p)
		return;
	str = bytes_strings(str);
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

/* ---- a debug file ---- */

static bool section(struct bytes file, const Elf64_Ehdr *eh, uint64_t i, Elf64_Shdr *out)
{
	return i < eh->e_shnum && eh->e_shoff < file.n &&
	       bytes_get(file, eh->e_shoff + i * sizeof(*out), out, sizeof(*out));
}

static bool has_build_id(struct bytes file, const Elf64_Ehdr *eh, struct bytes id)
{
	Elf64_Shdr sh;

	for (uint64_t i = 1; section(file, eh, i, &sh); i++) {
		const uint8_t *p = sh.sh_type == SHT_NOTE ? bytes_at(file, sh.sh_offset, sh.sh_size) : NULL;
		enum { HEAD = sizeof(Elf64_Nhdr) + 4 };	/* and "GNU" */

		if (p && sh.sh_size == HEAD + id.n && !memcmp(p + sizeof(Elf64_Nhdr), "GNU", 4) &&
		    !memcmp(p + HEAD, id.p, id.n))
			return true;
	}
	return false;
}

/* The .symtab of another ELF file about the target. */
static bool read_debug_elf(struct image_reader *r, struct bytes file, bool with_build_id)
{
	Elf64_Shdr sh, link;
	Elf64_Ehdr eh;

	if (!bytes_get(file, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, r->im->eh.e_ident, EI_VERSION) ||
	    eh.e_machine != r->im->eh.e_machine || eh.e_shentsize != sizeof(sh) ||
	    (with_build_id && !has_build_id(file, &eh, r->im->build_id)))
		return false;
	for (uint64_t i = 1; section(file, &eh, i, &sh); i++)
		if (sh.sh_type == SHT_SYMTAB && section(file, &eh, sh.sh_link, &link))
			read_symtab(r, file, &sh, &link);
	return true;
}

/* Returns whether it was the debug file of the target. */
static bool read_debug_file(struct image_reader *r, const char *path)
{
	struct diags quiet = { 0 };
	struct bytes file;

	return !access(path, R_OK) && file_read(r->im->arena, path, &file, NULL, &quiet) >= 0 &&
	       read_debug_elf(r, file, true);
}

/* .p NULL when it is no xz file, or one that would be too large. */
static struct bytes unpack(struct arena *a, const uint8_t *p, uint64_t n)
{
	enum { AT_MOST = 1 << 28 };
	lzma_stream s = LZMA_STREAM_INIT;
	struct bytes out = { 0 };
	lzma_ret r = lzma_stream_decoder(&s, AT_MOST, 0);
	uint8_t *buf = NULL;
	size_t cap = 0;

	s.next_in = p;
	s.avail_in = n;
	while (r == LZMA_OK) {
		uint8_t *more = cap < AT_MOST ? realloc(buf, cap ? cap *= 2 : (cap = 1 << 16)) : NULL;

		if (!more)
			break;
		buf = more;
		s.next_out = buf + s.total_out;
		s.avail_out = cap - s.total_out;
		r = lzma_code(&s, LZMA_FINISH);
	}
	if (r == LZMA_STREAM_END)
		out = (struct bytes){ arena_dup(a, buf, s.total_out), s.total_out };
	lzma_end(&s);
	free(buf);
	return out;
}

/* What is left of .symtab in a stripped file of Fedora's kind: .gnu_debugdata, an ELF file in xz. */
static void read_debugdata(struct image_reader *r)
{
	const Elf64_Shdr *sh = image_section(r->im, ".gnu_debugdata");
	const uint8_t *p = sh && sh->sh_type != SHT_NOBITS
				   ? bytes_at(r->im->file, sh->sh_offset, sh->sh_size) : NULL;

	if (p)
		read_debug_elf(r, unpack(r->im->arena, p, sh->sh_size), false);
}

/* Where debuggers look: /usr/lib/debug/.build-id/ab/cdef.debug; what .gnu_debuglink names,
 * beside the file and in .debug there.  The build id tells whether it is the right one. */
static bool find_debug_file(struct image_reader *r)
{
	const struct image *im = r->im;
	const Elf64_Shdr *sh = image_section(im, ".gnu_debuglink");
	struct arena *a = im->arena;
	const char *slash = im->path ? strrchr(im->path, '/') : NULL, *name, *dir, *id;

	if (im->build_id.n < 2 || !im->path)
		return false;
	id = arena_hex(a, im->build_id.p, im->build_id.n);
	if (read_debug_file(r, arena_printf(a, "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2)))
		return true;
	if (!sh)
		return false;
	name = bytes_str((struct bytes){ bytes_at(im->file, sh->sh_offset, sh->sh_size), sh->sh_size }, 0);
	if (!name || !*name || strchr(name, '/'))
		return false;
	dir = slash ? arena_strndup(a, im->path, (size_t)(slash + 1 - im->path)) : "";
	return read_debug_file(r, arena_printf(a, "%s%s", dir, name)) ||
	       read_debug_file(r, arena_printf(a, "%s.debug/%s", dir, name));
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

/* Go's functions that .symtab does not name; what it does name is sorted by now. */
static void add_go_functions(struct image_reader *r)
{
	struct image *im = r->im;
	size_t n = im->n_sym, k = 0;

	for (size_t i = 0; im->go && i < im->go->n_fn; i++) {
		const struct image_go_fn *f = &im->go->fn[i];
		Elf64_Sym s = { .st_value = f->vaddr, .st_size = f->end - f->vaddr,
				.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC) };

		while (k < n && im->sym[k].vaddr < f->vaddr)
			k++;
		if (f->name && *f->name && (k >= n || im->sym[k].vaddr != f->vaddr))
			add(r, &s, f->name, NULL, false);
	}
	if (im->n_sym > n)
		qsort(im->sym, im->n_sym, sizeof(*im->sym), by_vaddr);
}

void image_read_symbols(struct image_reader *r)
{
	struct image *im = r->im;
	bool has_symtab = false;
	size_t kept = 0;

	for (size_t i = 1; i < r->n_dynsym; i++) {
		const char *name, *version;
		Elf64_Sym s;

		if (image_dynsym(r, i, &s, &name, &version) && is_function(im, &s, name))
			add(r, &s, name, version, true);
	}
	for (size_t i = 1; i < im->n_sh && !has_symtab; i++)	/* there is one at most */
		if (im->sh[i].sh_type == SHT_SYMTAB) {
			if (im->sh[i].sh_link < im->n_sh)
				read_symtab(r, im->file, &im->sh[i], &im->sh[im->sh[i].sh_link]);
			has_symtab = true;
		}
	if (!has_symtab && !find_debug_file(r))
		read_debugdata(r);
	if (im->n_sym)
		qsort(im->sym, im->n_sym, sizeof(*im->sym), by_vaddr);
	add_go_functions(r);
	for (size_t i = 0; i < im->n_sym; i++) {
		struct image_symbol *s = &im->sym[i];

		if (kept && im->sym[kept - 1].vaddr == s->vaddr &&
		    !strcmp(im->sym[kept - 1].name, s->name))
			continue;
		im->sym[kept++] = *s;
	}
	im->n_sym = kept;
}
